import { describe, expect, test } from 'vitest';
import { MASTER_BILLING_TENANT_ID } from '../database.ts';
import { newId } from '../db/billing-rows.ts';
import { useImport } from './import-world.ts';

const {
  pool,
  rows,
  stripe,
  control,
  requestsSince,
  importer,
  newEmail,
  subscriber,
  planOf,
  differencesOf,
  fingerprint,
} = await useImport();
const world = importer();

/** A customer with a subscription, and a tenant that it names. */
async function named(metadata: Record<string, string> = {}) {
  const { tenant, customer: own } = await rows.tenantWithCustomer({ email: newEmail() });
  await pool.query('delete from stripe_customers where stripe_customer_external_id = $1', [own]);
  const made = await subscriber({ metadata: { tenant_id: tenant, ...metadata } });
  return { tenant, ...made, id: made.subscription.id };
}

const totals = (by_status: readonly { differing: number; left_out: number }[]) => ({
  differing: by_status.reduce((sum, { differing }) => sum + differing, 0),
  left_out: by_status.reduce((sum, { left_out }) => sum + left_out, 0),
});

describe('the proof', () => {
  test('is empty after an import, and counts what the plan left out', async () => {
    await named();
    await subscriber({ email: newEmail() });
    await subscriber({ metadata: { tenant_id: 'nobody' } });
    const listing = await world.all();
    const { by_status, differences } = await world.prove(listing);
    expect(differences).toEqual([]);
    expect(totals(by_status)).toEqual({ differing: 0, left_out: 2 });
    for (const { stripe: theirs, ours, left_out } of by_status) expect(theirs).toBe(ours + left_out);
  });

  test('I4 lists each subscription that is missing, that Stripe does not list, and whose status differs', async () => {
    const [missing, unlisted, differing, ended, unjudged] = [
      await named(),
      await named(),
      await named(),
      await named(),
      await named(),
    ];
    const unknown = newId('sub');
    await world.all();
    const remove = async (id: string) => {
      await pool.query(
        `delete from stripe_subscription_items where stripe_subscription_id in (
           select stripe_subscription_id from stripe_subscriptions where stripe_subscription_external_id = $1)`,
        [id],
      );
      await pool.query('delete from stripe_subscriptions where stripe_subscription_external_id = $1', [id]);
    };
    await remove(missing.id);
    const rename =
      'update stripe_subscriptions set stripe_subscription_external_id = $2 where stripe_subscription_external_id = $1';
    await pool.query(rename, [unlisted.id, unknown]);
    const falsify =
      "update stripe_subscriptions set status = 'paused' where stripe_subscription_external_id = $1";
    await pool.query(falsify, [differing.id]);
    await stripe.subscriptions.cancel(ended.id);
    const listing = await world.list();
    await world.match(listing);
    const { by_status } = await world.prove(listing);
    const listed = await differencesOf(
      listing,
      missing.id,
      unknown,
      unlisted.id,
      differing.id,
      ended.id,
      unjudged.id,
    );
    const byId = (a: { subscription: string }, b: { subscription: string }) =>
      a.subscription < b.subscription ? -1 : 1;
    expect([...listed].sort(byId)).toEqual(
      [
        { subscription: missing.id, customer: missing.customer, stripe: 'trialing', ours: null },
        { subscription: unknown, customer: unlisted.customer, stripe: null, ours: 'trialing' },
        { subscription: unlisted.id, customer: unlisted.customer, stripe: 'trialing', ours: null },
        { subscription: differing.id, customer: differing.customer, stripe: 'trialing', ours: 'paused' },
        { subscription: ended.id, customer: ended.customer, stripe: 'canceled', ours: 'trialing' },
      ].sort(byId),
    );
    // One for each of them, also for the one that only we have.
    expect(totals(by_status).differing).toBe(listed.length);
    expect(by_status.find(({ status }) => status === 'canceled')).toMatchObject({ differing: 1 });
    expect(by_status.find(({ status }) => status === 'paused')).toMatchObject({ differing: 0, ours: 1 });
    // A subscription that Stripe never knew stays listed, however often it is read.
    await world.run(world.listAgain, { listing: listing.listing, subscription: unknown });
    expect(await differencesOf(listing, unknown)).toMatchObject([{ stripe: null, ours: 'trialing' }]);
    await remove(unknown);
    // What was falsified is brought in line by the customer's own sync, and agrees when it is read again.
    for (const { customer, id } of [missing, unlisted, differing, ended]) {
      await world.run(world.syncSubject, { subject: customer, only_pending: false });
      await world.run(world.listAgain, { listing: listing.listing, subscription: id });
    }
    expect(totals((await world.prove(listing)).by_status).differing).toBe(0);
  });

  test('a subscription that changed after it was listed is no difference once it is read again', async () => {
    const { customer, id } = await named();
    await world.all();
    const listing = await world.list();
    await world.match(listing);
    await stripe.subscriptions.cancel(id);
    await world.run(world.syncSubject, { subject: customer, only_pending: false });
    expect(await differencesOf(listing, id)).toMatchObject([{ stripe: 'trialing', ours: 'canceled' }]);
    const before = await fingerprint();
    await world.run(world.listAgain, { listing: listing.listing, subscription: id });
    expect(await differencesOf(listing, id)).toEqual([]);
    expect(await fingerprint()).toEqual(before);
  });

  test('what Stripe made after the listing began is none of its business', async () => {
    const before = await world.list();
    await world.match(before);
    await control.setTimeOffset(60_000);
    const { customer, subscription } = await subscriber({});
    await rows.tenantWithCustomer({ stripe_customer_id: customer, email: newEmail() });
    await world.run(world.syncSubject, { subject: customer, only_pending: false });
    expect(await rows.subscriptionRow(subscription.id)).toMatchObject({ status: 'trialing' });
    expect(await differencesOf(before, subscription.id)).toEqual([]);
    await control.setTimeOffset(0);
  });
});

