import { sql } from 'drizzle-orm';
import { afterAll, expect, test } from 'vitest';
import { connectDatabase } from '../../db/connect.ts';
import { stripeCustomerIdSchema } from '../../domain/ids.ts';
import { useDatabase } from '../database.ts';
import { billingRows, event } from '../db/billing-rows.ts';
import { useStripe } from '../stripe/stripe-simulator.ts';
import { activityWorld } from './activity-world.ts';

const { database, pool, url } = await useDatabase();
const rows = billingRows({ database, pool });
const { stripe, control, customer, price, subscription } = await useStripe();
const only = connectDatabase({
  url,
  applicationName: 'one connection',
  poolSize: 1,
  onError: () => undefined,
});
afterAll(only.close);

/** A client whose every request first looks whether the only connection can be had. */
function lookingStripe() {
  const looks: string[] = [];
  const looking = Object.create(stripe, {
    ...Object.fromEntries(
      (['subscriptions', 'customers', 'products', 'prices'] as const).map((name) => [
        name,
        {
          value: new Proxy(stripe[name], {
            get(target, method) {
              const original: unknown = Reflect.get(target, method);
              if (typeof original !== 'function' || (method !== 'retrieve' && method !== 'list'))
                return original;
              return (...parameters: unknown[]) => {
                looks.push(`${name}.${method}`);
                expect([only.pool.totalCount - only.pool.idleCount, only.pool.waitingCount]).toEqual([0, 0]);
                return Reflect.apply(original, target, parameters);
              };
            },
          }),
        },
      ]),
    ),
  });
  return { looking, looks };
}

test('I8 during every request to Stripe the only connection of the pool is free', async () => {
  const made = await customer();
  await subscription(made.id, [{ price: (await price()).id, quantity: 3 }]);
  const { tenant } = await rows.tenantWithCustomer({ stripe_customer_id: made.id });
  const named = await customer({ tenant_id: tenant });
  const { looking, looks } = lookingStripe();
  const world = activityWorld({ database: only.database, stripe: looking });
  await rows.receive(
    event({ subject: made.id, eventType: 'customer.updated' }),
    event({ subject: named.id }),
    event({ subject: 'product:prod_unknown' }),
  );
  const sync = (subject: string) => world.run(world.syncSubject, { subject, only_pending: false });
  expect(await sync(made.id)).toMatchObject({ processed: 1, licensed_user_count: 3 });
  expect(await sync(named.id)).toMatchObject({ processed: 1, tenant });
  await sync('product:prod_unknown');
  await world.run(world.importSubscriptions, { customer: stripeCustomerIdSchema.parse(made.id) });
  expect(new Set(looks)).toEqual(
    new Set(['subscriptions.list', 'customers.retrieve', 'products.retrieve', 'prices.list']),
  );
});

test('I8 while Stripe is slow, twenty syncs over one connection leave it to other queries', async () => {
  const world = activityWorld({ database: only.database, stripe });
  const owners = await Promise.all(
    Array.from({ length: 20 }, async () =>
      rows.tenantWithCustomer({ stripe_customer_id: (await customer()).id }),
    ),
  );
  await control.injectFault({ kind: 'slow', delayMs: 10_000, path: '/v1/subscriptions', times: 20 });
  const syncs = owners.map((owner) =>
    world.run(world.syncSubject, { subject: owner.customer, only_pending: false }),
  );
  // Whoever kept the connection while it waits for Stripe would keep the others from asking.
  const underWay = async () =>
    (await control.requests()).filter((request) => request.fault === 'slow' && request.status === null)
      .length;
  await expect.poll(underWay).toBe(20);
  await only.database.execute(sql`select 1`);
  await Promise.all(syncs);
});
