import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { expect, test } from 'vitest';
import { billingSyncWorkflowId, type CreateTenantResult, WORKFLOW_TYPES } from '../../client/contract.ts';
import { createTenancyClient } from '../../client/index.ts';
import type { billingSyncWorkflow } from '../../workflows/billing-sync.ts';
import { round } from './fake-world.ts';
import { hold } from './interruptions.ts';
import { newPurchase, type PurchaseFixture } from './purchase-fixture.ts';
import { useWorkflows } from './workflow-fixture.ts';

const STARTS_AT_ONCE = 20;
const EVENTS = ['evt_completed'];

const workflows = await useWorkflows({ clock: 'ticks' });
const tenancy = createTenancyClient({ client: workflows.client, taskQueue: workflows.taskQueue });

function syncThatFindsThePurchase({ world, input }: PurchaseFixture) {
  world.rounds.push(round({ purchase: { input, stripe_event_ids: EVENTS } }));
  const subject = input.stripe_customer_id;
  return workflows.client.workflow.start<typeof billingSyncWorkflow>(WORKFLOW_TYPES.billingSync, {
    workflowId: billingSyncWorkflowId(subject),
    taskQueue: workflows.taskQueue,
    args: [{ subject }],
  });
}

test('I6: 20 checkouts, a Checkout session and a plain start at once make one run, one tenant, one mail', async () => {
  const purchase = newPurchase(workflows);
  const { world, input, workflowId, start } = purchase;
  const verifying = hold();
  world.interrupt('verifyPurchase', verifying.interruption);
  const plain = start().catch((error: unknown) => error);
  const sync = syncThatFindsThePurchase(purchase);
  const started = await Promise.all(
    Array.from({ length: STARTS_AT_ONCE }, () => tenancy.createTenant(input)),
  );
  const synced = await (await sync).result();
  const direct = await plain;
  verifying.release();
  const result: CreateTenantResult = await workflows.client.workflow.getHandle(workflowId).result();
  expect(synced.rounds).toBe(1);
  expect(new Set(started.map(({ runId }) => runId)).size).toBe(1);
  expect(started.filter(({ joined }) => !joined).length).toBeLessThanOrEqual(1);
  if (direct instanceof Error) expect(direct).toBeInstanceOf(WorkflowExecutionAlreadyStartedError);
  expect([...world.tenants.keys()]).toEqual([result.tenant]);
  expect(world.mails).toHaveLength(1);
  expect(world.callsOf('verifyPurchase')).toHaveLength(1);
  expect(await Promise.all([1, 2].map(() => tenancy.tenantOf(workflowId)))).toEqual([
    result.tenant,
    result.tenant,
  ]);
});

test('a plain start after the completion finds the same tenant and sends no second mail', async () => {
  const { world, start } = newPurchase(workflows);
  const first = await start();
  const answer = await first.result();
  const second = await start();
  expect(second.firstExecutionRunId).not.toBe(first.firstExecutionRunId);
  expect(await second.result()).toEqual(answer);
  expect(world.tenants.size).toBe(1);
  expect(world.mails).toHaveLength(1);
  expect(world.callsOf('createTenant').map((call) => call.input)).toHaveLength(2);
});

test('our client and a Checkout session join a completed run instead of starting another', async () => {
  const purchase = newPurchase(workflows);
  const { world, input, start } = purchase;
  const handle = await start();
  await handle.result();
  expect(await tenancy.createTenant(input)).toMatchObject({
    joined: true,
    runId: handle.firstExecutionRunId,
  });
  await (await syncThatFindsThePurchase(purchase)).result();
  expect(world.callsOf('verifyPurchase')).toHaveLength(1);
});

test('two purchases with one e-mail and two customers make two tenants', async () => {
  const [one, two] = [newPurchase(workflows), newPurchase(workflows)];
  const results = await Promise.all([
    (await one.start({ ...one.input, email: 'same@customer.example' })).result(),
    (await two.start({ ...two.input, email: 'same@customer.example' })).result(),
  ]);
  expect(results[0].tenant).not.toBe(results[1].tenant);
});
