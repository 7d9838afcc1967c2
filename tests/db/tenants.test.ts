import { expect, test } from 'vitest';
import { correctTenant, provisionTenant, tenantExists } from '../../db/tenants.ts';
import { MASTER_BILLING_TENANT_ID, useDatabase } from '../database.ts';
import { at, billingRows, newId, purchase } from './billing-rows.ts';

const { database, pool } = await useDatabase();
const rows = billingRows({ database, pool });

const provision = (provisioningKey: string, bought: ReturnType<typeof purchase>) =>
  provisionTenant(database, {
    provisioningKey,
    purchase: bought,
    billingTenant: MASTER_BILLING_TENANT_ID,
    now: at(0),
  });
const count = async (table: string, tenant: string) =>
  (await pool.query(`select count(*)::int as n from ${table} where tenant = $1`, [tenant])).rows[0].n;
const correct = (correction: Parameters<typeof correctTenant>[1]) =>
  database.transaction((transaction) => correctTenant(transaction, correction));

test('a birth writes tenant, customer, count, invitation and outbox row together', async () => {
  const bought = purchase({ initial_license_count: 10, source: 'stripe_checkout' });
  const key = newId('key');
  const { tenant, ...born } = await provision(key, bought);
  expect(born).toEqual({ licensedUserCount: 10, isOwn: true });
  const { rows: found } = await pool.query(
    `select t.client_name, t.email, t.plan, t.licensed_user_count, t.access_state, t.provisioning_key,
            c.stripe_customer_external_id as customer, c.metadata->>'source' as source, i.email as invited,
            i.token_hash, n.recipient, n.status, n.kind
     from tenants t join stripe_customers c using (tenant) join tenant_invitations i using (tenant)
     join notifications n using (tenant) where t.tenant = $1`,
    [tenant],
  );
  expect(found).toEqual([
    {
      client_name: 'Lovelace Ltd',
      email: 'ada@example.com',
      plan: null,
      licensed_user_count: 10,
      access_state: 'active',
      provisioning_key: key,
      customer: bought.stripe_customer_id,
      source: 'stripe_checkout',
      invited: 'ada@example.com',
      token_hash: null,
      recipient: 'ada@example.com',
      status: 'queued',
      kind: 'invitation',
    },
  ]);
});

test('without a count the tenant is born as not licensed by Stripe', async () => {
  const { tenant } = await provision(newId('key'), purchase());
  expect(await rows.tenantRow(tenant)).toMatchObject({
    licensed_user_count: null,
    last_license_update: null,
  });
});

test('I6 the same key again finds its tenant and adds nothing, also with another purchase', async () => {
  const key = newId('key');
  const first = await provision(key, purchase({ initial_license_count: 3 }));
  const second = await provision(key, purchase({ initial_license_count: 99 }));
  expect(second).toEqual(first);
  expect(await count('stripe_customers', first.tenant)).toBe(1);
  expect(await count('notifications', first.tenant)).toBe(1);
});

test('I6 twenty at once under one key make one tenant', async () => {
  const key = newId('key');
  const bought = purchase();
  const born = await Promise.all(Array.from({ length: 20 }, () => provision(key, bought)));
  expect(new Set(born.map((one) => one.tenant)).size).toBe(1);
  expect(born.every((one) => one.isOwn)).toBe(true);
  expect(await count('notifications', born[0]?.tenant ?? '')).toBe(1);
});

test('I6 twenty at once for one customer under twenty keys make one tenant, and one of them owns it', async () => {
  const bought = purchase();
  const born = await Promise.all(Array.from({ length: 20 }, () => provision(newId('key'), bought)));
  expect(new Set(born.map((one) => one.tenant)).size).toBe(1);
  expect(born.filter((one) => one.isOwn)).toHaveLength(1);
  expect(await count('tenant_invitations', born[0]?.tenant ?? '')).toBe(1);
});

test('a customer that belongs to a tenant already leads to it, as not its own', async () => {
  const { tenant, customer } = await rows.tenantWithCustomer({ initial_license_count: 4 });
  expect(
    await provision(newId('key'), purchase({ stripe_customer_id: customer, initial_license_count: 9 })),
  ).toEqual({
    tenant,
    licensedUserCount: 4,
    isOwn: false,
  });
});

test('one e-mail with two customers makes two tenants', async () => {
  const [one, two] = await Promise.all([
    provision(newId('key'), purchase()),
    provision(newId('key'), purchase()),
  ]);
  expect(one.tenant).not.toBe(two.tenant);
});

test('a purchase without a customer makes a tenant without one', async () => {
  const { tenant } = await provision(newId('key'), purchase({ stripe_customer_id: undefined }));
  expect(await count('stripe_customers', tenant)).toBe(0);
  expect(await tenantExists(database, tenant)).toBe(true);
});

test('a corrected e-mail reaches tenant, invitation and the mail that waits', async () => {
  const { tenant } = await rows.tenantWithCustomer();
  await pool.query("update notifications set status = 'failed', last_error = 'x' where tenant = $1", [
    tenant,
  ]);
  await correct({ tenant, email: 'grace@example.com' });
  const { rows: found } = await pool.query(
    'select t.email, i.email as invited, n.recipient, n.status, n.last_error from tenants t join tenant_invitations i using (tenant) join notifications n using (tenant) where tenant = $1',
    [tenant],
  );
  const email = 'grace@example.com';
  expect(found).toEqual([{ email, invited: email, recipient: email, status: 'queued', last_error: null }]);
});

test('I11 a mail that was sent is not queued again by a correction', async () => {
  const { tenant } = await rows.tenantWithCustomer();
  await pool.query("update notifications set status = 'sent' where tenant = $1", [tenant]);
  await correct({ tenant, email: 'grace@example.com' });
  const { rows: found } = await pool.query('select recipient, status from notifications where tenant = $1', [
    tenant,
  ]);
  expect(found).toEqual([{ recipient: 'ada@example.com', status: 'sent' }]);
});

const insertSubscription = (tenant: string) => ({
  text: `insert into stripe_subscriptions (tenant, stripe_subscription_external_id, stripe_customer_id, status,
           cancel_at_period_end, stripe_created_at)
         select tenant, $2, stripe_customer_id, 'canceled', false, now() from stripe_customers where tenant = $1`,
  values: [tenant, newId('sub')],
});

test('I5 the count can be corrected until a subscription is known, whatever its status, and not after', async () => {
  const { tenant } = await rows.tenantWithCustomer({ initial_license_count: 5 });
  await correct({ tenant, initialLicenseCount: 7 });
  expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: 7 });
  await pool.query(insertSubscription(tenant));
  await correct({ tenant, initialLicenseCount: 8 });
  expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: 7 });
});

test('I5 a correction that waited for the first subscription’s transaction does not overwrite its count', async () => {
  const { tenant } = await rows.tenantWithCustomer();
  const sync = await pool.connect();
  try {
    await sync.query('begin');
    await sync.query('select from tenants where tenant = $1 for update', [tenant]);
    await sync.query(insertSubscription(tenant));
    await sync.query('update tenants set licensed_user_count = 25 where tenant = $1', [tenant]);
    const correction = correct({ tenant, initialLicenseCount: 3 });
    await rows.someoneWaits();
    await sync.query('commit');
    await correction;
  } finally {
    sync.release();
  }
  expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: 25 });
});
