import { describe, expect, test } from 'vitest';
import { useDatabase } from '../database.ts';
import { billingRows, event, newId } from '../db/billing-rows.ts';
import { useStripe } from '../stripe/stripe-simulator.ts';
import { activityWorld } from './activity-world.ts';
import { driftOf, reconcileRun } from './reconcile-run.ts';

const { database, pool } = await useDatabase();
const rows = billingRows({ database, pool });
const { stripe, control, customer, price, subscription } = await useStripe();
const world = activityWorld({ database, stripe, now: () => new Date() });
const pro = await price();
const reconcile = (options?: { isDryRun?: boolean }) => reconcileRun(world, options).whole();
const sync = (subject: string) => world.run(world.syncSubject, { subject, only_pending: false });

/** A tenant whose customer bought licences; in Stripe and here. */
async function buyer() {
  const made = await customer();
  const owner = await rows.tenantWithCustomer({ stripe_customer_id: made.id });
  const bought = await subscription(made.id, [{ price: pro.id, quantity: 10 }], { plan: 'pro' });
  await sync(made.id);
  return { ...owner, subscription: bought.id, item: bought.items.data[0]?.id ?? '' };
}
type Buyer = Awaited<ReturnType<typeof buyer>>;

/** An upgrade whose card is declined. @returns the invoice's id */
async function oweUpgrade({ customer: id, subscription: bought, item }: Buyer): Promise<string> {
  const decline = { kind: 'decline', decline_code: 'insufficient_funds' } as const;
  await control.setPaymentFate({ customer: id, payments: 'next', outcome: decline });
  const updated = await stripe.subscriptions.update(bought, {
    items: [{ id: item, quantity: 20 }],
    proration_behavior: 'always_invoice',
  });
  return String(updated.latest_invoice);
}

/** A Stripe that lets something happen after it has answered a page of subscriptions and before anybody has it. */
function afterPage(happens: () => Promise<void>): typeof stripe {
  const list = async (...options: Parameters<typeof stripe.subscriptions.list>) => {
    const page = await stripe.subscriptions.list(...options);
    await happens();
    return page;
  };
  const subscriptions = Object.assign(Object.create(stripe.subscriptions), { list });
  return Object.create(stripe, { subscriptions: { value: subscriptions } });
}

/** Changes one row of a table by its external id. */
async function falsify(table: string, column: string, id: string, change: string): Promise<void> {
  const { rowCount } = await pool.query(`update ${table} set ${change} where ${column} = $1`, [id]);
  expect(rowCount).toBe(1);
}
const ofSubscription = (id: string, change: string) =>
  falsify('stripe_subscriptions', 'stripe_subscription_external_id', id, change);
const ofInvoice = (id: string, change: string) =>
  falsify('stripe_invoices', 'stripe_invoice_external_id', id, change);

/** All that our rows say of a subscription and its items, without the times of their writing. */
async function rowsOf(subscriptionId: string): Promise<unknown> {
  const { rows: found } = await pool.query(
    `select to_jsonb(s) - 'updated_at' as own, (
       select jsonb_agg(to_jsonb(i) - 'stripe_subscription_item_id' order by i.stripe_subscription_item_external_id)
       from stripe_subscription_items i where i.stripe_subscription_id = s.stripe_subscription_id
     ) as items
     from stripe_subscriptions s where stripe_subscription_external_id = $1`,
    [subscriptionId],
  );
  return found[0];
}

