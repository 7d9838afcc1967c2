import { createHmac } from 'node:crypto';
import { WorkflowNotFoundError } from '@temporalio/client';
import type Stripe from 'stripe';
import { expect } from 'vitest';
import { DEFAULT_TASK_QUEUE } from '../../client/contract.ts';
import { type Purchase, type System, until } from './system.ts';

/** A change in Stripe of a customer who has a tenant, and the event that tells it. */
export type Change = { purchase: Purchase; licenses: number; event: Stripe.Event };

/** Buys, waits for the tenant, then changes the number of licences. Stripe's deliveries are best held back before. */
export async function licensesChanged(system: System, from: number, to: number): Promise<Change> {
  const purchase = await system.buy(from);
  expect((await system.checkOut(purchase)).status).toBe(202);
  await creationOf(system, purchase).result();
  return changeLicenses(system, purchase, to);
}

/** Changes the number of licences. Stripe's deliveries are best held back before. */
export async function changeLicenses(system: System, purchase: Purchase, to: number): Promise<Change> {
  const { stripe } = system;
  const before = await stripe.subscriptions.retrieve(purchase.stripe_subscription_id);
  const id = before.items.data[0]?.id ?? '';
  await stripe.subscriptions.update(before.id, { items: [{ id, quantity: to }] });
  const { data } = await stripe.events.list({ type: 'customer.subscription.updated', limit: 1 });
  const [event] = data;
  expect(event?.data.object).toMatchObject({ id: before.id, items: { data: [{ quantity: to }] } });
  if (!event) throw new Error('unreachable: expected above');
  return { purchase, licenses: to, event };
}

/** Delivers an event as Stripe does. @returns the status, if the connection lived that long */
export async function deliver(system: System, event: Stripe.Event): Promise<number | 'no answer'> {
  const body = JSON.stringify(event);
  const nowS = Math.floor(Date.now() / 1000);
  const secret = system.env.STRIPE_WEBHOOK_SECRET ?? '';
  const mac = createHmac('sha256', secret).update(`${nowS}.${body}`).digest('hex');
  const headers = { 'content-type': 'application/json', 'stripe-signature': `t=${nowS},v1=${mac}` };
  return fetch(`${system.gatewayUrl}/webhooks/stripe`, { method: 'POST', headers, body }).then(
    (answer) => answer.status,
    () => 'no answer' as const,
  );
}

/** Makes what waits due at once and starts the sweep's schedule, which both come by themselves within a minute. */
export async function sweep(system: System): Promise<void> {
  await system.query("update stripe_webhook_events set next_attempt_at = now() where status = 'received'");
  await system.client.schedule.getHandle(`sweep-webhook-events-${DEFAULT_TASK_QUEUE}`).trigger();
}

/** Waits until the change's row is processed; then the projection is what Stripe says, and Stripe was written to once. */
export async function expectSettled(system: System, { purchase, licenses, event }: Change): Promise<void> {
  await until('the event is processed', async () => (await statusOf(system, event)) === 'processed');
  expect(await licensesOf(system, purchase)).toBe(licenses);
  const { status, items } = await system.stripe.subscriptions.retrieve(purchase.stripe_subscription_id);
  expect(
    await system.query(
      `select s.status, i.stripe_subscription_item_external_id as item, i.quantity
         from stripe_subscriptions s join stripe_subscription_items i using (tenant, stripe_subscription_id)
         where s.stripe_subscription_external_id = $1`,
      [purchase.stripe_subscription_id],
    ),
  ).toEqual(items.data.map((item) => ({ status, item: item.id, quantity: item.quantity })));
  expect(await executedWrites(system, purchase)).toHaveLength(1);
}

/** Of the event's row, of which there is at most one. */
export async function statusOf(system: System, { id }: Stripe.Event): Promise<string> {
  const rows = await system.query<{ status: string }>(
    'select status from stripe_webhook_events where stripe_event_id = $1',
    [id],
  );
  expect(rows.length).toBeLessThanOrEqual(1);
  return rows[0]?.status ?? 'not stored';
}

export async function licensesOf(system: System, purchase: Purchase): Promise<number | undefined> {
  const rows = await system.query<{ count: number }>(
    `select t.licensed_user_count as count from tenants t join stripe_customers c using (tenant)
       where c.stripe_customer_external_id = $1`,
    [purchase.stripe_customer_id],
  );
  return rows[0]?.count;
}

/** The fence of the customer's syncs; each that writes raises it. */
export async function syncVersionOf(system: System, purchase: Purchase): Promise<string | undefined> {
  const rows = await system.query<{ version: string }>(
    'select sync_version as version from stripe_customers where stripe_customer_external_id = $1',
    [purchase.stripe_customer_id],
  );
  return rows[0]?.version;
}

/** The keys of the writes to the customer that Stripe executed, rather than answer from what it had stored. */
export async function executedWrites(system: System, purchase: Purchase): Promise<(string | null)[]> {
  const path = `/v1/customers/${purchase.stripe_customer_id}`;
  const requests = await system.simulator.control.requests();
  return requests
    .filter((request) => request.method === 'POST' && request.path === path && !request.replayed)
    .map((request) => request.idempotencyKey);
}

export function creationOf(system: System, purchase: Purchase) {
  return system.client.workflow.getHandle(`create-tenant-${purchase.stripe_customer_id}`);
}

export function syncOf(system: System, { purchase }: Change) {
  return system.client.workflow.getHandle(`billing-sync-${purchase.stripe_customer_id}`);
}

/** The customer's latest sync and how far it is; undefined when there was none. */
export async function latestSync(system: System, change: Change): Promise<string | undefined> {
  try {
    const { runId, historyLength } = await syncOf(system, change).describe();
    return `${runId}, ${historyLength} events`;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
