import { expect, test } from 'vitest';
import { until, useSystem } from './system.ts';

const system = await useSystem();

test('I3: a change in Stripe while Temporal is away is acknowledged and reaches the database when it is back', async () => {
  const purchase = await provisioned(10);
  await system.temporal.stop();
  await changeTo(purchase, 11);
  await system.simulator.control.waitUntilIdle();
  await system.temporal.start();
  await until('the licences follow', async () => (await licensesOf(purchase)) === 11);
});

test('I1: while Postgres is away nothing is acknowledged, and what Stripe delivers again arrives', async () => {
  const purchase = await provisioned(10);
  await system.simulator.control.configureDeliveries({ retryFactor: 1, attemptsMax: 60 });
  await system.postgres.crash();
  await changeTo(purchase, 12);
  await until('a delivery was refused', async () => (await lastAnswer()) === 503);
  await system.postgres.start();
  await until('the licences follow', async () => (await licensesOf(purchase)) === 12);
});

test('I6: a purchase while Stripe answers nothing but errors becomes a tenant when it answers again', async () => {
  const purchase = await system.buy(4);
  await system.simulator.control.injectFault({ path: '/v1/customers/*', kind: 'rate_limit', times: 3 });
  await system.simulator.control.injectFault({ path: '/v1/subscriptions*', kind: 'error_before', times: 3 });
  expect((await system.checkOut(purchase)).status).toBe(202);
  const handle = system.client.workflow.getHandle(`create-tenant-${purchase.stripe_customer_id}`);
  expect(await handle.result()).toMatchObject({ licensed_user_count: 4 });
});

test('I7: an answer that Stripe lost leaves one write under one key', async () => {
  const purchase = await system.buy(4);
  await system.simulator.control.injectFault({
    method: 'POST',
    path: '/v1/customers/*',
    kind: 'lost_answer',
    times: 1,
  });
  await system.checkOut(purchase);
  await system.client.workflow.getHandle(`create-tenant-${purchase.stripe_customer_id}`).result();
  const writes = (await system.simulator.control.requests()).filter(
    (request) => request.method === 'POST' && request.path === `/v1/customers/${purchase.stripe_customer_id}`,
  );
  expect(new Set(writes.map((write) => write.idempotencyKey)).size).toBe(1);
});

test('I3: events of a gateway that was killed before it could wake anybody are found by the sweep', async () => {
  const purchase = await provisioned(10);
  await system.temporal.stop();
  await changeTo(purchase, 13);
  await system.simulator.control.waitUntilIdle();
  system.gateway.kill('SIGKILL');
  await system.gateway.exited;
  await system.temporal.start();
  await until('the licences follow', async () => (await licensesOf(purchase)) === 13);
  await system.gateway.restart();
}, 150_000);

async function provisioned(licenses: number) {
  const purchase = await system.buy(licenses);
  await system.checkOut(purchase);
  await system.client.workflow.getHandle(`create-tenant-${purchase.stripe_customer_id}`).result();
  return purchase;
}

async function changeTo(purchase: { stripe_subscription_id: string }, licenses: number): Promise<void> {
  const subscription = await system.stripe.subscriptions.retrieve(purchase.stripe_subscription_id);
  const id = subscription.items.data[0]?.id ?? '';
  await system.stripe.subscriptions.update(subscription.id, { items: [{ id, quantity: licenses }] });
}

async function licensesOf(purchase: { stripe_customer_id: string }): Promise<number | undefined> {
  const rows = await system.query<{ count: number }>(
    `select t.licensed_user_count as count from tenants t join stripe_customers c using (tenant)
       where c.stripe_customer_external_id = $1`,
    [purchase.stripe_customer_id],
  );
  return rows[0]?.count;
}

async function lastAnswer(): Promise<number | null | undefined> {
  return (await system.simulator.control.deliveries()).at(-1)?.status;
}