describe('I4 what differs in a subscription is found, recorded with both sides, and repaired', () => {
  test.each([
    ['status', "status = 'past_due'", 'past_due', 'active'],
    ['quantity', 'quantity = 99', 99, 10],
    ['itemId', "stripe_subscription_item_id = 'si_other'", 'si_other', expect.stringMatching(/^si_/)],
    ['priceId', 'stripe_price_id = null', null, pro.id],
    [
      'currentPeriodStart',
      "current_period_start = '2001-02-03Z'",
      '2001-02-03T00:00:00.000Z',
      expect.any(String),
    ],
    ['currentPeriodEnd', 'current_period_end = null', null, expect.any(String)],
    ['cancelAt', "cancel_at = '2001-02-03Z'", '2001-02-03T00:00:00.000Z', null],
    ['cancelAtPeriodEnd', 'cancel_at_period_end = true', true, false],
    ['canceledAt', "canceled_at = '2001-02-03Z'", '2001-02-03T00:00:00.000Z', null],
    ['cancellationReason', "cancellation_reason = 'none'", 'none', null],
    ['metadata', `metadata = '{"plan": "pro", "b": "c"}'`, { plan: 'pro', b: 'c' }, { plan: 'pro' }],
    ['createdAt', "stripe_created_at = '2001-02-03Z'", '2001-02-03T00:00:00.000Z', expect.any(String)],
  ])('%s', async (field, change, ours, theirs) => {
    const made = await buyer();
    const before = await rowsOf(made.subscription);
    await ofSubscription(made.subscription, change);
    await reconcile();
    expect(await driftOf(pool, made.customer)).toMatchObject([
      { kind: 'subscription', subject: made.subscription, field, ours, theirs, repair: 'billing_sync' },
    ]);
    expect(await rowsOf(made.subscription)).toEqual(before);
    expect(await rows.tenantRow(made.tenant)).toMatchObject({
      licensed_user_count: 10,
      access_state: 'active',
    });
  });

  const ofItems = 'stripe_subscription_external_id';
  test.each([
    ['a quantity', 'update stripe_subscription_items set quantity = 3 where %'],
    ['a period', "update stripe_subscription_items set current_period_end = '2001-02-03Z' where %"],
    ['a time of creation', "update stripe_subscription_items set stripe_created_at = '2001-02-03Z' where %"],
    ['a missing one', 'delete from stripe_subscription_items where %'],
    [
      'one too many',
      `insert into stripe_subscription_items (tenant, stripe_subscription_item_external_id, stripe_subscription_id,
         stripe_price_id, quantity, current_period_start, current_period_end, stripe_created_at)
       select tenant, 'si_' || md5(random()::text), stripe_subscription_id, stripe_price_id, 5, now(), now(), now()
       from stripe_subscription_items where %`,
    ],
  ])('its items: %s', async (_, statement) => {
    const made = await buyer();
    const before = await rowsOf(made.subscription);
    const which = `stripe_subscription_id = (select stripe_subscription_id from stripe_subscriptions where ${ofItems} = $1)`;
    await pool.query(statement.replace('%', which), [made.subscription]);
    expect(await rowsOf(made.subscription)).not.toEqual(before);
    await reconcile();
    expect(await driftOf(pool, made.customer)).toMatchObject([{ field: 'items', repair: 'billing_sync' }]);
    expect(await rowsOf(made.subscription)).toEqual(before);
  });

  test('the whole row is missing', async () => {
    const made = await buyer();
    await pool.query('delete from stripe_subscriptions where stripe_subscription_external_id = $1', [
      made.subscription,
    ]);
    await pool.query('update tenants set licensed_user_count = 0 where tenant = $1', [made.tenant]);
    await reconcile();
    expect(await driftOf(pool, made.customer)).toMatchObject([
      {
        subject: made.subscription,
        field: 'existence',
        ours: null,
        theirs: 'active',
        repair: 'billing_sync',
      },
    ]);
    expect(await rows.subscriptionRow(made.subscription)).toMatchObject({ status: 'active', quantity: 10 });
    expect(await rows.tenantRow(made.tenant)).toMatchObject({ licensed_user_count: 10 });
  });

  test('several fields at once are several rows, and one repair', async () => {
    const made = await buyer();
    await ofSubscription(made.subscription, "quantity = 1, status = 'unpaid'");
    const version = await syncVersion(made.customer);
    await reconcile();
    expect((await driftOf(pool, made.customer)).map(({ field }) => field)).toEqual(['quantity', 'status']);
    expect(await syncVersion(made.customer)).toBe(version + 1);
  });
});

async function syncVersion(id: string): Promise<number> {
  const { rows: found } = await pool.query(
    'select sync_version::int as version from stripe_customers where stripe_customer_external_id = $1',
    [id],
  );
  return found[0]?.version;
}

