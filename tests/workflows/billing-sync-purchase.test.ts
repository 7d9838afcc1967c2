import { expect, test } from 'vitest';
import type { BillingSyncResult } from '../../client/contract.ts';
import { billingSyncWorkflowId, type CreateTenantResult } from '../../client/contract.ts';
import { wakeBillingSync } from '../../client/wake-billing-sync.ts';
import { round } from './fake-world.ts';
import { failAfter, failBefore, hold } from './interruptions.ts';
import { newPurchase } from './purchase-fixture.ts';
import { useWorkflows } from './workflow-fixture.ts';

const EVENTS = ['evt_completed', 'evt_payment_succeeded'];

const workflows = await useWorkflows({ clock: 'ticks' });
const { client, taskQueue } = workflows;

/** A customer whose next sync finds a paid Checkout session. */
function newSessionPurchase() {
  const purchase = newPurchase(workflows);
  const { world, input, workflowId } = purchase;
  const subject = input.stripe_customer_id;
  world.rounds.push(round({ purchase: { input, stripe_event_ids: EVENTS } }));
  return {
    ...purchase,
    sync: async (): Promise<BillingSyncResult> => {
      await wakeBillingSync(client.workflow, { subject, taskQueue });
      return client.workflow.getHandle(billingSyncWorkflowId(subject)).result();
    },
    creation: client.workflow.getHandle(workflowId),
  };
}

test('I6: a purchase begins a creation that outlives the sync, and its events are settled', async () => {
  const { world, sync, creation } = newSessionPurchase();
  const verifying = hold();
  world.interrupt('verifyPurchase', verifying.interruption);
  expect(await sync()).toMatchObject({ rounds: 1 });
  expect(world.keysOf('settlePurchaseEvents')).toEqual(EVENTS);
  expect((await creation.describe()).status.name).toBe('RUNNING');
  verifying.release();
  const { tenant }: CreateTenantResult = await creation.result();
  expect([...world.tenants.keys()]).toEqual([tenant]);
});

test('the events are settled only after the creation has begun', async () => {
  const { world, sync, creation } = newSessionPurchase();
  const settling = hold();
  world.interrupt('settlePurchaseEvents', settling.interruption);
  const synced = sync();
  await settling.reached;
  expect((await creation.describe()).type).toBe('createTenantWorkflow');
  settling.release();
  await synced;
});

test('the settling is tried again until it holds', async () => {
  const { world, sync } = newSessionPurchase();
  world.interrupt(
    'settlePurchaseEvents',
    failBefore('DatabaseUnavailable'),
    failAfter('DatabaseUnavailable'),
  );
  await sync();
  expect(world.keysOf('settlePurchaseEvents')).toEqual(EVENTS);
});

test('a creation that somebody else began is joined, and claims the events itself', async () => {
  const { world, sync, start } = newSessionPurchase();
  const verifying = hold();
  world.interrupt('verifyPurchase', verifying.interruption);
  const handle = await start();
  await verifying.reached;
  await sync();
  expect(world.callsOf('settlePurchaseEvents')).toEqual([]);
  verifying.release();
  await handle.result();
  expect(world.callsOf('claimEvents')).toHaveLength(1);
  expect(world.callsOf('verifyPurchase')).toHaveLength(1);
});

test('a creation that is complete is not begun again', async () => {
  const { world, sync, start } = newSessionPurchase();
  await (await start()).result();
  await sync();
  expect(world.callsOf('settlePurchaseEvents')).toEqual([]);
  expect(world.callsOf('createTenant')).toHaveLength(1);
});

test('I6: a joined creation that fails is begun again by the events, which were left pending', async () => {
  const { world, input, sync, start, creation } = newSessionPurchase();
  const verifying = hold();
  world.interrupt('verifyPurchase', async (effect) => {
    await verifying.interruption(() => undefined);
    return failBefore('SubscriptionOfAnotherCustomer')(effect);
  });
  const handle = await start();
  await verifying.reached;
  await sync();
  verifying.release();
  await handle.result().catch(() => undefined);
  world.rounds.push(round({ purchase: { input, stripe_event_ids: EVENTS } }));
  await sync();
  await creation.result();
  expect(world.tenants.size).toBe(1);
  expect(world.keysOf('settlePurchaseEvents')).toEqual(EVENTS);
});

test('a creation that failed is begun again', async () => {
  const { world, sync, start, creation } = newSessionPurchase();
  world.break('verifyPurchase', 'CustomerNotFound');
  const handle = await start();
  await handle.result().catch(() => undefined);
  world.mend('verifyPurchase');
  await sync();
  expect((await creation.describe()).runId).not.toBe(handle.firstExecutionRunId);
  await creation.result();
  expect(world.tenants.size).toBe(1);
});

test('I6: a cancelled sync does not take the creation with it', async () => {
  const { world, input, sync, creation } = newSessionPurchase();
  const settling = hold();
  world.interrupt('settlePurchaseEvents', settling.interruption);
  const synced = sync().catch((error: unknown) => error);
  await settling.reached;
  await client.workflow.getHandle(billingSyncWorkflowId(input.stripe_customer_id)).cancel();
  expect(await synced).toBeInstanceOf(Error);
  settling.release();
  const { tenant }: CreateTenantResult = await creation.result();
  expect([...world.tenants.keys()]).toEqual([tenant]);
});
