import { CancelledFailure, WorkflowFailedError } from '@temporalio/client';
import { expect, test } from 'vitest';
import { Failure } from '../../domain/failures.ts';
import type { ActivityName } from './fake-world.ts';
import { hold, type Interruption } from './interruptions.ts';
import {
  type CreateTenantHandle,
  command,
  newPurchase,
  send,
  stepOf,
  untilWaiting,
} from './purchase-fixture.ts';
import { useWorkflows } from './workflow-fixture.ts';

const workflows = await useWorkflows({ clock: 'skips' });
const { environment } = workflows;
const HOUR_MS = 60 * 60 * 1000;

test('a step waits 30 days for an operator, and then ends well', async () => {
  const { world, input, start } = newPurchase(workflows);
  const handle = await start({ ...input, stripe_subscription_id: 'sub_wrong' });
  await untilWaiting(handle, 'import_subscription');
  const tries = world.callsOf('importSubscriptions').length;
  await environment.sleep('30 days');
  expect(await stepOf(handle, 'import_subscription')).toMatchObject({ state: 'waiting' });
  expect(world.callsOf('importSubscriptions')).toHaveLength(tries);
  const right = { stripe_subscription_id: input.stripe_subscription_id };
  await send(handle, 'amend', { ...command('import_subscription'), ...right });
  expect(await handle.result()).toMatchObject({ licensed_user_count: 10 });
});

test.each([
  { activity: 'createTenant', failure: 'DatabaseUnavailable' },
  { activity: 'tagCustomer', failure: 'StripeUnavailable' },
] as const)(
  '3 hours of $failure in $activity are waited out, with a try at least every 30 s',
  async ({ activity, failure }) => {
    const { world, start } = newPurchase(workflows);
    const end = (await environment.currentTimeMs()) + 3 * HOUR_MS;
    let now = 0;
    const untilTheEnd: Interruption = async (effect) => {
      now = await environment.currentTimeMs();
      if (now >= end) return effect();
      world.interrupt(activity, untilTheEnd);
      throw new Failure(failure, 'Away');
    };
    world.interrupt(activity, untilTheEnd);
    expect(await (await start()).result()).toMatchObject({ licensed_user_count: 10 });
    expect(now).toBeLessThan(end + 60_000);
    expect(world.callsOf(activity).length).toBeGreaterThanOrEqual((3 * HOUR_MS) / 30_000);
    expect(world.keysOf(activity)).toHaveLength(1);
  },
);

test('when Stripe says how long to wait, the next try comes then', async () => {
  const { world, start } = newPurchase(workflows);
  const tries: number[] = [];
  const timed =
    (refuses: boolean): Interruption =>
    async (effect) => {
      tries.push(await environment.currentTimeMs());
      if (refuses) throw new Failure('StripeRateLimited', 'Slow down', { retryAfterMs: HOUR_MS });
      return effect();
    };
  world.interrupt('tagCustomer', timed(true), timed(false));
  await (await start()).result();
  expect((tries[1] ?? 0) - (tries[0] ?? 0)).toBeGreaterThanOrEqual(HOUR_MS);
});

async function expectCancelled(handle: CreateTenantHandle): Promise<void> {
  const error = await handle.result().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(WorkflowFailedError);
  expect((error as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);
  expect((await handle.describe()).status.name).toBe('CANCELLED');
}

const HELD: ActivityName[] = [
  'verifyPurchase',
  'createTenant',
  'importSubscriptions',
  'sendInvitation',
  'tagCustomer',
  'tagSubscriptions',
  'claimEvents',
];

test.each(HELD)('a run cancelled in %s ends as Cancelled', async (activity) => {
  const { world, start } = newPurchase(workflows);
  const { interruption, reached, release } = hold();
  world.interrupt(activity, interruption);
  const handle = await start();
  await reached;
  await handle.cancel();
  await expectCancelled(handle);
  release();
});

test.each(['importSubscriptions', 'sendInvitation', 'tagSubscriptions', 'claimEvents'] as const)(
  'a run cancelled while %s waits for an operator ends as Cancelled',
  async (activity) => {
    const { world, start } = newPurchase(workflows);
    world.break(activity, 'StripeRequestRefused');
    const handle = await start();
    await expect.poll(async () => JSON.stringify(await handle.query('progress'))).toContain('"waiting"');
    await handle.cancel();
    await expectCancelled(handle);
  },
);

test('a run cancelled while one step waits and another runs ends as Cancelled', async () => {
  const { world, start } = newPurchase(workflows);
  world.break('importSubscriptions', 'StripeRequestRefused');
  const { interruption, reached, release } = hold();
  world.interrupt('claimEvents', interruption);
  const handle = await start();
  await reached;
  await handle.cancel();
  await expectCancelled(handle);
  release();
});

test('a run cancelled while an operator’s command is being recorded ends as Cancelled', async () => {
  const { world, start } = newPurchase(workflows);
  world.break('tagCustomer', 'StripePermissionDenied');
  const handle = await start();
  await untilWaiting(handle, 'tag_customer');
  const { interruption, reached, release } = hold();
  world.interrupt('recordOperatorAction', interruption);
  const sent = send(handle, 'retry', command('tag_customer')).catch((error: unknown) => error);
  await reached;
  await handle.cancel();
  await expectCancelled(handle);
  release();
  expect(await sent).toBeInstanceOf(Error);
});

test('a run cancelled while somebody waits for the tenant ends as Cancelled, and they are told', async () => {
  const { world, start } = newPurchase(workflows);
  const { interruption, reached, release } = hold();
  world.interrupt('createTenant', interruption);
  const handle = await start();
  await reached;
  const asked = handle.executeUpdate<string, []>('tenant').catch((error: unknown) => error);
  // The query is answered by a task that comes after the update's.
  await expect
    .poll(async () => JSON.stringify((await handle.fetchHistory()).events))
    .toContain('UpdateAccepted');
  await handle.cancel();
  await expectCancelled(handle);
  release();
  expect(await asked).toBeInstanceOf(Error);
});
