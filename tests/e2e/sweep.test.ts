import pg from 'pg';
import { expect, test } from 'vitest';
import { billingSyncWorkflowId, DEFAULT_TASK_QUEUE, type SweepResult } from '../../client/contract.ts';
import { type Purchase, until, useSystem } from './system.ts';

const system = await useSystem();

/** The name by which the inbox knows the failure of a CHECK. */
const REFUSED = 'DatabaseRefused';

test('I3: an event whose worker died after the fetch and whose run is gone is found by the sweep alone', async () => {
  const purchase = await provisioned(10);
  const tenantsRow = await lockTenant(purchase);
  await changeTo(purchase, 11);
  await until('the fetched truth waits for the lock', workerWaitsForLock);
  system.worker.kill('SIGKILL');
  await system.worker.exited;
  await syncOf(purchase).terminate('the only one who knew of the event');
  await tenantsRow.release();
  expect(await pending(purchase)).not.toHaveLength(0);
  await system.worker.restart();
  await until('the licences follow', async () => (await licensesOf(purchase)) === 11);
  await until('nothing is pending', async () => (await pending(purchase)).length === 0);
  await until('the sweep tells of it', async () => (await sweeps()).some(({ woken }) => woken > 0));
}, 150_000);

test('I3: an event whose sync failed for good is tried again by the sweep, and settled once the cause is mended', async () => {
  const purchase = await provisioned(10);
  await system.query(
    'alter table tenants add constraint no_dozen check (licensed_user_count <> 12) not valid',
  );
  await changeTo(purchase, 12);
  await until('an attempt failed', async () => (await pending(purchase)).some((event) => event.attempts > 0));
  await ended(purchase, 'FAILED');
  for (const event of await pending(purchase)) expect(event.last_error).toContain('no_dozen');
  await system.query('alter table tenants drop constraint no_dozen');
  await until('the licences follow', async () => (await licensesOf(purchase)) === 12);
  await until('nothing is pending', async () => (await pending(purchase)).length === 0);
  await ended(purchase, 'COMPLETED');
}, 150_000);

test('I3: an event whose sync keeps failing ends as failed, with reason and error, after four attempts', async () => {
  const purchase = await provisioned(10);
  await system.query('alter table tenants add constraint no_14 check (licensed_user_count <> 14) not valid');
  await changeTo(purchase, 14);
  await until('the event is failed', async () => {
    // The pauses are those of the unit tests; here they are over at once.
    await system.query(
      `update stripe_webhook_events set last_error_at = last_error_at - interval '10 minutes', next_attempt_at = now()
       where status = 'received' and attempts > 0 and last_error_at > now() - interval '5 minutes'`,
    );
    await sweep().trigger();
    return (await eventsOf(purchase)).some((event) => event.status === 'failed');
  });
  const failed = (await eventsOf(purchase)).filter((event) => event.status === 'failed');
  for (const event of failed) expect(event).toMatchObject({ attempts: 4, status_reason: REFUSED });
  expect(await licensesOf(purchase)).toBe(10);
  await ended(purchase, 'FAILED');
  await system.query('alter table tenants drop constraint no_14');
}, 150_000);

async function provisioned(licenses: number): Promise<Purchase> {
  const purchase = await system.buy(licenses);
  await system.checkOut(purchase);
  await system.client.workflow.getHandle(`create-tenant-${purchase.stripe_customer_id}`).result();
  await system.simulator.control.waitUntilIdle();
  await until('nothing is pending', async () => (await pending(purchase)).length === 0);
  await until('its sync is over', async () => (await stateOf(purchase)) !== 'RUNNING');
  return purchase;
}

async function changeTo(purchase: Purchase, licenses: number): Promise<void> {
  const subscription = await system.stripe.subscriptions.retrieve(purchase.stripe_subscription_id);
  const id = subscription.items.data[0]?.id ?? '';
  await system.stripe.subscriptions.update(subscription.id, { items: [{ id, quantity: licenses }] });
  await system.simulator.control.waitUntilIdle();
}

/** Keeps the tenant's row from being written until released. */
async function lockTenant(purchase: Purchase): Promise<{ release: () => Promise<void> }> {
  const client = new pg.Client({ connectionString: system.env.DATABASE_URL });
  await client.connect();
  await client.query('begin');
  await client.query(
    `select from tenants where tenant in
       (select tenant from stripe_customers where stripe_customer_external_id = $1) for update`,
    [purchase.stripe_customer_id],
  );
  return { release: () => client.end() };
}

async function workerWaitsForLock(): Promise<boolean> {
  const waiting = await system.query(
    "select from pg_stat_activity where application_name = 'tenantry worker' and wait_event_type = 'Lock'",
  );
  return waiting.length > 0;
}

function syncOf(purchase: Purchase) {
  return system.client.workflow.getHandle(billingSyncWorkflowId(purchase.stripe_customer_id));
}

/** Of the customer's latest sync; undefined when there was none. */
async function stateOf(purchase: Purchase): Promise<string | undefined> {
  const description = await syncOf(purchase)
    .describe()
    .catch(() => undefined);
  return description?.status.name;
}

/** A run ends a moment after its rows have changed. */
function ended(purchase: Purchase, state: 'COMPLETED' | 'FAILED'): Promise<void> {
  return until(`its run is ${state}`, async () => (await stateOf(purchase)) === state);
}

function sweep() {
  return system.client.schedule.getHandle(`sweep-webhook-events-${DEFAULT_TASK_QUEUE}`);
}

async function sweeps(): Promise<SweepResult[]> {
  const results: SweepResult[] = [];
  const done = "WorkflowType = 'sweepWebhookEventsWorkflow' AND ExecutionStatus = 'Completed'";
  for await (const { workflowId } of system.client.workflow.list({ query: done })) {
    results.push(await system.client.workflow.getHandle(workflowId).result());
  }
  return results;
}

type EventRow = { status: string; status_reason: string | null; attempts: number; last_error: string | null };

function eventsOf(purchase: Purchase): Promise<EventRow[]> {
  return system.query<EventRow>(
    'select status, status_reason, attempts, last_error from stripe_webhook_events where subject = $1',
    [purchase.stripe_customer_id],
  );
}

async function pending(purchase: Purchase): Promise<EventRow[]> {
  return (await eventsOf(purchase)).filter((event) => event.status === 'received');
}

async function licensesOf(purchase: Purchase): Promise<number | undefined> {
  const rows = await system.query<{ count: number }>(
    `select t.licensed_user_count as count from tenants t join stripe_customers c using (tenant)
       where c.stripe_customer_external_id = $1`,
    [purchase.stripe_customer_id],
  );
  return rows[0]?.count;
}
