import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { linkCustomers } from '../../db/billing-projection.ts';
import { keepCustomers } from '../../db/import-plan.ts';
import { keepListed } from '../../db/listings.ts';
import { wholeRange } from '../../domain/listing-ranges.ts';
import { MASTER_BILLING_TENANT_ID } from '../database.ts';
import { event } from '../db/billing-rows.ts';
import { useImport } from './import-world.ts';

const {
  database,
  pool,
  rows,
  stripe,
  requestsSince,
  pro,
  other,
  importer,
  newEmail,
  subscriber,
  planOf,
  fingerprint,
} = await useImport();
const world = importer();

/** A tenant with an e-mail, and no customer of Stripe's that has a subscription. */
async function tenantOf(email: string, overrides: object = {}): Promise<string> {
  const { tenant, customer } = await rows.tenantWithCustomer({ email, ...overrides });
  await pool.query('delete from stripe_customers where stripe_customer_external_id = $1', [customer]);
  return tenant;
}

async function customerRow(customer: string) {
  const { rows: found } = await pool.query(
    `select tenant, email, name, metadata->>'source' as source, sync_version from stripe_customers
     where stripe_customer_external_id = $1`,
    [customer],
  );
  return found[0];
}

describe('pages', () => {
  test('a page that is kept twice is kept once, in one request each', async () => {
    const made = await subscriber({ email: newEmail() });
    const listing = `import/${randomUUID()}`;
    const { from, before } = wholeRange(Math.floor(Date.now() / 1000));
    await requestsSince();
    const first = await world.run(world.listForImport, { listing, from, before, after: null });
    expect(await world.run(world.listForImport, { listing, from, before, after: null }, 2)).toEqual(first);
    expect(await requestsSince()).toEqual(['GET /v1/subscriptions', 'GET /v1/subscriptions']);
    const { rows: kept } = await pool.query(
      'select 1 from stripe_listings where listing = $1 and object_external_id = $2',
      [listing, made.subscription.id],
    );
    expect(kept).toHaveLength(1);
    const counts = await world.match({ listing, until: new Date() });
    expect(counts.customers).toBe(first.count);
  });

  test('an answer that comes late does not replace a younger one', async () => {
    const listing = `import/${randomUUID()}`;
    const keep = (status: string, fetchedAt: string) =>
      keepListed(database, {
        listing,
        kind: 'subscription',
        fetchedAt: new Date(fetchedAt),
        objects: [{ id: 'sub_1', customerId: 'cus_1', status }],
        withBodies: false,
      });
    await keep('canceled', '2026-11-30T10:00:05Z');
    await keep('active', '2026-11-30T10:00:00Z');
    const { rows: kept } = await pool.query('select status from stripe_listings where listing = $1', [
      listing,
    ]);
    expect(kept).toEqual([{ status: 'canceled' }]);
  });

  test('pages that come at the same time with the same customers in other orders do not lock each other out', async () => {
    const listing = `import/${randomUUID()}`;
    const customers = Array.from({ length: 150 }, (_, index) => ({
      customer: `cus_${index}`,
      email: null,
      name: null,
      isDeleted: false,
      livemode: false,
      hasLiveLicense: index % 2 === 0,
      namedTenants: [],
      taggedTenant: null,
    }));
    const keep = (page: typeof customers) =>
      database.transaction((transaction) => keepCustomers(transaction, { listing, customers: page }));
    for (let round = 0; round < 10; round += 1) {
      const pages = [customers, [...customers].reverse(), customers.slice(50), [...customers].reverse()];
      await Promise.all(pages.map(keep));
    }
    expect(await world.match({ listing, until: new Date() })).toMatchObject({ customers: 150 });
  });

  test('a new import removes what earlier ones left, and nothing of other kinds', async () => {
    const [old, proof] = [await world.list(), { listing: `proof/${randomUUID()}`, until: new Date() }];
    await keepListed(database, {
      listing: proof.listing,
      kind: 'subscription',
      fetchedAt: new Date(),
      objects: [{ id: 'sub_1', customerId: 'cus_1', status: 'active' }],
      withBodies: false,
    });
    const next = await world.list();
    await world.run(world.beginImport, { listing: next.listing });
    const { rows: kept } = await pool.query('select distinct listing from stripe_listings');
    const names = kept.map(({ listing }) => listing);
    expect(names).toContain(next.listing);
    expect(names).toContain(proof.listing);
    expect(names).not.toContain(old.listing);
  });
});

