import { expect, test } from 'vitest';
import { useDatabase } from '../database.ts';
import { billingRows } from '../db/billing-rows.ts';
import { useStripe } from '../stripe/stripe-simulator.ts';
import { activityWorld } from './activity-world.ts';
import { driftOf, reconcileRun } from './reconcile-run.ts';

const { database, pool } = await useDatabase();
const rows = billingRows({ database, pool });
const { stripe, control, customer, price, subscription, requestsSince } = await useStripe();
const world = activityWorld({ database, stripe, now: () => new Date() });
const pro = await price();

/** More than a page of Stripe's. */
const CUSTOMERS = 103;
const OF_RECONCILE = ['billing_drift', 'stripe_listings', 'reconcile_cursors'];

type Bought = { tenant: string; customer: string; subscription: string };
const made: Bought[] = [];
for (let count = 0; count < CUSTOMERS; count += 1) {
  const { id } = await customer();
  const { tenant } = await rows.tenantWithCustomer({ stripe_customer_id: id });
  const bought = await subscription(id, [{ price: pro.id, quantity: 10 }]);
  if (count % 10 === 0) {
    const outcome = { kind: 'decline', decline_code: 'insufficient_funds' } as const;
    await control.setPaymentFate({ customer: id, payments: 'next', outcome });
    await stripe.subscriptions.update(bought.id, {
      items: [{ id: bought.items.data[0]?.id ?? '', quantity: 20 }],
      proration_behavior: 'always_invoice',
    });
  }
  await world.run(world.syncSubject, { subject: id, only_pending: false });
  made.push({ tenant, customer: id, subscription: bought.id });
}
await world.run(world.syncSubject, { subject: `product:${String(pro.product)}`, only_pending: false });

/** Every row of the product with the transaction that wrote it last, by table. */
async function versions(): Promise<Map<string, { tenant: unknown; table: string }>> {
  const { rows: tables } = await pool.query<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = 'public'",
  );
  const found = new Map<string, { tenant: unknown; table: string }>();
  for (const { name } of tables.filter((each) => !OF_RECONCILE.includes(each.name))) {
    const { rows: held } = await pool.query(
      `select t.xmin || ' ' || t.ctid as version, to_jsonb(t) as row from ${name} t`,
    );
    for (const { version, row } of held) found.set(`${name} ${version}`, { tenant: row.tenant, table: name });
  }
  return found;
}

/** Who has rows that were written, or removed, between the two. */
function written(before: Awaited<ReturnType<typeof versions>>, after: typeof before) {
  const changed = [...after].filter(([key]) => !before.has(key));
  const gone = [...before].filter(([key]) => !after.has(key));
  return [...changed, ...gone].map(([, of]) => of);
}

test('where both sides agree a run writes no row of the product, and asks Stripe a request a page', async () => {
  const before = await versions();
  await requestsSince();
  expect(await reconcileRun(world).whole()).toEqual({ found: 0, standing: 0, failed: [] });
  expect(written(before, await versions())).toEqual([]);
  expect((await requestsSince()).sort()).toEqual([
    'GET /v1/invoices',
    'GET /v1/prices',
    'GET /v1/subscriptions',
    'GET /v1/subscriptions',
  ]);
});

test('only the rows of the tenants that differ are written', async () => {
  const wrong = made.filter((_, index) => index % 17 === 3);
  await pool.query(
    'update stripe_subscriptions set quantity = 77 where stripe_subscription_external_id = any($1)',
    [wrong.map((each) => each.subscription)],
  );
  const before = await versions();
  expect(await reconcileRun(world).whole()).toEqual({ found: wrong.length, standing: 0, failed: [] });
  const tenants = new Set(written(before, await versions()).map(({ tenant }) => tenant));
  expect(tenants).toEqual(new Set(wrong.map(({ tenant }) => tenant)));
  for (const { tenant, subscription: id } of wrong) {
    expect(await rows.subscriptionRow(id)).not.toMatchObject({ quantity: 77 });
    expect(await driftOf(pool, tenant)).toMatchObject([
      { field: 'quantity', ours: 77, repair: 'billing_sync' },
    ]);
  }
});

test('a dry run writes nothing but the record', async () => {
  const [one] = made;
  await pool.query("update stripe_subscriptions set status = 'unpaid' where tenant = $1", [one?.tenant]);
  await pool.query("update stripe_products set name = 'Old'");
  const before = await versions();
  expect(await reconcileRun(world, { isDryRun: true }).whole()).toEqual({
    found: 2,
    standing: 2,
    failed: [],
  });
  expect(written(before, await versions())).toEqual([]);
  const { rows: cursors } = await pool.query("select from reconcile_cursors where name = 'events'");
  expect(cursors).toEqual([]);
  expect(await reconcileRun(world).whole()).toEqual({ found: 2, standing: 0, failed: [] });
});

test('I7 a run never writes to Stripe, and leaves no listing', async () => {
  await pool.query("update stripe_subscriptions set status = 'unpaid' where tenant = $1", [made[0]?.tenant]);
  await requestsSince();
  await reconcileRun(world).whole();
  expect((await requestsSince()).filter((request) => !request.startsWith('GET '))).toEqual([]);
  const { rows: left } = await pool.query('select from stripe_listings');
  expect(left).toEqual([]);
});

test('a page that is read twice records what it found once', async () => {
  await pool.query('update stripe_subscriptions set quantity = 78 where tenant = $1', [made[1]?.tenant]);
  const run = reconcileRun(world, { isDryRun: true });
  await run.look();
  await run.look();
  expect(await run.end()).toEqual({ found: 1, standing: 1 });
  await reconcileRun(world).whole();
});
