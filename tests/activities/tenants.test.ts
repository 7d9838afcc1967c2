import { describe, expect, test } from 'vitest';
import { stripeCustomerIdSchema, stripeSubscriptionIdSchema } from '../../domain/ids.ts';
import { useDatabase } from '../database.ts';
import { billingRows, newId, purchase } from '../db/billing-rows.ts';
import { useStripe } from '../stripe/stripe-simulator.ts';
import { activityWorld, dump } from './activity-world.ts';

const { database, pool } = await useDatabase();
const rows = billingRows({ database, pool });
const { stripe, control, customer, price, subscription, requestsSince } = await useStripe();
const world = activityWorld({ database, stripe });

test('I6 created again by a retry, the tenant is the same and all that follows from it', async () => {
  const options = {
    provisioning_key: newId('create-tenant'),
    purchase: purchase({ initial_license_count: 2 }),
  };
  const first = await world.run(world.createTenant, options);
  expect(first).toMatchObject({ licensed_user_count: 2, is_own: true, app_url: 'https://app.example.com' });
  expect(await world.run(world.createTenant, options, 2)).toEqual(first);
});

describe('a purchase is verified before anything is written', () => {
  const verify = (id: string, bought?: string) =>
    world.run(world.verifyPurchase, {
      customer: stripeCustomerIdSchema.parse(id),
      ...(bought !== undefined && { subscription: stripeSubscriptionIdSchema.parse(bought) }),
    });

  test('a customer that is unknown or deleted, and another’s subscription, end it by name', async () => {
    const [one, two] = [await customer(), await customer()];
    const bought = await subscription(one.id, [{ price: (await price()).id, quantity: 1 }]);
    await requestsSince();
    await expect(verify(newId('cus'))).rejects.toMatchObject({ name: 'CustomerNotFound' });
    await expect(verify(two.id, bought.id)).rejects.toMatchObject({ name: 'SubscriptionOfAnotherCustomer' });
    await expect(verify(one.id, bought.id)).resolves.toBeUndefined();
    await expect(verify(one.id)).resolves.toBeUndefined();
    expect((await requestsSince()).every((request) => request.startsWith('GET '))).toBe(true);
    await stripe.customers.del(two.id);
    await expect(verify(two.id)).rejects.toMatchObject({ name: 'CustomerDeleted' });
  });

  test('I6 a subscription that Stripe does not know is let through: the customer paid', async () => {
    await expect(verify((await customer()).id, 'sub_unknown')).resolves.toBeUndefined();
  });
});

describe('tags in Stripe', () => {
  const writesTo = async (id: string) =>
    (await control.requests()).filter(
      (request) => request.method === 'POST' && request.path.endsWith(`/${id}`),
    );

  test('I7 a customer is tagged under a key made of workflow, step and customer, on every attempt the same', async () => {
    const id = stripeCustomerIdSchema.parse((await customer()).id);
    const tag = {
      customer: id,
      tenant: newId('tenant'),
      app_url: 'https://app.example.com',
      key: 'create-tenant-x/tag',
    };
    await control.injectFault({ kind: 'rate_limit', method: 'POST', path: `/v1/customers/${id}` });
    await expect(world.run(world.tagCustomer, tag)).rejects.toMatchObject({ name: 'StripeRateLimited' });
    await world.run(world.tagCustomer, tag, 2);
    const writes = await writesTo(id);
    expect(writes.map((write) => write.idempotencyKey)).toEqual(Array(2).fill(`create-tenant-x/tag/${id}`));
    expect(await stripe.customers.retrieve(id)).toMatchObject({
      metadata: { tenant_id: tag.tenant, algapsa_url: 'https://app.example.com', onboarded: 'true' },
    });
  });

  test('I7 a workflow id of any length makes a key that Stripe takes, the same each time', async () => {
    const id = stripeCustomerIdSchema.parse((await customer()).id);
    const tag = { customer: id, tenant: 't', app_url: 'https://a', key: 'x'.repeat(1_000) };
    await control.injectFault({ kind: 'rate_limit', method: 'POST', path: `/v1/customers/${id}` });
    await expect(world.run(world.tagCustomer, tag)).rejects.toThrow();
    await world.run(world.tagCustomer, tag, 2);
    const keys = (await writesTo(id)).map((write) => write.idempotencyKey ?? '');
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]?.length).toBeLessThanOrEqual(250);
  });

  test('I7 of several subscriptions only those are written that have no tag yet', async () => {
    const id = (await customer()).id;
    const pro = await price();
    const [one, two] = [
      await subscription(id, [{ price: pro.id, quantity: 1 }]),
      await subscription(id, [{ price: pro.id, quantity: 2 }]),
    ];
    const tag = { subscriptions: [one.id, two.id], tenant: 'tenant-1', key: 'create-tenant-y/tag' };
    await control.injectFault({ kind: 'rate_limit', method: 'POST', path: `/v1/subscriptions/${two.id}` });
    await expect(world.run(world.tagSubscriptions, tag)).rejects.toThrow();
    await world.run(world.tagSubscriptions, tag, 2);
    expect(await writesTo(one.id)).toHaveLength(1);
    expect((await stripe.subscriptions.retrieve(two.id)).metadata).toEqual({ tenant_id: 'tenant-1' });
  });
});

describe('an operator’s command', () => {
  const command = (tenant: string, overrides: object = {}) => ({
    tenant,
    workflow_id: `create-tenant-${newId('cus')}`,
    command_id: newId('update'),
    action: 'amend' as const,
    step: 'import_subscription',
    actor: 'grace',
    reason: 'the store sent the wrong one',
    ...overrides,
  });
  const auditOf = async (workflowId: string) =>
    (
      await pool.query('select actor, action, reason, detail, tenant from audit_log where subject = $1', [
        workflowId,
      ])
    ).rows;

  test('is recorded once however often it is tried, with its correction in the same transaction', async () => {
    const { tenant } = await rows.tenantWithCustomer();
    const amend = command(tenant, { correction: { initial_license_count: 4 } });
    await world.run(world.recordOperatorAction, amend);
    await world.run(world.recordOperatorAction, amend, 2);
    expect(await auditOf(amend.workflow_id)).toEqual([
      {
        actor: 'grace',
        action: 'amend import_subscription',
        reason: 'the store sent the wrong one',
        detail: { initial_license_count: 4 },
        tenant,
      },
    ]);
    expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: 4 });
  });

  test('I9 a corrected e-mail is told, but the address stands in the tenant’s rows alone', async () => {
    const { tenant } = await rows.tenantWithCustomer();
    const amend = command(tenant, { correction: { email: 'secret.person@example.com' } });
    await world.run(world.recordOperatorAction, amend);
    expect(await auditOf(amend.workflow_id)).toMatchObject([{ detail: { email: 'corrected' } }]);
    expect(await dump(pool, ['audit_log'])).not.toContain('secret.person');
    expect(await rows.tenantRow(tenant)).toMatchObject({ email: 'secret.person@example.com' });
  });

  test('whose correction the database refuses leaves no record', async () => {
    const { tenant } = await rows.tenantWithCustomer();
    const amend = command(tenant, { correction: { initial_license_count: -1 } });
    await expect(world.run(world.recordOperatorAction, amend)).rejects.toThrow();
    expect(await auditOf(amend.workflow_id)).toEqual([]);
  });
});
