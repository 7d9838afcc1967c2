import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { recordCommand } from '../../db/audit-log.ts';
import { insertWebhookEvents } from '../../db/inbox.ts';
import { MASTER_BILLING_TENANT_ID as MASTER, useDatabase } from '../database.ts';
import { at, billingRows, event, newId } from './billing-rows.ts';

const { database, pool } = await useDatabase();
const rows = billingRows({ database, pool });

/** The constraint (or message) by which Postgres refuses a statement. */
async function refusalOf(text: string, values: unknown[] = []): Promise<string> {
  try {
    await pool.query(text, values);
  } catch (error) {
    if (error instanceof pg.DatabaseError) return error.constraint ?? error.message;
    throw error;
  }
  return 'accepted';
}

const insertEvent = (status: string, reason: string | null, subject: string | null) =>
  refusalOf(
    `insert into stripe_webhook_events (stripe_event_id, event_type, payload, status, status_reason, subject)
     values ($1, 'x', '{}', $2, $3, $4)`,
    [newId('evt'), status, reason, subject],
  );

describe('an event’s row', () => {
  test.each([
    ['received', null, 'cus_1', 'accepted'],
    ['processed', null, null, 'accepted'],
    ['ignored', 'event_type', null, 'accepted'],
    ['received', null, null, 'stripe_webhook_events_received_has_subject'],
    ['received', 'event_type', 'cus_1', 'stripe_webhook_events_reason_where_needed'],
    ['processed', 'event_type', 'cus_1', 'stripe_webhook_events_reason_where_needed'],
    ['ignored', null, 'cus_1', 'stripe_webhook_events_reason_where_needed'],
    ['parked', null, 'cus_1', 'stripe_webhook_events_reason_where_needed'],
    ['failed', null, 'cus_1', 'stripe_webhook_events_reason_where_needed'],
    ['lost', null, 'cus_1', 'stripe_webhook_events_status_known'],
  ])('I3 status %s with reason %j and subject %j: %s', async (status, reason, subject, outcome) => {
    expect(await insertEvent(status, reason, subject)).toBe(outcome);
  });

  test('I2 an event id is stored once, whatever happened to its row', async () => {
    const [id] = await rows.receive(event());
    await pool.query("update stripe_webhook_events set status = 'processed' where stripe_event_id = $1", [
      id,
    ]);
    expect(
      await refusalOf(
        "insert into stripe_webhook_events (stripe_event_id, event_type, payload, status) values ($1, 'x', '{}', 'processed')",
        [id],
      ),
    ).toBe('stripe_webhook_events_stripe_event_id_unique');
  });

  test('a tenant that does not exist is refused', async () => {
    const [id] = await rows.receive(event());
    const nobody = '00000000-0000-4000-8000-00000000dead';
    expect(
      await refusalOf('update stripe_webhook_events set tenant = $2 where stripe_event_id = $1', [
        id,
        nobody,
      ]),
    ).toMatch(/tenant/);
  });
});

describe('I6 a tenant and its customers', () => {
  const insertTenant = (column: string, value: unknown) =>
    refusalOf(`insert into tenants (client_name, email, ${column}) values ('x', 'x@y', $1)`, [value]);

  test.each([
    ['licensed_user_count', 0, 'accepted'],
    ['licensed_user_count', null, 'accepted'],
    ['licensed_user_count', -1, 'tenants_licensed_user_count_not_negative'],
    ['access_state', 'banned', 'tenants_access_state_known'],
  ])('%s = %j: %s', async (column, value, outcome) => {
    expect(await insertTenant(column, value)).toBe(outcome);
  });

  test('two tenants never have one provisioning key', async () => {
    const key = newId('key');
    expect(await insertTenant('provisioning_key', key)).toBe('accepted');
    expect(await insertTenant('provisioning_key', key)).toBe('tenants_provisioning_key_unique');
  });

  test('one Stripe customer never belongs to two tenants', async () => {
    const { customer } = await rows.tenantWithCustomer();
    const other = await rows.tenantWithCustomer();
    expect(
      await refusalOf(
        'insert into stripe_customers (tenant, stripe_customer_external_id, billing_tenant) values ($1, $2, $3)',
        [other.tenant, customer, MASTER],
      ),
    ).toBe('stripe_customers_external_id_unique');
  });

  test('a tenant with billing can’t be deleted', async () => {
    const { tenant } = await rows.tenantWithCustomer();
    expect(await refusalOf('delete from tenants where tenant = $1', [tenant])).not.toBe('accepted');
  });
});

