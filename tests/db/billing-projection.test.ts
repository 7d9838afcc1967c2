import { describe, expect, test } from 'vitest';
import {
  applySnapshot,
  type CustomerSnapshot,
  customerState,
  linkCustomer,
} from '../../db/billing-projection.ts';
import type { EventVerdict } from '../../domain/billing-sync.ts';
import type { LicensePrices } from '../../domain/license-count.ts';
import { MASTER_BILLING_TENANT_ID, useDatabase } from '../database.ts';
import {
  at,
  billingRows,
  DUNNING_POLICY,
  event,
  item,
  newId,
  price,
  product,
  snapshot,
  subscription,
} from './billing-rows.ts';

const { database, pool } = await useDatabase();
const rows = billingRows({ database, pool });

const apply = (
  taken: CustomerSnapshot,
  { verdicts = [], licensePrices = 'any' }: { verdicts?: EventVerdict[]; licensePrices?: LicensePrices } = {},
) =>
  applySnapshot(database, {
    snapshot: taken,
    verdicts,
    licensePrices,
    billingTenant: MASTER_BILLING_TENANT_ID,
    dunningPolicy: DUNNING_POLICY,
    now: at(0),
  });
const STALE = expect.objectContaining({ name: 'StaleSnapshot' });

test('I4 a snapshot is written as Stripe has it, with count, access, version and verdicts', async () => {
  const { tenant, customer } = await rows.tenantWithCustomer();
  const [id = ''] = await rows.receive(event({ subject: customer }));
  const sold = product({ name: 'AlgaPSA Pro' });
  const line = item({ price: price({ productId: sold.id, unitAmountMinor: 4_900 }), quantity: 12 });
  const bought = subscription({
    items: [line],
    metadata: { a: 'b' },
    cancelAt: at(99),
    cancelAtPeriodEnd: true,
  });
  const applied = await apply(
    snapshot(customer, {
      subscriptions: [bought],
      products: [sold],
      contact: { email: 'new@example.com', name: null },
    }),
    { verdicts: [{ stripeEventId: id, status: 'processed' }] },
  );
  expect(applied).toEqual({ tenant, before: null, licensedUserCount: 12, dunned: [] });
  expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: 12, access_state: 'active' });
  expect(await rows.eventRow(id)).toMatchObject({ status: 'processed', tenant });
  expect(await rows.subscriptionRow(bought.id)).toEqual({
    status: 'active',
    quantity: 12,
    tenant,
    metadata: { a: 'b' },
    stripe_subscription_item_id: line.id,
  });
  expect(await rows.priceRow(line.price.id)).toMatchObject({
    unit_amount: '4900',
    product_name: 'AlgaPSA Pro',
    product_type: 'license',
  });
  expect(await customerState(database, customer)).toEqual({
    tenant,
    syncVersion: 1,
    openSubscriptionIds: [bought.id],
  });
});