describe('I6 tenants for paying customers without one', () => {
  test('are begun once for each with a live licence; the others are left, with the reason', async () => {
    const paying = await subscriber({ email: newEmail(), name: 'Babbage & Sons' });
    const nameless = await subscriber({ email: newEmail(), name: ' ' });
    const ended = await subscriber({ email: newEmail() });
    await stripe.subscriptions.cancel(ended.subscription.id);
    const silent = await subscriber({});
    const own = importer();
    const listing = await own.list();
    await own.match(listing, true);
    expect(
      await planOf(listing, paying.customer, nameless.customer, ended.customer, silent.customer),
    ).toMatchObject([
      { outcome: 'create' },
      { outcome: 'create' },
      { outcome: 'left', reason: 'no_license' },
      { outcome: 'left', reason: 'no_email' },
    ]);
    for (let look = 0; look < 3; look += 1)
      await own.run(own.createMissingTenants, { listing: listing.listing });
    const begun = own.created.filter(({ stripe_customer_id: id }) =>
      [paying.customer, nameless.customer, ended.customer, silent.customer].includes(id ?? ''),
    );
    expect(begun).toHaveLength(2);
    const [plan] = await planOf(listing, nameless.customer);
    expect(begun).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          stripe_customer_id: paying.customer,
          client_name: 'Babbage & Sons',
          source: 'migration_import',
        }),
        expect.objectContaining({ stripe_customer_id: nameless.customer, client_name: plan?.email }),
      ]),
    );
  });

  test('creations that come to nothing do not hold up the others for longer than minutes', async () => {
    const made = [];
    for (let index = 0; index < 23; index += 1) made.push(await subscriber({ email: newEmail() }));
    const own = importer();
    const listing = await own.list();
    await own.match(listing, true);
    const begin = () => own.run(own.createMissingTenants, { listing: listing.listing });
    expect(await begin()).toMatchObject({ under_way: 20, more: true });
    // No tenant comes of any of them.
    expect(await begin()).toMatchObject({ under_way: 20, more: false });
    const begun = own.created.length;
    await pool.query(
      "update imported_customers set applied_at = applied_at - interval '6 minutes' where listing = $1",
      [listing.listing],
    );
    expect(await begin()).toMatchObject({ more: true });
    expect(own.created.length).toBeGreaterThan(begun);
    expect(new Set(own.created.map(({ stripe_customer_id: id }) => id)).size).toBe(own.created.length);
  });
});

describe('I7 tags', () => {
  test('write the tenant’s id once, under one key for all tries; who is tagged is skipped', async () => {
    const tagged = await named();
    const { tenant, customer: own } = await rows.tenantWithCustomer({ email: newEmail() });
    await pool.query('delete from stripe_customers where stripe_customer_external_id = $1', [own]);
    const bare = await subscriber({ subscriptionMetadata: { tenant_id: tenant } });
    const conflict = await subscriber({ metadata: { tenant_id: 'nobody' } });
    const elsewhere = await named();
    await stripe.customers.update(elsewhere.customer, { metadata: { tenant_id: tenant } });
    await pool.query(
      `insert into stripe_customers (tenant, stripe_customer_external_id, billing_tenant) values ($1, $2, $3)`,
      [
        (await rows.tenantWithCustomer({ email: newEmail() })).tenant,
        elsewhere.customer,
        MASTER_BILLING_TENANT_ID,
      ],
    );
    const listing = await world.all();
    const due = await world.run(world.customersToTag, { listing: listing.listing });
    const ids = due.map(({ customer }) => customer);
    expect(due).toContainEqual({ customer: bare.customer, tenant });
    expect(ids).not.toContain(tagged.customer);
    expect(ids).not.toContain(conflict.customer);
    // Nobody may guess which of the two is right.
    expect(ids).not.toContain(elsewhere.customer);
    await requestsSince();
    await control.injectFault({
      kind: 'lost_answer',
      method: 'POST',
      path: `/v1/customers/${bare.customer}`,
    });
    const tag = { customer: bare.customer, tenant, key: `${listing.listing}/tag` };
    await expect(world.run(world.tagImportedCustomer, tag)).resolves.toBeUndefined();
    await world.run(world.tagImportedCustomer, tag, 2);
    const writes = (await control.requests()).filter(
      ({ method, path }) => method === 'POST' && path === `/v1/customers/${bare.customer}`,
    );
    expect(new Set(writes.map(({ idempotencyKey }) => idempotencyKey))).toEqual(
      new Set([`${listing.listing}/tag/${bare.customer}`]),
    );
    const { metadata } = (await stripe.customers.retrieve(bare.customer)) as { metadata: object };
    expect(metadata).toEqual({ tenant_id: tenant });
    await world.run(world.recordTagged, { listing: listing.listing, customers: ids });
    expect(await world.run(world.customersToTag, { listing: listing.listing })).toEqual([]);
  });
});