describe('I4 what differs in an open invoice is found and repaired', () => {
  test.each([
    ['amountDue', 'amount_due = 1', 1],
    ['amountPaid', 'amount_paid = 2', 2],
    ['amountRemaining', 'amount_remaining = 3', 3],
    ['attemptCount', 'attempt_count = 7', 7],
    ['nextPaymentAttempt', "next_payment_attempt = '2001-02-03Z'", '2001-02-03T00:00:00.000Z'],
    ['dueDate', "due_date = '2001-02-03Z'", '2001-02-03T00:00:00.000Z'],
    ['number', "number = 'X-1'", 'X-1'],
    ['subscriptionId', 'stripe_subscription_id = null', null],
    ['status', "status = 'void', unpaid_since = null", 'void'],
  ])('%s', async (field, change, ours) => {
    const made = await buyer();
    const id = await oweUpgrade(made);
    await sync(made.customer);
    await ofInvoice(id, change);
    await reconcile();
    expect(await driftOf(pool, made.customer)).toMatchObject([
      { kind: 'invoice', subject: id, field, ours, repair: 'billing_sync' },
    ]);
    await reconcile();
    expect(await driftOf(pool, made.customer)).toHaveLength(1);
  });

  test('one that we hold as open and that is paid in Stripe', async () => {
    const made = await buyer();
    const id = await oweUpgrade(made);
    await sync(made.customer);
    await pool.query("update dunning_cases set access = 'suspended' where tenant = $1", [made.tenant]);
    await sync(made.customer);
    expect(await rows.tenantRow(made.tenant)).toMatchObject({ access_state: 'suspended' });
    await stripe.invoices.pay(id);
    await reconcile();
    expect(await driftOf(pool, id)).toContainEqual(
      expect.objectContaining({ field: 'status', ours: 'open', theirs: 'paid', repair: 'billing_sync' }),
    );
    expect(await rows.tenantRow(made.tenant)).toMatchObject({ access_state: 'active' });
  });

  test('one that we never heard of opens its dunning case, and its run is woken', async () => {
    const made = await buyer();
    const id = await oweUpgrade(made);
    await reconcile();
    expect(await driftOf(pool, id)).toMatchObject([
      { field: 'existence', ours: null, theirs: 'open', repair: 'billing_sync' },
    ]);
    const cases = await pool.query(
      'select stripe_subscription_external_id as id from dunning_cases where tenant = $1',
      [made.tenant],
    );
    expect(cases.rows).toEqual([{ id: made.subscription }]);
    expect(world.dunningWakes).toContain(made.subscription);
  });

  test('one that was made by hand, with nothing else of its customer amiss, comes in', async () => {
    const made = await buyer();
    await stripe.invoiceItems.create({ customer: made.customer, amount: 900, currency: 'usd' });
    const { id } = await stripe.invoices.create({
      customer: made.customer,
      collection_method: 'send_invoice',
      days_until_due: 30,
      pending_invoice_items_behavior: 'include',
    });
    await stripe.invoices.finalizeInvoice(id, { auto_advance: false });
    await reconcile();
    expect(await driftOf(pool, made.customer)).toMatchObject([
      { subject: id, field: 'existence', ours: null, theirs: 'open', repair: 'billing_sync' },
    ]);
  });

  test('I11 one that Stripe does not know is recorded and stands, and stays as it is', async () => {
    const made = await buyer();
    const id = await oweUpgrade(made);
    await sync(made.customer);
    const unknown = newId('in');
    await pool.query(
      `insert into stripe_invoices (tenant, stripe_invoice_external_id, stripe_customer_id, status, collection_method,
         currency, amount_due, amount_paid, amount_remaining, attempt_count, stripe_created_at)
       select tenant, $2, stripe_customer_id, 'open', collection_method, currency, 1, 0, 1, 0, stripe_created_at
       from stripe_invoices where stripe_invoice_external_id = $1`,
      [id, unknown],
    );
    await reconcile();
    expect(await driftOf(pool, unknown)).toMatchObject([
      { kind: 'invoice', field: 'existence', ours: 'open', theirs: null, repair: null },
    ]);
  });
});