describe('whose a customer is', () => {
  test('an e-mail differs by case only; dots and plus signs are not folded', async () => {
    const id = randomUUID().slice(0, 8);
    const tenant = await tenantOf(`Ada.${id}@Example.com`);
    const same = await subscriber({ email: `aDA.${id}@example.COM` });
    const dotless = await subscriber({ email: `ada${id}@example.com` });
    const plus = await subscriber({ email: `ada.${id}+billing@example.com` });
    const listing = await world.list();
    await world.match(listing);
    expect(await planOf(listing, same.customer, dotless.customer, plus.customer)).toMatchObject([
      { outcome: 'link', tenant, reason: null },
      { outcome: 'left', tenant: null, reason: 'no_tenant' },
      { outcome: 'left', tenant: null, reason: 'no_tenant' },
    ]);
  });

  test('two customers with one e-mail in two cases are a conflict, each with its candidate', async () => {
    const email = newEmail();
    const tenant = await tenantOf(email);
    const both = [await subscriber({ email }), await subscriber({ email: email.toUpperCase() })];
    const listing = await world.all();
    const conflict = { outcome: 'conflict', reason: 'several_customers', candidates: [tenant], tenant: null };
    expect(await planOf(listing, ...both.map(({ customer }) => customer))).toMatchObject([
      conflict,
      conflict,
    ]);
    for (const { customer } of both) expect(await customerRow(customer)).toBeUndefined();
  });

  test('an e-mail of a tenant that another customer names, or has already, is a conflict, before and after', async () => {
    const email = newEmail();
    const tenant = await tenantOf(email);
    const named = await subscriber({ email: newEmail(), metadata: { tenant_id: tenant } });
    const byEmail = await subscriber({ email });
    const expected = [{ tenant }, { outcome: 'conflict', reason: 'several_customers', candidates: [tenant] }];
    for (let run = 0; run < 2; run += 1) {
      const listing = await world.all();
      expect(await planOf(listing, named.customer, byEmail.customer)).toMatchObject(expected);
    }
    expect(await customerRow(byEmail.customer)).toBeUndefined();
  });

  test('an e-mail of several tenants is a conflict that names them', async () => {
    const email = newEmail();
    const tenants = [await tenantOf(email), await tenantOf(email.toUpperCase())];
    const { customer } = await subscriber({ email });
    const listing = await world.all();
    const [planned] = await planOf(listing, customer);
    expect(planned).toMatchObject({ outcome: 'conflict', reason: 'several_tenants' });
    expect([...(planned?.candidates ?? [])].sort()).toEqual([...tenants].sort());
  });

  test('metadata.tenant_id: of the customer or a subscription, in any case, and what names nobody', async () => {
    const [tenant, another] = [await tenantOf(newEmail()), await tenantOf(newEmail())];
    const name = (tenant_id: string) => ({ tenant_id });
    const made = [
      await subscriber({ metadata: name(tenant) }),
      await subscriber({ subscriptionMetadata: name(tenant) }),
      await subscriber({ metadata: name(tenant.toUpperCase()), subscriptionMetadata: name(tenant) }),
      await subscriber({ metadata: name('customer 12') }),
      await subscriber({ metadata: name(randomUUID()) }),
      await subscriber({ metadata: name(MASTER_BILLING_TENANT_ID.toUpperCase()) }),
      await subscriber({ metadata: name(tenant), subscriptionMetadata: name(another) }),
      await subscriber({ metadata: name('') }),
      await subscriber({}),
    ];
    const listing = await world.all();
    const plan = await planOf(listing, ...made.map(({ customer }) => customer));
    expect(plan).toMatchObject([
      { outcome: 'link', tenant },
      { outcome: 'link', tenant },
      { outcome: 'link', tenant },
      { outcome: 'conflict', reason: 'unknown_tenant', candidates: [] },
      { outcome: 'conflict', reason: 'unknown_tenant', candidates: [] },
      { outcome: 'conflict', reason: 'unknown_tenant', candidates: [] },
      { outcome: 'conflict', reason: 'several_tenants' },
      { outcome: 'left', reason: 'no_tenant' },
      { outcome: 'left', reason: 'no_tenant' },
    ]);
    expect([...(plan[6]?.candidates ?? [])].sort()).toEqual([tenant, another].sort());
    // Three customers of one tenant: one count.
    expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: 3 });
  });

  test('a deleted customer is left; a known one that was deleted is brought to its end', async () => {
    const email = newEmail();
    await tenantOf(email);
    const gone = await subscriber({ email });
    const known = await subscriber({});
    const owner = await rows.tenantWithCustomer({ stripe_customer_id: known.customer, email: newEmail() });
    await stripe.customers.del(gone.customer);
    await stripe.customers.del(known.customer);
    const listing = await world.all();
    expect(await planOf(listing, gone.customer, known.customer)).toMatchObject([
      { outcome: 'left', reason: 'customer_deleted', email: null },
      { outcome: 'known', tenant: owner.tenant },
    ]);
    expect(await rows.subscriptionRow(known.subscription.id)).toMatchObject({ status: 'canceled' });
    expect(await rows.tenantRow(owner.tenant)).toMatchObject({
      licensed_user_count: 0,
      access_state: 'canceled',
    });
  });

  test('objects of the other mode are left, and nothing of them is written', async () => {
    const { customer, subscription } = await subscriber({
      metadata: { tenant_id: await tenantOf(newEmail()) },
    });
    const live = importer({ livemode: true });
    const listing = await live.list();
    const { customers, outcomes } = await live.match(listing);
    expect(outcomes).toMatchObject({ left: customers, link: 0, known: 0 });
    await live.apply(listing);
    expect(await planOf(listing, customer)).toMatchObject([{ reason: 'livemode_mismatch' }]);
    expect(await rows.subscriptionRow(subscription.id)).toBeUndefined();
  });
});

