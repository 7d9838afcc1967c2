import { WorkflowFailedError } from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import { searchAttributeKey } from '../../client/contract.ts';
import { newSync } from './billing-sync-fixture.ts';
import { SWEPT } from './fake-activities.ts';
import { round } from './fake-world.ts';
import { failAfter, failBefore, hold } from './interruptions.ts';
import { useWorkflows } from './workflow-fixture.ts';

const workflows = await useWorkflows({ clock: 'ticks' });

describe('rounds', () => {
  test('one wake makes one round over what is pending, and the run ends', async () => {
    const { world, subject, wake, handle } = newSync(workflows);
    world.rounds.push(round({ processed: 2, ignored: 1, licensed_user_count: 25, tenant: 'tenant-1' }));
    await wake();
    expect(await handle.result()).toEqual({
      rounds: 1,
      processed: 2,
      ignored: 1,
      parked: 0,
      licensed_user_count: 25,
    });
    expect(world.callsOf('syncSubject').map((call) => call.input)).toEqual([{ subject, only_pending: true }]);
  });

  test('a start without a signal asks Stripe even when nothing is pending', async () => {
    const { world, subject, start } = newSync(workflows);
    expect(await (await start()).result()).toMatchObject({ rounds: 1, processed: 0 });
    expect(world.callsOf('syncSubject').map((call) => call.input)).toEqual([
      { subject, only_pending: false },
    ]);
  });

  test('a wake during a round makes exactly one more', async () => {
    const { world, wake, handle } = newSync(workflows);
    const syncing = hold();
    world.interrupt('syncSubject', syncing.interruption);
    world.rounds.push(round({ processed: 1, licensed_user_count: 10 }), round({ processed: 2 }));
    await wake();
    await syncing.reached;
    await wake();
    syncing.release();
    expect(await handle.result()).toMatchObject({ rounds: 2, processed: 3, licensed_user_count: 10 });
  });

  test('a wake during a round that leaves nothing to do takes no other turn from Stripe’s budget', async () => {
    const { world, subject, wake, handle } = newSync(workflows);
    const syncing = hold();
    world.interrupt('syncSubject', syncing.interruption);
    world.rounds.push(round({ processed: 2 }));
    world.isPending = false;
    await wake();
    await syncing.reached;
    await wake();
    syncing.release();
    expect(await handle.result()).toMatchObject({ rounds: 1, processed: 2 });
    expect(world.callsOf('syncSubject')).toHaveLength(1);
    expect(world.callsOf('hasPendingEvents').map((call) => call.input)).toEqual([{ subject }]);
  });

  test('I3: an event that comes while a run asks whether anything is left gets its round', async () => {
    const { world, wake, handle } = newSync(workflows);
    const syncing = hold();
    const asking = hold(async (effect) => {
      const answer = effect();
      world.isPending = true;
      return answer;
    });
    world.interrupt('syncSubject', syncing.interruption);
    world.interrupt('hasPendingEvents', asking.interruption);
    world.rounds.push(round({ processed: 2 }), round({ processed: 1 }));
    world.isPending = false;
    await wake();
    await syncing.reached;
    await wake();
    syncing.release();
    await asking.reached;
    await wake();
    asking.release();
    expect(await handle.result()).toMatchObject({ rounds: 2, processed: 3 });
  });

  test('100 wakes during a round make one more', async () => {
    const { world, wake, handle } = newSync(workflows);
    const syncing = hold();
    world.interrupt('syncSubject', syncing.interruption);
    await wake();
    await syncing.reached;
    await Promise.all(Array.from({ length: 100 }, wake));
    syncing.release();
    expect(await handle.result()).toMatchObject({ rounds: 2 });
    expect(world.callsOf('syncSubject')).toHaveLength(2);
  });

  test('I3: wakes at any moment are never lost: after the last one there is a round', async () => {
    const { world, wake, handle } = newSync(workflows);
    for (let wakes = 0; wakes < 30; wakes += 1) {
      const before = world.callsOf('syncSubject').length;
      await wake();
      await expect.poll(() => world.callsOf('syncSubject').length, { interval: 5 }).toBeGreaterThan(before);
    }
    await handle.result();
  });

  test('more pending events than one round settles make another', async () => {
    const { world, wake, handle } = newSync(workflows);
    world.rounds.push(round({ processed: 100, more: true }), round({ processed: 100, more: true }));
    world.rounds.push(round({ processed: 7 }));
    await wake();
    expect(await handle.result()).toMatchObject({ rounds: 3, processed: 207 });
  });

  test('a run whose history grows long goes on as a new one', async () => {
    const { world, subject, wake, handle } = newSync(workflows);
    // The server suggests it from 4 MiB on.
    const heavy = { padding: 'x'.repeat(1_500_000) };
    for (let rounds = 0; rounds < 4; rounds += 1) {
      world.rounds.push({ ...round({ processed: 1, more: true }), ...heavy });
    }
    await wake();
    const { runId } = await handle.describe();
    await handle.result();
    const last = await handle.describe();
    expect(last.runId).not.toBe(runId);
    expect(last.status.name).toBe('COMPLETED');
    expect(world.callsOf('syncSubject').map((call) => call.input)).toContainEqual({
      subject,
      only_pending: false,
    });
    expect(world.rounds).toEqual([]);
  });
});

