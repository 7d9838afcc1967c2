import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { expect, test } from 'vitest';
import type { CreatedTenant } from '../../activities/tenants.ts';
import { billingSyncWorkflowId } from '../../client/contract.ts';
import { TemporalUnavailable } from '../../client/temporal-unavailable.ts';
import { createTenancyClient } from '../../client/tenancy-client.ts';
import { type Checkout, checkoutSchema } from '../../domain/create-tenant-input.ts';
import { WORKFLOW_SOURCE } from '../../worker/workflow-source.ts';
import { silentServer } from '../silent-server.ts';
import { useSetUpTemporal, useWorkers } from '../temporal.ts';

const WITH_WORKER = 'served';
const WITHOUT_WORKER = 'nobody-listens';

const tenants = new Map<string, number>();
const temporal = await useSetUpTemporal();
const { client } = temporal;
const served = createTenancyClient({ client, taskQueue: WITH_WORKER });
const unserved = createTenancyClient({ client, taskQueue: WITHOUT_WORKER });
await useWorkers(temporal, {
  taskQueue: WITH_WORKER,
  ...WORKFLOW_SOURCE,
  activities: { createTenant: bornOnce, sendInvitation: async () => undefined },
});

async function bornOnce({ provisioning_key: key }: { provisioning_key: string }): Promise<CreatedTenant> {
  tenants.set(key, (tenants.get(key) ?? 0) + 1);
  return { tenant: `tenant-of-${key}`, licensed_user_count: 3, is_own: true, app_url: 'http://app' };
}

/** The server may be one that others use, too. */
const newCustomer = () => `cus_${randomUUID().replaceAll('-', '')}`;

function checkout(more: Record<string, unknown> = {}): Checkout {
  return checkoutSchema.parse({
    email: 'ada@example.com',
    client_name: 'Ada',
    stripe_customer_id: newCustomer(),
    ...more,
  });
}
/** Without a customer no step needs Stripe, so a run completes. */
const purchase = () => ({
  email: 'ADA@example.com',
  client_name: randomUUID(),
  initial_license_count: 3,
});

test('20 identical checkouts at once are one run', async () => {
  const bought = checkout();
  const starts = await Promise.all(Array.from({ length: 20 }, () => unserved.startCheckout(bought)));
  const runs = new Set(starts.map((start) => (start.outcome === 'accepted' ? start.runId : start.outcome)));
  expect(runs.size).toBe(1);
  expect(starts.filter((start) => start.outcome === 'accepted' && !start.joined)).toHaveLength(1);
  expect(starts[0]?.workflowId).toBe(`create-tenant-${bought.stripe_customer_id}`);
});

test('another checkout of the same customer is a conflict; a run that began without one is joined', async () => {
  const first = checkout();
  await unserved.startCheckout(first);
  expect(await unserved.startCheckout({ ...first, initial_license_count: 5 })).toEqual({
    outcome: 'conflict',
    workflowId: `create-tenant-${first.stripe_customer_id}`,
  });
  const second = checkout();
  const direct = await unserved.createTenant({ ...second, source: 'stripe_checkout' });
  expect(await unserved.startCheckout(second)).toEqual({ outcome: 'accepted', ...direct, joined: true });
  expect(await unserved.createTenant(first)).toMatchObject({ joined: true });
});

test('a completed run is joined, not run again; a failed one begins anew', async () => {
  const bought = purchase();
  const { workflowId, runId } = await served.createTenant(bought);
  await client.workflow.getHandle(workflowId).result();
  expect(await served.createTenant(bought)).toEqual({ workflowId, runId, joined: true });
  expect(tenants.get(workflowId)).toBe(1);
  const failing = checkout();
  const first = await unserved.startCheckout(failing);
  await client.workflow.getHandle(first.workflowId).terminate();
  const again = await unserved.startCheckout({ ...failing, initial_license_count: 9 });
  expect(again).toMatchObject({ outcome: 'accepted', joined: false, workflowId: first.workflowId });
});

test('the tenant is known as soon as its row exists, and after completion', async () => {
  const { workflowId } = await served.createTenant(purchase());
  expect(workflowId).toMatch(/^create-tenant-[0-9a-f]{32}$/);
  const tenant = `tenant-of-${workflowId}`;
  expect(await served.tenantOf(workflowId)).toBe(tenant);
  await client.workflow.getHandle(workflowId).result();
  expect(await served.tenantOf(workflowId)).toBe(tenant);
  const run = await served.describe(workflowId);
  expect(run).toMatchObject({ workflowId, state: 'completed' });
  expect(run && (await served.resultOf(run))).toEqual({ tenant, licensed_user_count: 3 });
  expect((await served.progressOf(workflowId)).steps).toContainEqual({
    name: 'create_tenant',
    state: 'done',
  });
});

test('an unknown id and a run of another type are no checkout', async () => {
  const customer = newCustomer();
  expect(await unserved.describe(`create-tenant-${customer}`)).toBeUndefined();
  expect(await unserved.describe('')).toBeUndefined();
  await unserved.wakeBillingSync(customer);
  expect(await unserved.describe(billingSyncWorkflowId(customer))).toBeUndefined();
});

test('a wake starts a billing sync and signals one that runs', async () => {
  const customer = newCustomer();
  for (let wake = 0; wake < 3; wake += 1) await unserved.wakeBillingSync(customer);
  const { events } = await client.workflow.getHandle(billingSyncWorkflowId(customer)).fetchHistory();
  const signals = events?.filter((event) => event.workflowExecutionSignaledEventAttributes);
  expect(signals).toHaveLength(3);
});

test('without a worker a question ends at its time limit', async () => {
  const { workflowId } = await unserved.createTenant(checkout());
  await expect(unserved.progressOf(workflowId, 200)).rejects.toThrow(TemporalUnavailable);
});

test('wrong input is refused before Temporal is asked, with every wrong field and no value', async () => {
  const wrong = { email: 'secret', client_name: '', stripe_customer_id: 'sub_1' };
  await expect(served.createTenant(wrong)).rejects.toMatchObject({
    name: 'InvalidInput',
    message: expect.stringMatching(/email .*client_name .*stripe_customer_id /),
  });
  await expect(served.createTenant(wrong)).rejects.not.toThrow('secret');
});

test('I9: neither id, summary nor memo of a run holds an e-mail address or a name', async () => {
  const bought = checkoutSchema.parse({ email: 'grace@example.com', client_name: 'Grace' });
  const start = await unserved.startCheckout(bought);
  const description = await client.workflow.getHandle(start.workflowId).describe();
  const shown = JSON.stringify([start, await description.staticSummary(), description.memo]);
  expect(shown).toContain('Tenant of a purchase');
  expect(shown).not.toMatch(/grace/i);
});

test('Temporal away is told', async () => {
  const lazy = Connection.lazy({ address: '127.0.0.1:1', interceptors: [] });
  const away = createTenancyClient({ client: new Client({ connection: lazy }) });
  await expect(away.startCheckout(checkout())).rejects.toThrow(TemporalUnavailable);
  await lazy.close();
});

test('a Temporal that takes connections and says nothing is told as away at the time limit', async () => {
  const lazy = Connection.lazy({ address: `127.0.0.1:${await silentServer()}` });
  const away = createTenancyClient({ client: new Client({ connection: lazy }) });
  // Only gRPC's keep-alive would notice, after 45 s.
  const answer = Promise.race([away.startCheckout(checkout()), delay(30_000, 'too late')]);
  await expect(answer).rejects.toThrow(TemporalUnavailable);
  await lazy.close();
});