describe('I5 what follows for a tenant', () => {
  test.each([
    ['licensed_user_count', 'licensed_user_count = 3', 3, 10],
    ['licensed_user_count', 'licensed_user_count = null', null, 10],
    ['access_state', "access_state = 'restricted'", 'restricted', 'active'],
    ['access_state', "access_state = 'canceled'", 'canceled', 'active'],
  ])('%s: %s is found and repaired', async (field, change, ours, theirs) => {
    const made = await buyer();
    await falsify('tenants', 'tenant', made.tenant, change);
    await reconcile();
    expect(await driftOf(pool, made.tenant)).toMatchObject([
      { kind: 'tenant', subject: made.tenant, field, ours, theirs, repair: 'billing_sync' },
    ]);
    expect(await rows.tenantRow(made.tenant)).toMatchObject({
      licensed_user_count: 10,
      access_state: 'active',
    });
  });

  test('what would follow from rows that are wrong is no difference of its own', async () => {
    const made = await buyer();
    await pool.query('update stripe_subscription_items set quantity = 3 where tenant = $1', [made.tenant]);
    await reconcile({ isDryRun: true });
    expect(await driftOf(pool, made.tenant)).toMatchObject([{ kind: 'subscription', field: 'items' }]);
    await reconcile();
    expect(await driftOf(pool, made.tenant)).toMatchObject([{ field: 'items', repair: 'billing_sync' }]);
  });

  test('of a tenant with several customers all of them count, and it is repaired once', async () => {
    const made = await buyer();
    const second = await customer();
    await pool.query(
      `insert into stripe_customers (tenant, stripe_customer_external_id, billing_tenant, email, name)
       select tenant, $2, billing_tenant, email, name from stripe_customers where stripe_customer_external_id = $1`,
      [made.customer, second.id],
    );
    const newer = await subscription(second.id, [{ price: pro.id, quantity: 25 }]);
    await sync(second.id);
    const counted = (await rows.tenantRow(made.tenant))?.licensed_user_count;
    await reconcile();
    expect(await driftOf(pool, made.tenant)).toEqual([]);
    await ofSubscription(newer.id, 'quantity = 1');
    await falsify('tenants', 'tenant', made.tenant, 'licensed_user_count = 1');
    await reconcile();
    expect(await driftOf(pool, made.tenant)).toMatchObject([
      { subject: newer.id, field: 'quantity', repair: 'billing_sync' },
    ]);
    expect(await rows.tenantRow(made.tenant)).toMatchObject({ licensed_user_count: counted });
    await reconcile();
    expect(await driftOf(pool, made.tenant)).toHaveLength(1);
  });
});