describe('failures', () => {
  test('what passes by itself is tried again', async () => {
    const { world, wake, handle } = newSync(workflows);
    world.interrupt('syncSubject', failBefore('StripeUnavailable'), failAfter('DatabaseUnavailable'));
    await wake();
    expect(await handle.result()).toMatchObject({ rounds: 1 });
    expect(world.callsOf('syncSubject').map((call) => call.attempt)).toEqual([1, 2, 3]);
  });

  test('what fails for good ends the run as Failed by its name; the next wake starts a new one', async () => {
    const { world, subject, wake, handle } = newSync(workflows);
    world.break('syncSubject', 'StripePermissionDenied');
    await wake();
    const error = await handle.result().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect((error as WorkflowFailedError).cause).toMatchObject({ type: 'StripePermissionDenied' });
    const failed = await handle.describe();
    expect(failed.status.name).toBe('FAILED');
    expect(failed.typedSearchAttributes.get(searchAttributeKey('tenantryState'))).toBe('failed');
    expect(failed.typedSearchAttributes.get(searchAttributeKey('stripeCustomerId'))).toBe(subject);
    world.mend('syncSubject');
    await wake();
    expect(await handle.result()).toMatchObject({ rounds: 1 });
  });

  test('a cancelled sync ends as Cancelled', async () => {
    const { world, wake, handle } = newSync(workflows);
    const { interruption, reached, release } = hold();
    world.interrupt('syncSubject', interruption);
    await wake();
    await reached;
    await handle.cancel();
    await handle.result().catch(() => undefined);
    release();
    expect((await handle.describe()).status.name).toBe('CANCELLED');
  });
});

describe('what operators see', () => {
  test('customer, tenant and state are searchable, the details count events and licences', async () => {
    const { world, subject, wake, handle } = newSync(workflows);
    world.rounds.push(round({ processed: 2, parked: 1, licensed_user_count: 25, tenant: 'tenant-1' }));
    await wake();
    await handle.result();
    const { typedSearchAttributes } = await handle.describe();
    const found = (attribute: Parameters<typeof searchAttributeKey>[0]) =>
      typedSearchAttributes.get(searchAttributeKey(attribute));
    expect([found('stripeCustomerId'), found('tenantId'), found('tenantryState')]).toEqual([
      subject,
      'tenant-1',
      'completed',
    ]);
    const details = JSON.stringify(await handle.query('__temporal_workflow_metadata'));
    expect(details).toContain('events processed 2, ignored 0, parked 1');
    expect(details).toContain('licences: 25');
  });
});

test.each([
  ['a subscription', 'sub_', { customer: 'cus_found' }, 'cus_found'],
  ['a price', 'price:price_', { product: 'product:prod_found' }, 'product:prod_found'],
])('%s wakes the sync of what it led to', async (_name, prefix, led, woken) => {
  const { world, wake, handle } = newSync(workflows, `${prefix}${crypto.randomUUID().slice(0, 8)}`);
  world.rounds.push(round(led));
  await wake();
  expect(await handle.result()).toMatchObject({ rounds: 1 });
  expect(world.woken).toEqual([woken]);
});

test('I3 the sweep answers and shows what it did, and is tried again when Postgres is away', async () => {
  const { world } = newSync(workflows);
  const workflowId = crypto.randomUUID();
  workflows.place(workflowId, world);
  world.interrupt('wakeDueSubjects', failBefore('DatabaseUnavailable'));
  const handle = await workflows.client.workflow.start('sweepWebhookEventsWorkflow', {
    workflowId,
    taskQueue: workflows.taskQueue,
  });
  expect(await handle.result()).toEqual(SWEPT);
  expect(world.callsOf('wakeDueSubjects')).toHaveLength(2);
  const details = JSON.stringify(await handle.query('__temporal_workflow_metadata'));
  expect(details).toContain('subjects due 3, woken 2, refused by Temporal 1');
  expect(details).toContain('events tried again after a failure: 4');
  expect(details).toContain('parked events whose customer is known by now: 5');
});