describe('a subscription’s row', () => {
  async function insertSubscription(overrides: {
    tenant?: string;
    status?: string;
    quantity?: number;
    id?: string;
  }) {
    const owner = await rows.tenantWithCustomer();
    return refusalOf(
      `insert into stripe_subscriptions (tenant, stripe_subscription_external_id, stripe_customer_id, status, quantity,
         cancel_at_period_end, stripe_created_at)
       select $1, $2, stripe_customer_id, $3, $4, false, now() from stripe_customers where tenant = $5`,
      [
        overrides.tenant ?? owner.tenant,
        overrides.id ?? newId('sub'),
        overrides.status ?? 'active',
        overrides.quantity ?? 1,
        owner.tenant,
      ],
    );
  }
  test('every part of it is guarded', async () => {
    const id = newId('sub');
    expect(await insertSubscription({ id })).toBe('accepted');
    expect(await insertSubscription({ id })).toBe('stripe_subscriptions_external_id_unique');
    expect(await insertSubscription({ status: 'frozen' })).toBe('stripe_subscriptions_status_known');
    expect(await insertSubscription({ quantity: -1 })).toBe('stripe_subscriptions_quantity_not_negative');
    expect(await insertSubscription({ tenant: MASTER })).toBe('stripe_subscriptions_customer_fk');
  });
});

test('a token’s hash never stands without its expiry', async () => {
  const { tenant } = await rows.tenantWithCustomer();
  expect(
    await refusalOf("update tenant_invitations set token_hash = '\\x00' where tenant = $1", [tenant]),
  ).toBe('tenant_invitations_token_expires');
});

describe('the audit log', () => {
  const entry = (commandKey: string, reason = 'because') => ({
    tenant: null,
    commandKey,
    actor: 'grace',
    action: 'retry create_tenant',
    subject: 'create-tenant-cus_1',
    reason,
  });

  test('takes a command once and keeps the first', async () => {
    const key = newId('command');
    await Promise.all([1, 2, 3].map(() => recordCommand(database, entry(key))));
    await recordCommand(database, entry(key, 'another reason'));
    const { rows: found } = await pool.query('select reason from audit_log where command_key = $1', [key]);
    expect(found).toEqual([{ reason: 'because' }]);
  });

  test('is append-only: neither changed nor emptied', async () => {
    const key = newId('command');
    await recordCommand(database, entry(key));
    const refused = 'audit_log is append-only';
    expect(await refusalOf("update audit_log set reason = 'x' where command_key = $1", [key])).toBe(refused);
    expect(await refusalOf('delete from audit_log where command_key = $1', [key])).toBe(refused);
    expect(await refusalOf('truncate audit_log')).toBe(refused);
  });
});

test('the inbox keeps what jsonb would refuse, to the letter', async () => {
  const made = event({ eventCreatedAt: at(0) });
  const payload = '{ "b":1,  "a":"\\u0000\\ud800", "a":2 }';
  expect(
    await insertWebhookEvents(pool, [
      { ...made, payload },
      { ...made, payload: '{}' },
    ]),
  ).toEqual(['stored', 'duplicate']);
  const { rows: found } = await pool.query(
    'select payload::text, event_created_at from stripe_webhook_events where stripe_event_id = $1',
    [made.stripeEventId],
  );
  expect(found).toEqual([{ payload, event_created_at: at(0) }]);
});
