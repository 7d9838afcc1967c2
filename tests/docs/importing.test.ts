import { expect, test } from 'vitest';
import { applySnapshot, linkCustomer } from '../../db/billing-projection.ts';
import { CONFLICT_REASONS, LEFT_REASONS } from '../../domain/customer-match.ts';
import { stripeCustomerIdSchema } from '../../domain/ids.ts';
import { MASTER_BILLING_TENANT_ID, useDatabase } from '../database.ts';
import { at, billingRows, DUNNING_POLICY, newId, snapshot, subscription } from '../db/billing-rows.ts';
import { inlineCode, readText, section, tableRows } from './documents.ts';

test('every reason of a plan is explained, conflicts as conflicts', () => {
  const rows = tableRows(section(readText('docs/importing.md'), '## Whose a customer is'));
  expect(rows.map(([reason = '', outcome]) => [inlineCode(reason)[0], outcome])).toEqual([
    ...CONFLICT_REASONS.map((reason) => [reason, 'conflict']),
    ...LEFT_REASONS.map((reason) => [reason, 'left']),
  ]);
});

test('the way back removes what an import wrote, and nothing else', async () => {
  const { database, pool } = await useDatabase();
  const rows = billingRows({ database, pool });
  const bring = async (tenant: string) => {
    const customer = stripeCustomerIdSchema.parse(newId('cus'));
    await linkCustomer(database, {
      customer,
      tenant,
      billingTenant: MASTER_BILLING_TENANT_ID,
      email: null,
      name: null,
      now: new Date(),
    });
    await applySnapshot(database, {
      snapshot: snapshot(customer, {
        subscriptions: [subscription({ customerId: customer, status: 'canceled' })],
      }),
      verdicts: [],
      licensePrices: 'any',
      billingTenant: MASTER_BILLING_TENANT_ID,
      dunningPolicy: DUNNING_POLICY,
      now: at(0),
    });
  };
  const newTenant = async () => {
    const { rows: made } = await pool.query(
      `insert into tenants (client_name, email) values ('Tenant', 'a@example.com') returning tenant`,
    );
    return String(made[0].tenant);
  };
  const all = async () => {
    const tables = ['tenants', 'stripe_customers', 'stripe_subscriptions', 'stripe_subscription_items'];
    const texts: string[] = [];
    for (const table of tables) {
      const found = await pool.query(
        `select (to_jsonb(t) - 'updated_at')::text as text from ${table} t order by 1`,
      );
      texts.push(...found.rows.map(({ text }) => text));
    }
    return texts;
  };
  const [imported, before] = [await newTenant(), await newTenant()];
  await bring(before);
  const untouched = await all();
  await pool.query(readText('docs/examples/before-import.sql'));
  await bring(imported);
  expect(await rows.tenantRow(imported)).toMatchObject({ licensed_user_count: 0, access_state: 'canceled' });
  await pool.query(readText('docs/examples/undo-import.sql'));
  expect(await all()).toEqual(untouched);
});
