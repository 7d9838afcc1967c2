import { describe, expect, test } from 'vitest';
import { type CreateTenantStep, searchAttributeKey } from '../../client/contract.ts';
import { FAILURES, type FailureName } from '../../domain/failures.ts';
import type { ActivityName } from './fake-world.ts';
import { failAfter, failBefore, hold, loseAnswer } from './interruptions.ts';
import { command, newPurchase, send, stepOf, stepsOf, untilWaiting } from './purchase-fixture.ts';
import { useWorkflows } from './workflow-fixture.ts';

const workflows = await useWorkflows({ clock: 'skips' });

const OPERATED: { step: CreateTenantStep; activity: ActivityName; failure: FailureName }[] = [
  { step: 'import_subscription', activity: 'importSubscriptions', failure: 'SubscriptionNotFound' },
  { step: 'send_invitation', activity: 'sendInvitation', failure: 'RecipientRefused' },
  { step: 'tag_customer', activity: 'tagCustomer', failure: 'StripePermissionDenied' },
  { step: 'tag_subscription', activity: 'tagSubscriptions', failure: 'StripeRequestRefused' },
  { step: 'claim_events', activity: 'claimEvents', failure: 'DatabaseRefused' },
];

describe('a step that fails for good after the row exists waits alone, the others go on', () => {
  test.each(OPERATED)('$step waits with its reason; `retry` runs it as it is', async (waiting) => {
    const { step, activity, failure } = waiting;
    const { world, start } = newPurchase(workflows);
    world.break(activity, failure);
    const handle = await start();
    await untilWaiting(handle, step);
    expect(await stepOf(handle, step)).toEqual({
      name: step,
      state: 'waiting',
      reason: `${failure}: Broken by the test. ${FAILURES[failure].advice}`,
    });
    const others = (await stepsOf(handle)).filter((other) => other.name !== step);
    expect(others.every((other) => other.state === 'done')).toBe(true);
    // Nothing is known to tag until the import is over.
    expect(others).toHaveLength(step === 'import_subscription' ? 5 : 6);
    world.mend(activity);
    await send(handle, 'retry', command(step));
    expect(await handle.result()).toMatchObject({ licensed_user_count: 10 });
    expect((await stepsOf(handle)).map(({ state }) => state)).toEqual(Array(7).fill('done'));
    expect(world.keysOf(activity)).toHaveLength(1);
  });

  test.each(OPERATED)('$step is left out by `abandon`, and the run completes', async (waiting) => {
    const { step, activity, failure } = waiting;
    const { world, start } = newPurchase(workflows);
    world.break(activity, failure);
    const handle = await start();
    await untilWaiting(handle, step);
    await send(handle, 'abandon', command(step));
    const { tenant } = await handle.result();
    expect([...world.tenants.keys()]).toEqual([tenant]);
    expect(await stepOf(handle, step)).toMatchObject({
      state: 'skipped',
      reason: 'abandoned by an operator',
    });
    expect(world.keysOf(activity)).toEqual([]);
  });

  test('all five may wait at once and are resolved one by one', async () => {
    const { world, start } = newPurchase(workflows);
    for (const { activity, failure } of OPERATED) world.break(activity, failure);
    const handle = await start();
    await untilWaiting(handle, 'import_subscription', 'send_invitation', 'tag_customer', 'claim_events');
    for (const { step, activity } of OPERATED) {
      world.mend(activity);
      await expect.poll(async () => (await stepOf(handle, step))?.state).toMatch(/waiting|done/);
      if ((await stepOf(handle, step))?.state === 'waiting') await send(handle, 'retry', command(step));
    }
    await handle.result();
    for (const { activity } of OPERATED) expect(world.keysOf(activity)).toHaveLength(1);
  });
});

describe('`retry`', () => {
  test('of a step that fails again waits again, as often as it takes', async () => {
    const { world, start } = newPurchase(workflows);
    world.break('tagCustomer', 'StripePermissionDenied');
    const handle = await start();
    for (const _ of [1, 2, 3]) {
      await untilWaiting(handle, 'tag_customer');
      await send(handle, 'retry', command('tag_customer'));
    }
    await untilWaiting(handle, 'tag_customer');
    world.mend('tagCustomer');
    await send(handle, 'retry', command('tag_customer'));
    await handle.result();
    expect(world.audit.map(({ action }) => action)).toEqual(Array(4).fill('retry'));
    expect(new Set(world.audit.map(({ command_id }) => command_id)).size).toBe(4);
  });
});