describe('applying', () => {
  test('a dry run writes nothing but its plan', async () => {
    await subscriber({ metadata: { tenant_id: await tenantOf(newEmail()) } });
    await subscriber({ email: newEmail() });
    const before = await fingerprint();
    await requestsSince();
    await world.match(await world.list(), true);
    expect(await fingerprint()).toEqual(before);
    expect((await requestsSince()).filter((request) => !request.startsWith('GET '))).toEqual([]);
    expect(world.created).toEqual([]);
  });

  test('running it again writes nothing', async () => {
    await subscriber({ metadata: { tenant_id: await tenantOf(newEmail()) } });
    await subscriber({ price: other.id, metadata: { tenant_id: await tenantOf(newEmail()) } });
    await world.all();
    const before = await fingerprint();
    const listing = await world.list();
    const { outcomes } = await world.match(listing);
    expect(outcomes.link).toBe(0);
    expect((await world.apply(listing)).written).toBe(0);
    expect(await fingerprint()).toEqual(before);
  });

  test('I5 the licence count of a tenant that was born with another one is Stripe’s from now on', async () => {
    const email = newEmail();
    const tenant = await tenantOf(email, { initial_license_count: 50 });
    const { customer, subscription } = await subscriber({ email, quantity: 7 });
    await world.all();
    expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: 7, access_state: 'active' });
    expect(await rows.subscriptionRow(subscription.id)).toMatchObject({ tenant, status: 'trialing' });
    expect(await customerRow(customer)).toMatchObject({
      tenant,
      email,
      name: 'Lovelace Ltd',
      source: 'migration_import',
    });
  });

  test('a subscription of another price is kept, and is no licence', async () => {
    const tenant = await tenantOf(newEmail(), { initial_license_count: 50 });
    const { subscription } = await subscriber({
      price: other.id,
      quantity: 9,
      metadata: { tenant_id: tenant },
    });
    await world.all();
    expect(await rows.subscriptionRow(subscription.id)).toMatchObject({ tenant, quantity: 9 });
    expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: 0, access_state: 'active' });
    expect(await rows.priceRow(other.id)).toMatchObject({ product_name: 'Seats of something else' });
  });

  test('of several licence subscriptions of two customers the newest counts, once', async () => {
    const tenant = await tenantOf(newEmail());
    const first = await subscriber({ quantity: 5, metadata: { tenant_id: tenant } });
    const second = await subscriber({ quantity: 8, metadata: { tenant_id: tenant } });
    const third = await stripe.subscriptions.create({
      customer: first.customer,
      items: [{ price: pro.id, quantity: 11 }],
      trial_period_days: 30,
    });
    await world.all();
    // Of one second the greater id is the newer one.
    const all = [first.subscription, second.subscription, third];
    const [newest] = all.sort((a, b) => b.created - a.created || (a.id < b.id ? 1 : -1));
    expect(await rows.tenantRow(tenant)).toMatchObject({
      licensed_user_count: newest?.items.data[0]?.quantity,
    });
  });

  test('a tenant with nothing but ended subscriptions has no licences and no access', async () => {
    const tenant = await tenantOf(newEmail(), { initial_license_count: 4 });
    const { subscription } = await subscriber({ metadata: { tenant_id: tenant } });
    await stripe.subscriptions.cancel(subscription.id);
    await world.all();
    expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: 0, access_state: 'canceled' });
  });

  test('parked events of a customer that was linked are claimed by the sweep, which wakes its sync', async () => {
    const { customer } = await subscriber({ metadata: { tenant_id: await tenantOf(newEmail()) } });
    const [id = ''] = await rows.receive(
      event({ subject: customer, status: 'parked', statusReason: 'unknown_customer' }),
    );
    await world.all();
    await world.run(() => world.wakeDueSubjects(), undefined);
    await world.run(world.syncSubject, { subject: customer, only_pending: true });
    expect(await rows.eventRow(id)).toMatchObject({ status: 'processed' });
  });

  test('a customer that a live event linked between listing and applying keeps that tenant, and the plan says so', async () => {
    const email = newEmail();
    const [planned, linked] = [await tenantOf(email), await tenantOf(newEmail())];
    const { customer, subscription } = await subscriber({ email });
    const listing = await world.list();
    await world.match(listing);
    expect(await planOf(listing, customer)).toMatchObject([{ outcome: 'link', tenant: planned }]);
    await database.transaction((transaction) =>
      linkCustomers(transaction, {
        links: [{ customer, tenant: linked, email, name: null }],
        billingTenant: MASTER_BILLING_TENANT_ID,
        now: new Date(),
      }),
    );
    await world.apply(listing);
    expect(await planOf(listing, customer)).toMatchObject([{ outcome: 'known', tenant: linked }]);
    expect(await rows.subscriptionRow(subscription.id)).toMatchObject({ tenant: linked });
    expect(await rows.tenantRow(planned)).toMatchObject({ licensed_user_count: null });
  });

  test('a subscription that is filed under another tenant stops only its own customer', async () => {
    const [email, otherEmail] = [newEmail(), newEmail()];
    const [tenant, neighbour] = [await tenantOf(email), await tenantOf(otherEmail)];
    const [disputed, fine] = [await subscriber({ email }), await subscriber({ email: otherEmail })];
    const filed = await rows.tenantWithSubscription();
    await pool.query(
      'update stripe_subscriptions set stripe_subscription_external_id = $2 where stripe_subscription_external_id = $1',
      [filed.subscription, disputed.subscription.id],
    );
    const listing = await world.all();
    const [planned, next] = await planOf(listing, disputed.customer, fine.customer);
    expect(planned).toMatchObject({ outcome: 'conflict', reason: 'several_tenants', tenant: null });
    expect([...(planned?.candidates ?? [])].sort()).toEqual([tenant, filed.tenant].sort());
    expect(await customerRow(disputed.customer)).toBeUndefined();
    expect(next).toMatchObject({ outcome: 'link', tenant: neighbour });
    expect(await rows.subscriptionRow(fine.subscription.id)).toMatchObject({ tenant: neighbour });
    expect(await rows.subscriptionRow(disputed.subscription.id)).toMatchObject({ tenant: filed.tenant });
    await pool.query('delete from stripe_subscription_items where tenant = $1', [filed.tenant]);
    await pool.query('delete from stripe_subscriptions where tenant = $1', [filed.tenant]);
  });

  test('a tenant that is removed between matching and applying stops only its own customer', async () => {
    const [gone, tenant] = [await tenantOf(newEmail()), await tenantOf(newEmail())];
    const [lost, fine] = [
      await subscriber({ metadata: { tenant_id: gone } }),
      await subscriber({ metadata: { tenant_id: tenant } }),
    ];
    const listing = await world.list();
    await world.match(listing);
    for (const table of ['tenant_invitations', 'notifications', 'tenants'])
      await pool.query(`delete from ${table} where tenant = $1`, [gone]);
    await world.apply(listing);
    expect(await planOf(listing, lost.customer, fine.customer)).toMatchObject([
      { outcome: 'conflict', reason: 'unknown_tenant' },
      { outcome: 'link', tenant },
    ]);
    expect(await rows.subscriptionRow(fine.subscription.id)).toMatchObject({ tenant });
  });

  test('more than 100 customers and 500 subscriptions, several of one customer over pages, are written once', async () => {
    const big = await subscriber({ subscriptionMetadata: { tenant_id: await tenantOf(newEmail()) } });
    const small = await Promise.all(
      Array.from({ length: 110 }, async () =>
        subscriber({ metadata: { tenant_id: await tenantOf(newEmail()) } }),
      ),
    );
    // The one that names the tenant is the oldest, so it comes pages after the others.
    const create = (customer: string) =>
      stripe.subscriptions.create({
        customer,
        items: [{ price: pro.id, quantity: 1 }],
        trial_period_days: 300,
      });
    const more: Promise<{ id: string }>[] = [];
    for (const { customer } of small) for (let n = 0; n < 3; n += 1) more.push(create(customer));
    for (let n = 0; n < 230; n += 1) more.push(create(big.customer));
    const ids = (await Promise.all(more)).map(({ id }) => id);
    const listing = await world.all();
    expect(await planOf(listing, big.customer)).toMatchObject([{ outcome: 'link' }]);
    const { rows: written } = await pool.query(
      'select 1 from stripe_subscriptions where stripe_subscription_external_id = any($1)',
      [ids],
    );
    expect(written).toHaveLength(ids.length);
    const { by_status } = await world.prove(listing);
    expect(by_status.map(({ differing }) => differing)).toEqual(by_status.map(() => 0));
    const before = await fingerprint();
    await world.all();
    expect(await fingerprint()).toEqual(before);
  }, 120_000);
});

