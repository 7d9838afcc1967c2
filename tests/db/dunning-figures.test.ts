import { sql } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { settleAccess } from '../../db/access.ts';
import { dunningFigureQueries, dunningFigures } from '../../db/dunning-figures.ts';
import { keepPolicy } from '../../db/dunning-policies.ts';
import { DUNNING_OUTCOMES } from '../../domain/dunning.ts';
import { useDatabase } from '../database.ts';
import { billingRows, DUNNING_POLICY, newId } from './billing-rows.ts';

type InvoiceRow = { status: string; unpaid: boolean; currency?: string; remaining?: number };
type CaseRow = {
  state?: string;
  access?: string;
  outcome?: string | null;
  excluded?: string[];
  paused?: boolean;
  unreachable?: boolean;
};

/** A database of its own, because the figures are of all that is in one. */
async function world() {
  const { database, pool } = await useDatabase();
  const rows = billingRows({ database, pool });
  const policy = await database.transaction((transaction) => keepPolicy(transaction, DUNNING_POLICY));
  return {
    database,
    pool,
    figures: () => dunningFigures(database),
    /** A tenant whose one subscription is live. */
    owner: () => rows.tenantWithSubscription(),
    async invoice(owner: { tenant: string; subscription: string }, invoice: InvoiceRow): Promise<string> {
      const id = newId('in');
      await pool.query(
        `insert into stripe_invoices (tenant, stripe_invoice_external_id, stripe_customer_id, stripe_subscription_id, status,
           collection_method, currency, amount_due, amount_paid, amount_remaining, attempt_count, unpaid_since, stripe_created_at)
         select tenant, $2, stripe_customer_id, stripe_subscription_id, $3, 'charge_automatically', $4, $5::bigint, 0, $5, 1,
           case when $6 then now() end, now()
         from stripe_subscriptions where stripe_subscription_external_id = $1`,
        [
          owner.subscription,
          id,
          invoice.status,
          invoice.currency ?? 'usd',
          invoice.remaining ?? 4_900,
          invoice.unpaid,
        ],
      );
      return id;
    },
    async dunned(owner: { subscription: string }, anchor: string, row: CaseRow = {}): Promise<string> {
      const { rows: made } = await pool.query(
        `insert into dunning_cases (tenant, stripe_subscription_id, stripe_subscription_external_id, dunning_policy_id, state,
           access, anchor_invoice, excluded_invoices, paused_until, is_unreachable, outcome, attention_due_at, opened_at, closed_at)
         select tenant, stripe_subscription_id, stripe_subscription_external_id, $2, $3, $4, $5, $6,
           case when $7 then now() + interval '1 day' end, $8, $9, now(), now(), case when $9::text is not null then now() end
         from stripe_subscriptions where stripe_subscription_external_id = $1
         returning dunning_case_id as id`,
        [
          owner.subscription,
          policy,
          row.state ?? 'retrying',
          row.access ?? 'active',
          anchor,
          row.excluded ?? [],
          row.paused ?? false,
          row.unreachable ?? false,
          row.outcome ?? null,
        ],
      );
      return made[0].id;
    },
    async mail(owner: { tenant: string }, status: string, dunningCaseId: string | null): Promise<void> {
      await pool.query(
        `insert into notifications (tenant, dedupe_key, kind, recipient, status, dunning_case_id, created_at)
         values ($1, $2, 'reminder', 'ada@example.com', $3, $4, now() - interval '1 hour')`,
        [owner.tenant, newId('key'), status, dunningCaseId],
      );
    },
    setAccess: (tenant: string, access: string) =>
      pool.query('update tenants set access_state = $2 where tenant = $1', [tenant, access]),
    settle: (tenant: string) =>
      database.transaction(async (transaction) => (await settleAccess(transaction, [tenant])).get(tenant)),
  };
}

test('nothing is zero, not missing', async () => {
  const { figures } = await world();
  expect(await figures()).toEqual({
    openCases: [],
    atRisk: [],
    unreachable: 0,
    restrictedWithoutDebt: 0,
    mails: { waiting: 0, oldestMs: 0 },
  });
});