describe('`amend`', () => {
  test('with the right subscription imports it, tags it and makes the run findable by it', async () => {
    const { world, input, start } = newPurchase(workflows);
    const handle = await start({ ...input, stripe_subscription_id: 'sub_wrong' });
    await untilWaiting(handle, 'import_subscription');
    expect(await stepOf(handle, 'tag_subscription')).toBeUndefined();
    const right = input.stripe_subscription_id;
    await send(handle, 'amend', { ...command('import_subscription'), stripe_subscription_id: right });
    expect(await handle.result()).toMatchObject({ licensed_user_count: 10 });
    expect(world.callsOf('tagSubscriptions').map((call) => call.input)).toMatchObject([
      { subscriptions: [right] },
    ]);
    expect(world.audit).toMatchObject([{ action: 'amend', correction: { stripe_subscription_id: right } }]);
    const { typedSearchAttributes } = await handle.describe();
    expect(typedSearchAttributes.get(searchAttributeKey('stripeSubscriptionId'))).toBe(right);
  });

  test('with the right e-mail sends the invitation there', async () => {
    const { world, input, start } = newPurchase(workflows);
    world.refusedRecipients.add(input.email);
    const handle = await start();
    await untilWaiting(handle, 'send_invitation');
    await send(handle, 'amend', { ...command('send_invitation'), email: 'right@customer.example' });
    const { tenant } = await handle.result();
    expect(world.mails).toEqual([{ tenant, to: 'right@customer.example' }]);
  });

  test('with another count corrects what the run answers when the import is left out', async () => {
    const { world, input, start } = newPurchase(workflows);
    const handle = await start({ ...input, stripe_subscription_id: 'sub_wrong', initial_license_count: 5 });
    await untilWaiting(handle, 'import_subscription');
    await send(handle, 'amend', { ...command('import_subscription'), initial_license_count: 8 });
    await untilWaiting(handle, 'import_subscription');
    await send(handle, 'abandon', command('import_subscription'));
    expect(await handle.result()).toMatchObject({ licensed_user_count: 8 });
    expect(world.audit).toMatchObject([
      { action: 'amend', correction: { initial_license_count: 8 } },
      { action: 'abandon' },
    ]);
  });
});

describe('every command is recorded with actor and reason, once', () => {
  test.each(['retry', 'abandon'] as const)(
    '%s, also when its recording fails and loses its answer',
    async (update) => {
      const { world, workflowId, start } = newPurchase(workflows);
      world.break('tagCustomer', 'StripePermissionDenied');
      const handle = await start();
      await untilWaiting(handle, 'tag_customer');
      world.mend('tagCustomer');
      const recording = hold(failBefore('DatabaseUnavailable'));
      world.interrupt(
        'recordOperatorAction',
        recording.interruption,
        failAfter('DatabaseUnavailable'),
        loseAnswer(),
      );
      const sent = send(handle, update, { step: 'tag_customer', actor: ' ada ', reason: 'key was wrong' });
      // Time is skipped from `result` on: to the end of the run, if it has not been told to go on by then.
      await recording.reached;
      recording.release();
      const { tenant } = await handle.result();
      await sent;
      const [recorded, ...repeated] = world.callsOf('recordOperatorAction').map((call) => call.input);
      expect(repeated).toEqual([recorded, recorded, recorded]);
      expect(world.audit).toMatchObject([
        {
          action: update,
          step: 'tag_customer',
          actor: 'ada',
          reason: 'key was wrong',
          tenant,
          workflow_id: workflowId,
        },
      ]);
    },
  );

  test('a command that cannot be recorded is not carried out, and may be sent again', async () => {
    const { world, start } = newPurchase(workflows);
    world.break('tagCustomer', 'StripePermissionDenied');
    world.break('recordOperatorAction', 'DatabaseRefused');
    const handle = await start();
    await untilWaiting(handle, 'tag_customer');
    await expect(send(handle, 'abandon', command('tag_customer'))).rejects.toThrow();
    expect(await stepOf(handle, 'tag_customer')).toMatchObject({ state: 'waiting' });
    world.mend('recordOperatorAction');
    await send(handle, 'abandon', command('tag_customer'));
    await handle.result();
    expect(world.audit).toHaveLength(1);
  });
});

test('a run that waits says so in its state and tells the command to send', async () => {
  const { world, workflowId, start } = newPurchase(workflows);
  world.break('tagCustomer', 'StripePermissionDenied');
  const handle = await start();
  await untilWaiting(handle, 'tag_customer');
  const state = async () =>
    (await handle.describe()).typedSearchAttributes.get(searchAttributeKey('tenantryState'));
  expect(await state()).toBe('waiting');
  const details = JSON.stringify(await handle.query('__temporal_workflow_metadata'));
  expect(details).toContain('Waits for an operator');
  expect(details).toContain(`--workflow-id ${workflowId}`);
  world.mend('tagCustomer');
  await send(handle, 'retry', command('tag_customer'));
  await handle.result();
  expect(await state()).toBe('completed');
});