describe('a customer', () => {
  test.each([
    ['email', "email = 'old@example.com'", 'old@example.com', 'ada@example.com'],
    ['name', 'name = null', null, 'Lovelace Ltd'],
  ])('I4 its %s follows Stripe', async (field, change, ours, theirs) => {
    const made = await buyer();
    await falsify('stripe_customers', 'stripe_customer_external_id', made.customer, change);
    await reconcile();
    expect(await driftOf(pool, made.customer)).toMatchObject([
      { kind: 'customer', subject: made.customer, field, ours, theirs, repair: 'billing_sync' },
    ]);
    const { rows: held } = await pool.query(
      `select ${field} as value from stripe_customers where stripe_customer_external_id = $1`,
      [made.customer],
    );
    expect(held).toEqual([{ value: theirs }]);
  });

  test('I4 that was deleted unheard has its subscriptions ended, each read by itself, and is no difference after that', async () => {
    const made = await buyer();
    await stripe.customers.del(made.customer);
    await reconcile();
    expect(await driftOf(pool, made.subscription)).toContainEqual(
      expect.objectContaining({
        field: 'status',
        ours: 'active',
        theirs: 'canceled',
        repair: 'billing_sync',
      }),
    );
    expect(await rows.tenantRow(made.tenant)).toMatchObject({
      licensed_user_count: 0,
      access_state: 'canceled',
    });
    const found = await driftOf(pool, made.customer);
    await reconcile();
    expect(await driftOf(pool, made.customer)).toEqual(found);
    expect(found.filter(({ repair }) => repair === null)).toEqual([]);
  });

  test.each([
    [
      'was deleted',
      'deleted',
      async () => {
        const made = await customer();
        await stripe.customers.del(made.id);
        return made.id;
      },
    ],
    ['is unknown to Stripe', null, async () => newId('cus')],
  ])(
    'that %s is recorded and stands where its tenant may use the product without a subscription',
    async (_, theirs, make) => {
      const id = await make();
      const { tenant } = await rows.tenantWithCustomer({ stripe_customer_id: id, initial_license_count: 5 });
      await reconcile();
      expect(await driftOf(pool, id)).toMatchObject([
        { kind: 'customer', subject: id, field: 'existence', ours: 'known', theirs, repair: null },
      ]);
      expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: 5, access_state: 'active' });
    },
  );

  test('that is gone is no difference where everything has ended', async () => {
    const made = await rows.tenantWithSubscription();
    await ofSubscription(made.subscription, "status = 'canceled'");
    await falsify('tenants', 'tenant', made.tenant, "access_state = 'canceled', licensed_user_count = 0");
    await reconcile();
    expect(await driftOf(pool, made.customer, made.tenant)).toEqual([]);
  });

  test('of nobody, with a subscription and an open invoice, is no difference', async () => {
    const made = await customer();
    const bought = await subscription(made.id, [{ price: pro.id, quantity: 2 }]);
    const id = await oweUpgrade({
      tenant: '',
      customer: made.id,
      subscription: bought.id,
      item: bought.items.data[0]?.id ?? '',
    } as Buyer);
    await reconcile();
    expect(await driftOf(pool, made.id, bought.id, id)).toEqual([]);
  });

  test('on a test clock, which no list shows, is no difference, and its unpaid invoice neither', async () => {
    const clock = await stripe.testHelpers.testClocks.create({ frozen_time: Math.floor(Date.now() / 1000) });
    const made = await stripe.customers.create({
      email: 'ada@example.com',
      name: 'Lovelace Ltd',
      payment_method: 'pm_card_visa',
      invoice_settings: { default_payment_method: 'pm_card_visa' },
      test_clock: clock.id,
    });
    const owner = await rows.tenantWithCustomer({ stripe_customer_id: made.id });
    const bought = await subscription(made.id, [{ price: pro.id, quantity: 10 }]);
    const of = { ...owner, subscription: bought.id, item: bought.items.data[0]?.id ?? '' };
    const id = await oweUpgrade(of);
    await sync(made.id);
    const listed = (await stripe.invoices.list({ status: 'open', limit: 100 })).data;
    expect(listed.map((invoice) => invoice.id)).not.toContain(id);
    await reconcile();
    expect(await driftOf(pool, made.id, owner.tenant, id)).toEqual([]);
    await ofSubscription(bought.id, 'quantity = 1');
    await reconcile();
    expect(await driftOf(pool, made.id)).toMatchObject([{ field: 'quantity', repair: 'billing_sync' }]);
  });
});

describe('a subscription that Stripe does not know', () => {
  test('is recorded and stands, seen again each time, and nobody loses a licence for it', async () => {
    const made = await rows.tenantWithSubscription();
    const first = await reconcile();
    const found = await driftOf(pool, made.subscription);
    expect(found).toMatchObject([{ field: 'existence', ours: 'active', theirs: null, repair: null }]);
    expect(first.standing).toBeGreaterThan(0);
    await reconcile();
    const again = await driftOf(pool, made.subscription);
    expect(again).toHaveLength(1);
    expect(again[0]).toMatchObject({ drift_id: found[0]?.drift_id, found_by: found[0]?.found_by });
    expect(again[0]?.last_seen_by).not.toBe(found[0]?.last_seen_by);
    expect(await rows.subscriptionRow(made.subscription)).toMatchObject({ status: 'active', quantity: 10 });
    expect(await rows.tenantRow(made.tenant)).toMatchObject({
      licensed_user_count: 10,
      access_state: 'active',
    });
  });
});