test('cases that are open count by state, and what they follow by currency; what is excluded, paid or over does not', async () => {
  const { figures, owner, invoice, dunned } = await world();
  const [first, second, third, over] = await Promise.all([owner(), owner(), owner(), owner()]);
  await dunned(first, await invoice(first, { status: 'open', unpaid: true, remaining: 100 }));
  await invoice(first, { status: 'open', unpaid: true, remaining: 20 });
  await invoice(first, { status: 'paid', unpaid: false, remaining: 0 });
  const excluded = await invoice(second, { status: 'open', unpaid: true, remaining: 7_000 });
  const followed = await invoice(second, { status: 'open', unpaid: true, remaining: 3, currency: 'eur' });
  await dunned(second, followed, { excluded: [excluded], unreachable: true });
  await dunned(third, await invoice(third, { status: 'open', unpaid: true }), { state: 'suspended' });
  await dunned(over, await invoice(over, { status: 'open', unpaid: true }), { outcome: 'excluded' });
  const { openCases, atRisk, unreachable } = await figures();
  expect(openCases.sort((a, b) => a.state.localeCompare(b.state))).toEqual([
    { state: 'retrying', cases: 2 },
    { state: 'suspended', cases: 1 },
  ]);
  expect(atRisk.sort((a, b) => a.currency.localeCompare(b.currency))).toEqual([
    { currency: 'eur', minor: 3 },
    { currency: 'usd', minor: 5_020 },
  ]);
  expect(unreachable).toBe(1);
});

test('mails that wait count with their age, those of paused cases and those that are settled do not', async () => {
  const { figures, owner, invoice, dunned, mail } = await world();
  const tenant = await owner();
  const other = await owner();
  // Each tenant has an invitation in the outbox that waits.
  const before = (await figures()).mails.waiting;
  const running = await dunned(tenant, await invoice(tenant, { status: 'open', unpaid: true }));
  const paused = await dunned(other, await invoice(other, { status: 'open', unpaid: true }), {
    paused: true,
  });
  await mail(tenant, 'queued', null);
  await mail(tenant, 'queued', running);
  await mail(other, 'queued', paused);
  for (const status of ['sent', 'failed', 'suppressed']) await mail(tenant, status, running);
  const { mails } = await figures();
  expect(mails.waiting - before).toBe(2);
  expect(mails.oldestMs).toBeGreaterThanOrEqual(3_600_000);
  expect(mails.oldestMs).toBeLessThan(3_700_000);
});

const INVOICES: InvoiceRow[] = [
  { status: 'open', unpaid: true },
  { status: 'open', unpaid: false },
  { status: 'paid', unpaid: false },
  { status: 'void', unpaid: false },
  { status: 'uncollectible', unpaid: false },
];

test('I11 nobody counts as restricted without debt whose access was settled, whatever invoice and case they have', async () => {
  const { figures, owner, invoice, dunned, settle } = await world();
  const states = new Set<string | undefined>();
  for (const access of ['restricted', 'suspended']) {
    for (const outcome of [null, ...DUNNING_OUTCOMES]) {
      for (const kind of INVOICES) {
        const tenant = await owner();
        await dunned(tenant, await invoice(tenant, kind), { access, outcome });
        states.add(await settle(tenant.tenant));
      }
    }
  }
  expect([...states].sort()).toEqual(['active', 'restricted', 'suspended']);
  expect((await figures()).restrictedWithoutDebt).toBe(0);
});

test('I11 a restriction that nothing unpaid is behind shows at once', async () => {
  const { figures, owner, invoice, dunned, settle, setAccess, pool } = await world();
  const without = async () => (await figures()).restrictedWithoutDebt;
  const [owes, paid, writtenOff, never] = await Promise.all([owner(), owner(), owner(), owner()]);
  await dunned(owes, await invoice(owes, { status: 'open', unpaid: true }), { access: 'restricted' });
  expect(await settle(owes.tenant)).toBe('restricted');
  await dunned(paid, await invoice(paid, { status: 'paid', unpaid: false }), { access: 'restricted' });
  const given = await invoice(writtenOff, { status: 'uncollectible', unpaid: false });
  await dunned(writtenOff, given, { access: 'suspended', outcome: 'written_off' });
  expect(await settle(writtenOff.tenant)).toBe('suspended');
  expect(await without()).toBe(0);
  await setAccess(paid.tenant, 'restricted');
  expect(await without()).toBe(1);
  await setAccess(never.tenant, 'suspended');
  expect(await without()).toBe(2);
  // Paid after all, and access was not given back.
  await pool.query("update stripe_invoices set status = 'paid' where stripe_invoice_external_id = $1", [
    given,
  ]);
  expect(await without()).toBe(3);
  await setAccess(paid.tenant, 'canceled');
  expect(await without()).toBe(2);
});

