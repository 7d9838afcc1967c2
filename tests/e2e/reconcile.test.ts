import { expect, test } from 'vitest';
import { startReconcile } from '../../client/bulk-runs.ts';
import {
  DEFAULT_TASK_QUEUE,
  type ReconcileBillingInput,
  type ReconcileBillingResult,
} from '../../client/contract.ts';
import { routeEvent } from '../../domain/webhook-event.ts';
import { sweep } from './stripe-change.ts';
import { until, useSystem } from './system.ts';

const CUSTOMERS = 200;
const EVENTS_MIN = 1_000;
const PAGE = 100;
/** Slow enough that a worker can be killed before it is done. */
const system = await useSystem({ STRIPE_MAX_REQUESTS_PER_SECOND: '150' });
const { stripe, query } = system;

const start = (input: ReconcileBillingInput) =>
  startReconcile(system.client, { input, taskQueue: DEFAULT_TASK_QUEUE });
const resultOf = (run: { workflowId: string }): Promise<ReconcileBillingResult> =>
  system.client.workflow.getHandle(run.workflowId).result();

/** Number of rows, of a table with a condition. */
async function count(rows: string): Promise<number> {
  const [row] = await query<{ count: number }>(`select count(*)::int as count from ${rows}`);
  return row?.count ?? 0;
}

async function killWorker(): Promise<void> {
  system.worker.kill('SIGKILL');
  await system.worker.exited;
  await system.worker.restart();
}

/** A tenant whose customer's purchase and upgrade no webhook tells. */
async function unheardBuyer(index: number): Promise<void> {
  const purchase = await system.buy(1);
  await query(
    `with made as (insert into tenants (client_name, email) values ($1, $2) returning tenant)
     insert into stripe_customers (tenant, stripe_customer_external_id, billing_tenant, email, name)
     select tenant, $3, $4, $2, $1 from made`,
    [purchase.client_name, purchase.email, purchase.stripe_customer_id, system.env.MASTER_BILLING_TENANT_ID],
  );
  const { items } = await stripe.subscriptions.retrieve(purchase.stripe_subscription_id);
  const id = items.data[0]?.id ?? '';
  await stripe.subscriptions.update(purchase.stripe_subscription_id, {
    items: [{ id, quantity: index + 2 }],
  });
}

/** The ids of the events that concern us, as Stripe has them. */
async function stripesEvents(): Promise<string[]> {
  const ids: string[] = [];
  for await (const event of stripe.events.list({ limit: PAGE })) {
    if (routeEvent(event, false)?.status === 'received') ids.push(event.id);
  }
  return ids.sort();
}

async function expectProjectionEqualsStripe(): Promise<void> {
  const theirs: unknown[] = [];
  for await (const { id, status, metadata, items } of stripe.subscriptions.list({
    status: 'all',
    limit: PAGE,
  })) {
    const [item] = items.data;
    const count = item?.quantity;
    theirs.push({ id, status, metadata, quantity: count, item: item?.id, price: item?.price.id, count });
  }
  const ours = await query(
    `select s.stripe_subscription_external_id as id, s.status, s.metadata, s.quantity,
       i.stripe_subscription_item_external_id as item, p.stripe_price_external_id as price, t.licensed_user_count as count
     from stripe_subscriptions s join tenants t using (tenant)
     left join stripe_subscription_items i using (tenant, stripe_subscription_id)
     left join stripe_prices p on p.stripe_price_id = i.stripe_price_id`,
  );
  const byId = (rows: unknown[]) => new Map(rows.map((row) => [(row as { id: string }).id, row]));
  expect(byId(ours)).toEqual(byId(theirs));
}

test(`I2 I3 I4: ${EVENTS_MIN} events that no webhook brought are found by reconcile and processed, through a SIGKILL of the worker`, async () => {
  for (const { id } of (await stripe.webhookEndpoints.list()).data) await stripe.webhookEndpoints.del(id);
  for (let index = 0; index < CUSTOMERS; index += 1) await unheardBuyer(index);
  const theirs = await stripesEvents();
  expect(theirs.length).toBeGreaterThanOrEqual(EVENTS_MIN);
  const run = await start({ only: 'events' });
  await until('some events are in the inbox', async () => (await count('stripe_webhook_events')) > 0);
  await killWorker();
  expect(await resultOf(run)).toMatchObject({ events_checked: expect.any(Number), drift_found: 0 });
  await until('half of the syncs are done', async () => {
    await sweep(system);
    return (await count("stripe_webhook_events where status = 'processed'")) > theirs.length / 2;
  });
  await until(
    'nothing is pending',
    async () => (await count("stripe_webhook_events where status = 'received'")) === 0,
  );
  const held = await query<{ id: string; source: string; status: string }>(
    'select stripe_event_id as id, source, status from stripe_webhook_events order by 1',
  );
  expect(held.map(({ id }) => id).sort()).toEqual(theirs);
  expect(new Set(held.map(({ source, status }) => `${source} ${status}`))).toEqual(
    new Set(['reconcile processed']),
  );
  await expectProjectionEqualsStripe();
  const again = await start({ only: 'events' });
  expect(await resultOf(again)).toMatchObject({ events_missing: 0 });
}, 120_000);

test(`I4 I5: ${CUSTOMERS} rows that were falsified are found by reconcile and repaired, through a SIGKILL of the worker`, async () => {
  await query(`
    update stripe_subscriptions set quantity = 999,
      status = case when stripe_subscription_external_id < 'sub_' || 'N' then 'unpaid' else status end`);
  await query('update tenants set licensed_user_count = 999 where licensed_user_count is not null');
  const repaired = "billing_drift where repair = 'billing_sync'";
  const run = await start({});
  await until('some are repaired', async () => (await count(repaired)) > 0);
  expect(await count('billing_drift where repaired_at is null')).toBeGreaterThan(0);
  await killWorker();
  const result = await resultOf(run);
  expect(result).toMatchObject({
    subscriptions_checked: expect.any(Number),
    drift_left: 0,
    events_missing: 0,
  });
  expect(result.drift_found).toBeGreaterThanOrEqual(CUSTOMERS);
  expect(result.drift_repaired).toBe(result.drift_found);
  const [quantities] = await query<{ count: number }>(
    "select count(distinct subject)::int as count from billing_drift where field = 'quantity' and repair = 'billing_sync'",
  );
  expect(quantities?.count).toBe(CUSTOMERS);
  await expectProjectionEqualsStripe();
  expect(await resultOf(await start({}))).toMatchObject({ drift_found: 0, drift_left: 0 });
  expect(await count('stripe_listings')).toBe(0);
}, 120_000);