describe('the fence', () => {
  test('I4 of two writers who read the same version one writes, the other writes nothing at all', async () => {
    const { tenant, customer } = await rows.tenantWithCustomer();
    const ids = await rows.receive(event({ subject: customer }), event({ subject: customer }));
    const made = [5, 9].map((quantity) => subscription({ items: [item({ quantity })] }));
    const outcomes = await Promise.allSettled(
      made.map((one, index) =>
        apply(snapshot(customer, { subscriptions: [one] }), {
          verdicts: [{ stripeEventId: ids[index] ?? '', status: 'processed' }],
        }),
      ),
    );
    const winner = outcomes.findIndex((outcome) => outcome.status === 'fulfilled');
    const loser = 1 - winner;
    expect(outcomes[loser]).toMatchObject({ status: 'rejected', reason: STALE });
    expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: [5, 9][winner] });
    expect(await rows.subscriptionRow(made[loser]?.id ?? '')).toBeUndefined();
    expect(await rows.eventRow(ids[loser] ?? '')).toMatchObject({ status: 'received' });
    expect(await rows.eventRow(ids[winner] ?? '')).toMatchObject({ status: 'processed' });
  });

  test.each([-1, 1, 7])('a version that is off by %i is stale', async (difference) => {
    const { customer } = await rows.tenantWithCustomer();
    await expect(apply(snapshot(customer, { syncVersion: difference }))).rejects.toEqual(STALE);
  });

  test('a customer nobody has is stale, not an error of its own', async () => {
    await expect(apply(snapshot(newId('cus')))).rejects.toEqual(STALE);
  });

  test('I4 writers who read again when they were too late bring the last truth in', async () => {
    const { tenant, customer } = await rows.tenantWithCustomer();
    const bought = subscription();
    let truth = 0;
    const sync = async (): Promise<void> => {
      for (let tries = 1; tries <= 50; tries += 1) {
        const state = await customerState(database, customer);
        const [line] = bought.items;
        const current = { ...bought, items: [{ ...(line ?? item()), quantity: truth }] };
        try {
          await apply(snapshot(customer, { syncVersion: state?.syncVersion ?? 0, subscriptions: [current] }));
          return;
        } catch (error) {
          if (!(error instanceof Error) || error.name !== 'StaleSnapshot') throw error;
        }
      }
      throw new Error('never got through');
    };
    await Promise.all(
      Array.from({ length: 8 }, (_, index) => {
        truth = index + 1;
        return sync();
      }),
    );
    expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: 8 });
  });
});

describe('a tenant with several customers', () => {
  test('I5 synced all at once, none deadlocks and the count is the newest subscription’s of them all', async () => {
    const shared = price();
    const tenants = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const { tenant, customer } = await rows.tenantWithCustomer();
        const customers = [
          customer,
          await rows.addCustomer(tenant),
          await rows.addCustomer(tenant),
          await rows.addCustomer(tenant),
        ];
        return { tenant, customers };
      }),
    );
    await Promise.all(
      tenants.flatMap(({ customers }) =>
        customers.map((customer, index) =>
          apply(
            snapshot(customer, {
              subscriptions: [
                // The newest of them stands with the second customer.
                subscription({
                  createdAt: at(index === 1 ? 99 : index),
                  items: [item({ price: shared, quantity: index + 1 })],
                }),
              ],
            }),
          ),
        ),
      ),
    );
    const counts = await Promise.all(tenants.map(({ tenant }) => rows.tenantRow(tenant)));
    expect(counts.map((row) => row?.licensed_user_count)).toEqual(tenants.map(() => 2));
  });

  test('when one customer’s ends, the other’s counts; when all have ended it is 0 and access is canceled', async () => {
    const { tenant, customer } = await rows.tenantWithCustomer();
    const second = await rows.addCustomer(tenant);
    const one = subscription({ createdAt: at(0), items: [item({ quantity: 30 })] });
    const two = subscription({ createdAt: at(1), items: [item({ quantity: 4 })] });
    await apply(snapshot(customer, { subscriptions: [one] }));
    await apply(snapshot(second, { subscriptions: [two] }));
    expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: 4 });
    await apply(snapshot(second, { syncVersion: 1, subscriptions: [{ ...two, status: 'canceled' }] }));
    expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: 30, access_state: 'active' });
    await apply(snapshot(customer, { syncVersion: 1, subscriptions: [{ ...one, status: 'canceled' }] }));
    expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: 0, access_state: 'canceled' });
  });
});

test('I5 as long as no subscription is known the count stays what it was born as', async () => {
  const { tenant, customer } = await rows.tenantWithCustomer({ initial_license_count: 6 });
  expect(await apply(snapshot(customer))).toMatchObject({ before: 6, licensedUserCount: 6 });
  expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: 6, access_state: 'active' });
});