/** As many rows as years bring, a hundredth of which is under way. */
const YEARS = `
  insert into tenants (tenant, client_name, email, access_state)
    select md5('t' || n)::uuid, 'x', 'x', case n % 100 when 0 then 'restricted' else 'active' end from generate_series(1, 20000) n;
  insert into stripe_customers (tenant, stripe_customer_id, stripe_customer_external_id, billing_tenant)
    select md5('t' || n)::uuid, md5('c' || n)::uuid, 'cus_' || n, md5('t1')::uuid from generate_series(1, 20000) n;
  insert into stripe_subscriptions (tenant, stripe_subscription_id, stripe_subscription_external_id, stripe_customer_id, status,
      cancel_at_period_end, stripe_created_at)
    select md5('t' || n)::uuid, md5('s' || n)::uuid, 'sub_' || n, md5('c' || n)::uuid, 'active', false, now()
    from generate_series(1, 20000) n;
  insert into stripe_invoices (tenant, stripe_invoice_external_id, stripe_customer_id, stripe_subscription_id, status,
      collection_method, currency, amount_due, amount_paid, amount_remaining, attempt_count, unpaid_since, stripe_created_at)
    select md5('t' || n)::uuid, 'in_' || n || '_' || m, md5('c' || n)::uuid, md5('s' || n)::uuid,
      case when n % 100 = 0 and m = 1 then 'open' else 'paid' end, 'charge_automatically', 'usd', 1, 0, 1, 1,
      case when n % 100 = 0 and m = 1 then now() end, now()
    from generate_series(1, 20000) n, generate_series(1, 3) m;
  insert into dunning_cases (tenant, stripe_subscription_id, stripe_subscription_external_id, dunning_policy_id, anchor_invoice,
      attention_due_at, opened_at, closed_at, outcome)
    select md5('t' || n)::uuid, md5('s' || n)::uuid, 'sub_' || n, (select dunning_policy_id from dunning_policies), 'in_' || n || '_1',
      now(), now(), case when n % 100 = 0 then null else now() end, case when n % 100 = 0 then null else 'recovered' end
    from generate_series(1, 20000) n;
  insert into notifications (tenant, dedupe_key, kind, recipient, status)
    select md5('t' || n)::uuid, 'key_' || n || '_' || m, 'reminder', 'x', case when n % 200 = 0 and m = 1 then 'queued' else 'sent' end
    from generate_series(1, 20000) n, generate_series(1, 3) m;`;

test('the figures are read by indexes of what is under way, however much is over', async () => {
  const { database, pool, figures } = await world();
  await pool.query(YEARS);
  for (const table of ['tenants', 'stripe_invoices', 'dunning_cases', 'notifications'])
    await pool.query(`vacuum analyze ${table}`);
  const partial = {
    openCases: /dunning_cases_(attention|one_open_per_subscription)/,
    atRisk: /stripe_invoices_unpaid/,
    restrictedWithoutDebt: /tenants_withheld/,
    mails: /notifications_queued/,
  };
  for (const [figure, query] of Object.entries(dunningFigureQueries())) {
    const { rows } = await database.execute(sql`explain (format json) ${query}`);
    const plan = JSON.stringify(rows);
    expect(plan, figure).toMatch(partial[figure as keyof typeof partial]);
    expect(plan, figure).not.toContain('Seq Scan');
  }
  expect(await figures()).toMatchObject({
    openCases: [{ state: 'retrying', cases: 200 }],
    atRisk: [{ currency: 'usd', minor: 200 }],
    restrictedWithoutDebt: 0,
    mails: { waiting: 100 },
  });
});