describe('I4 the fresher wins', () => {
  async function known(quantity = 10) {
    const { customer, subscription } = await subscriber({ quantity });
    const owner = await rows.tenantWithCustomer({ stripe_customer_id: customer, email: newEmail() });
    const change = (to: number) =>
      stripe.subscriptions.update(subscription.id, {
        items: [{ id: subscription.items.data[0]?.id ?? '', quantity: to }],
        proration_behavior: 'none',
      });
    return { ...owner, customer, subscription, change };
  }
  const sync = (subject: string) => world.run(world.syncSubject, { subject, only_pending: false });

  test('rows that a live sync wrote after the page was read stay', async () => {
    const { tenant, customer, subscription, change } = await known();
    const listing = await world.list();
    await world.match(listing);
    await change(25);
    await sync(customer);
    const before = await fingerprint();
    await world.apply(listing);
    expect((await rows.subscriptionRow(subscription.id))?.quantity).toBe(25);
    expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: 25 });
    expect((await fingerprint()).stripe_subscriptions).toEqual(
      expect.arrayContaining(before.stripe_subscriptions ?? []),
    );
  });

  test('rows that a live sync wrote before the page was read are brought forward', async () => {
    const { customer, subscription, change } = await known();
    await sync(customer);
    await change(25);
    await world.all();
    expect((await rows.subscriptionRow(subscription.id))?.quantity).toBe(25);
  });

  test('a live sync that read before the import wrote is stale, and reads again', async () => {
    const { customer, subscription, change } = await known();
    await sync(customer);
    await change(25);
    const listing = await world.list();
    await world.match(listing);
    let happened = 0;
    const slow = afterFirstListing(async () => {
      happened += 1;
      await world.apply(listing);
      await change(30);
    });
    await change(20);
    const late = importer({ stripe: slow });
    await late.run(late.syncSubject, { subject: customer, only_pending: false });
    expect(happened).toBe(1);
    expect((await rows.subscriptionRow(subscription.id))?.quantity).toBe(30);
  });

  /** A Stripe that lets something happen after it has listed subscriptions for the first time, before anybody has its answer. */
  function afterFirstListing(happens: () => Promise<void>): typeof stripe {
    let isFirst = true;
    const list: typeof stripe.subscriptions.list = (...options) => {
      const listed = stripe.subscriptions.list(...options);
      const readAll = listed.autoPagingToArray.bind(listed);
      const autoPagingToArray: typeof listed.autoPagingToArray = async (limit) => {
        const subscriptions = await readAll(limit);
        if (isFirst) {
          isFirst = false;
          await happens();
        }
        return subscriptions;
      };
      return Object.assign(listed, { autoPagingToArray });
    };
    const subscriptions = Object.assign(Object.create(stripe.subscriptions), { list });
    return Object.create(stripe, { subscriptions: { value: subscriptions } });
  }
});