test('a row whose id can’t be one of Stripe’s is recorded and stands, and holds up nothing else', async () => {
  const [falsified, wrong] = [await buyer(), await buyer()];
  const id = `falsified ${falsified.subscription}`;
  const rename =
    'update stripe_subscriptions set stripe_subscription_external_id = $1 where stripe_subscription_external_id = $2';
  await pool.query(rename, [id, falsified.subscription]);
  await pool.query(
    'update stripe_subscriptions set quantity = 77 where stripe_subscription_external_id = $1',
    [wrong.subscription],
  );
  await reconcile();
  expect(await driftOf(pool, id)).toMatchObject([
    { field: 'existence', ours: 'active', theirs: null, repair: null },
  ]);
  expect(await driftOf(pool, wrong.subscription)).toMatchObject([{ ours: 77, repair: 'billing_sync' }]);
});

describe('what is on its way is no drift', () => {
  test.each(['customer', 'subscription'] as const)(
    'events that name the %s wait in the inbox',
    async (named) => {
      const made = await buyer();
      await ofSubscription(made.subscription, 'quantity = 1');
      await rows.receive(event({ subject: made[named] }));
      await reconcile();
      expect(await driftOf(pool, made.customer)).toEqual([]);
    },
  );

  test('the customer was synced after Stripe answered the page', async () => {
    const made = await buyer();
    const overtaken = activityWorld({
      database,
      stripe: afterPage(async () => {
        await stripe.subscriptions.update(made.subscription, { items: [{ id: made.item, quantity: 30 }] });
        await sync(made.customer);
      }),
    });
    await reconcileRun(overtaken).look();
    expect(await driftOf(pool, made.customer, made.tenant)).toEqual([]);
  });

  test('the events of a product wait in the inbox', async () => {
    const own = await price();
    await productSynced(own.product);
    await falsify('stripe_products', 'stripe_product_external_id', String(own.product), "name = 'Old'");
    await rows.receive(event({ subject: `product:${own.product}`, eventType: 'product.updated' }));
    await reconcile();
    expect(await driftOf(pool, String(own.product))).toEqual([]);
  });
});

describe('a drift', () => {
  test('that only was reported is one row seen again, and closed by itself when both sides agree again', async () => {
    const made = await buyer();
    await ofSubscription(made.subscription, 'quantity = 1');
    await reconcile({ isDryRun: true });
    const [found] = await driftOf(pool, made.customer);
    await reconcile({ isDryRun: true });
    expect(await driftOf(pool, made.customer)).toMatchObject([{ drift_id: found?.drift_id, repair: null }]);
    await sync(made.customer);
    await letTimePass();
    await reconcile({ isDryRun: true });
    expect(await driftOf(pool, made.customer)).toMatchObject([{ repair: null }]);
    await reconcile();
    expect(await driftOf(pool, made.customer)).toMatchObject([
      { drift_id: found?.drift_id, repair: 'by_itself' },
    ]);
  });

  test('that comes back after its repair is another row', async () => {
    const made = await buyer();
    for (const quantity of [1, 2]) {
      await ofSubscription(made.subscription, `quantity = ${quantity}`);
      await reconcile();
    }
    expect(await driftOf(pool, made.customer)).toMatchObject([
      { ours: 1, repair: 'billing_sync' },
      { ours: 2, repair: 'billing_sync' },
    ]);
  });

  test('that a dry run sees while a run goes on is repaired by that run all the same', async () => {
    const made = await buyer();
    await ofSubscription(made.subscription, 'quantity = 1');
    const run = reconcileRun(world);
    await run.look();
    await reconcile({ isDryRun: true });
    await run.repair();
    await run.end();
    expect(await driftOf(pool, made.customer)).toMatchObject([{ repair: 'billing_sync' }]);
  });

  test('that can’t be repaired stands with its customer, and the others are repaired', async () => {
    const [poisoned, sound] = [await buyer(), await buyer()];
    const { tenant: thief } = await rows.tenantWithCustomer();
    await pool.query('delete from stripe_subscription_items where tenant = $1', [poisoned.tenant]);
    await pool.query(
      `update stripe_subscriptions set tenant = $2, stripe_customer_id =
         (select stripe_customer_id from stripe_customers where tenant = $2)
       where stripe_subscription_external_id = $1`,
      [poisoned.subscription, thief],
    );
    await ofSubscription(sound.subscription, 'quantity = 1');
    const { failed } = await reconcile();
    expect(failed).toContain(poisoned.customer);
    const stands = (await driftOf(pool, poisoned.subscription)).filter(({ repair }) => repair === null);
    expect(stands.map(({ field }) => field)).toContain('customerId');
    expect(await driftOf(pool, sound.customer)).toMatchObject([{ repair: 'billing_sync' }]);
    await pool.query('delete from stripe_subscriptions where tenant = $1', [thief]);
  });

  test('two runs at once record it once and leave the truth', async () => {
    const made = await buyer();
    await ofSubscription(made.subscription, "quantity = 1, status = 'unpaid'");
    await Promise.all([reconcile(), reconcile()]);
    const found = await driftOf(pool, made.customer);
    expect(new Set(found.map(({ field }) => field))).toEqual(new Set(['quantity', 'status']));
    expect(found.filter(({ repair }) => repair === null)).toEqual([]);
    expect(await rows.subscriptionRow(made.subscription)).toMatchObject({ status: 'active', quantity: 10 });
  });

  test('is counted when it is found and when it is repaired', async () => {
    const counting = activityWorld({ database, stripe });
    const made = await buyer();
    await ofSubscription(made.subscription, "quantity = 1, status = 'unpaid'");
    await reconcileRun(counting).whole();
    const text = await counting.metricsText();
    expect(text).toContain('tenantry_drift_found_total{kind="subscription"} 2');
    expect(text).toContain('tenantry_drift_repaired_total{kind="subscription"} 2');
    expect(text).toContain('tenantry_reconciles_total 1');
  });
});

