import { expect, test } from 'vitest';
import type { ManagedProcess } from '../../sandbox/processes/start-process.ts';
import { createRandom } from '../../sandbox/stripe/state/random.ts';
import { type Purchase, useSystem } from './system.ts';

const TENANTS = 30;
const KILLS = 50;
/** A worker lives for up to this long before it is killed. */
const LIFE_MS_MAX = 400;
/** Printed by a failure, because it is part of the test's name. */
const SEED = Number(process.env.SEED ?? 20_261_121);

const system = await useSystem();

test(`I6, I7: ${KILLS} kills of the worker during ${TENANTS} provisionings leave ${TENANTS} complete tenants, each Stripe write under one key (seed ${SEED})`, async () => {
  const random = createRandom(SEED);
  const purchases: Purchase[] = [];
  for (let index = 0; index < TENANTS; index += 1) purchases.push(await system.buy(index + 1));
  const selling = sell(purchases);
  const second = await system.startWorker();
  await Promise.all([system.worker, second].map((worker) => killAgainAndAgain(worker, KILLS / 2, random)));
  await selling;
  const results = await Promise.all(
    purchases.map(({ stripe_customer_id: id }) =>
      system.client.workflow.getHandle(`create-tenant-${id}`).result(),
    ),
  );
  expect(results.map((result) => result.licensed_user_count)).toEqual(
    purchases.map((p) => p.initial_license_count),
  );
  expect(await completeTenants()).toBe(TENANTS);
  for (const purchase of purchases) {
    expect(await keysOfWrites(`/v1/customers/${purchase.stripe_customer_id}`)).toHaveLength(1);
    expect(await keysOfWrites(`/v1/subscriptions/${purchase.stripe_subscription_id}`)).toHaveLength(1);
  }
}, 600_000);

async function killAgainAndAgain(worker: ManagedProcess, times: number, random: () => number): Promise<void> {
  for (let kill = 0; kill < times; kill += 1) {
    await new Promise((resolve) => setTimeout(resolve, random() * LIFE_MS_MAX));
    worker.kill('SIGKILL');
    await worker.exited;
    await worker.restart();
  }
}

/** Spread over the time of the kills: a checkout whenever the one before was accepted. */
async function sell(purchases: readonly Purchase[]): Promise<void> {
  for (const purchase of purchases) expect((await system.checkOut(purchase)).status).toBe(202);
}

async function completeTenants(): Promise<number> {
  const [row] = await system.query<{ count: number }>(`
    select count(*)::int as count from tenants t
      join stripe_customers c using (tenant)
      join stripe_subscriptions s using (tenant)
      join stripe_subscription_items i on i.tenant = t.tenant
      join tenant_invitations v on v.tenant = t.tenant and v.token_hash is not null
      join notifications n on n.tenant = t.tenant and n.status = 'sent'
      where t.licensed_user_count = s.quantity and s.quantity = i.quantity`);
  return row?.count ?? 0;
}

async function keysOfWrites(path: string): Promise<(string | undefined)[]> {
  const requests = await system.simulator.control.requests();
  const keys = requests.filter((request) => request.method === 'POST' && request.path === path);
  return [...new Set(keys.map((request) => request.idempotencyKey ?? undefined))];
}