test('the same snapshot again changes neither the count nor when it changed last', async () => {
  const { tenant, customer } = await rows.tenantWithCustomer();
  const taken = snapshot(customer, { subscriptions: [subscription()] });
  await apply(taken);
  const before = await rows.tenantRow(tenant);
  expect(await apply({ ...taken, syncVersion: 1 })).toMatchObject({ before: 10, licensedUserCount: 10 });
  expect(await rows.tenantRow(tenant)).toEqual(before);
});

describe('items', () => {
  test('follow Stripe: changed, added, removed, and all gone', async () => {
    const { tenant, customer } = await rows.tenantWithCustomer();
    const [a, b, c] = [
      item({ id: newId('si_a') }),
      item({ id: newId('si_b') }),
      item({ id: newId('si_c'), quantity: null }),
    ];
    const bought = subscription({ items: [a, b] });
    const write = (syncVersion: number, items: ReturnType<typeof item>[]) =>
      apply(snapshot(customer, { syncVersion, subscriptions: [{ ...bought, items }] }));
    await write(0, [a, b]);
    await write(1, [{ ...b, quantity: 3 }, c]);
    expect(await rows.itemRows(bought.id)).toEqual([
      { id: b.id, quantity: 3 },
      { id: c.id, quantity: null },
    ]);
    expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: 3 });
    await write(2, []);
    expect(await rows.itemRows(bought.id)).toEqual([]);
    expect(await rows.subscriptionRow(bought.id)).toMatchObject({
      quantity: null,
      stripe_subscription_item_id: null,
    });
    expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: 0 });
  });

  test('only the configured prices count for the tenant; the row tells what else was bought', async () => {
    const { tenant, customer } = await rows.tenantWithCustomer();
    const [pro, sms] = [price(), price()];
    const both = subscription({
      items: [item({ price: pro, quantity: 3 }), item({ price: sms, quantity: 500 })],
    });
    const addon = subscription({ createdAt: at(9), items: [item({ price: sms, quantity: 7 })] });
    await apply(snapshot(customer, { subscriptions: [both, addon] }), { licensePrices: new Set([pro.id]) });
    expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: 3 });
    expect(await rows.subscriptionRow(both.id)).toMatchObject({ quantity: 3 });
    expect(await rows.subscriptionRow(addon.id)).toMatchObject({ quantity: 7 });
    expect(await rows.priceRow(sms.id)).toMatchObject({ product_type: 'addon' });
  });
});

test('a price whose product is gone in Stripe has a row all the same, and so has its product', async () => {
  const { tenant, customer } = await rows.tenantWithCustomer();
  const orphan = price({ active: false, unitAmountMinor: null });
  await apply(snapshot(customer, { subscriptions: [subscription({ items: [item({ price: orphan })] })] }));
  expect(await rows.priceRow(orphan.id)).toMatchObject({
    product_name: orphan.productId,
    product_active: false,
    unit_amount: null,
  });
  expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: 10 });
});

test('a subscription that stands under another tenant is refused, and nothing is written', async () => {
  const [one, two] = [await rows.tenantWithCustomer(), await rows.tenantWithCustomer()];
  const bought = subscription();
  await apply(snapshot(one.customer, { subscriptions: [bought] }));
  await expect(apply(snapshot(two.customer, { subscriptions: [bought] }))).rejects.toEqual(
    expect.objectContaining({ name: 'DatabaseRefused' }),
  );
  expect(await rows.subscriptionRow(bought.id)).toMatchObject({ tenant: one.tenant });
  expect(await customerState(database, two.customer)).toMatchObject({ syncVersion: 0 });
});

test('a customer is linked once: the second tenant does not get it', async () => {
  const [one, two] = [await rows.tenantWithCustomer(), await rows.tenantWithCustomer()];
  const customer = newId('cus');
  const link = (tenant: string) =>
    linkCustomer(database, {
      customer,
      tenant,
      billingTenant: MASTER_BILLING_TENANT_ID,
      email: null,
      name: null,
      now: at(0),
    });
  const linked = await Promise.all([link(one.tenant), link(two.tenant), link(one.tenant)]);
  expect(linked.filter(Boolean)).toHaveLength(1);
});