/** Makes what stands as old as if it had been seen last by a run before. */
async function letTimePass(): Promise<void> {
  await pool.query(
    "update billing_drift set last_seen_at = last_seen_at - interval '1 minute' where repaired_at is null",
  );
}

const productSynced = (id: unknown) => sync(`product:${String(id)}`);

describe('I4 a price and its product', () => {
  test.each([
    ['stripe_prices', 'unit_amount = 5', 'unitAmount'],
    ['stripe_prices', "currency = 'eur'", 'currency'],
    ['stripe_prices', "recurring_interval = 'year'", 'recurringInterval'],
    ['stripe_prices', 'recurring_interval_count = 7', 'recurringIntervalCount'],
    ['stripe_prices', 'is_active = false', 'isActive'],
    ['stripe_prices', `metadata = '{"a": "b"}'`, 'metadata'],
    ['stripe_products', "name = 'Old'", 'productName'],
    ['stripe_products', "description = 'Old'", 'productDescription'],
    ['stripe_products', 'is_active = false', 'isProductActive'],
    ['stripe_products', `metadata = '{"a": "b"}'`, 'productMetadata'],
  ])('%s %s is found and repaired', async (table, change, field) => {
    const own = await price();
    await productSynced(own.product);
    const isPrice = table === 'stripe_prices';
    const id = isPrice ? own.id : String(own.product);
    await falsify(table, isPrice ? 'stripe_price_external_id' : 'stripe_product_external_id', id, change);
    await reconcile();
    expect(await driftOf(pool, String(own.product))).toMatchObject([
      { kind: 'product', field: isPrice ? `${own.id} ${field}` : field, repair: 'product_sync' },
    ]);
    await reconcile();
    expect(await driftOf(pool, String(own.product))).toHaveLength(1);
  });

  test('a product with several prices differs once', async () => {
    const own = await price();
    await stripe.prices.create({ product: String(own.product), currency: 'usd', unit_amount: 5 });
    await productSynced(own.product);
    await falsify('stripe_products', 'stripe_product_external_id', String(own.product), "name = 'Old'");
    await reconcile();
    expect(await driftOf(pool, String(own.product))).toMatchObject([{ field: 'productName' }]);
  });

  test('a price that we don’t hold is no difference', async () => {
    const own = await price();
    await reconcile();
    expect(await driftOf(pool, String(own.product))).toEqual([]);
  });
});
