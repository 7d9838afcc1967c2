import { eq, sql } from 'drizzle-orm';
import { type AccessState, accessState } from '../domain/access-state.ts';
import type { CaseAccess } from '../domain/dunning.ts';
import { LIVE_STATUSES, type SubscriptionStatus } from '../domain/subscription.ts';
import type { Database, Transaction } from './connect.ts';
import { dunningCases, stripeInvoices, stripeSubscriptions, tenants } from './schema.ts';

/**
 * Sets what tenants may do from all their subscriptions and dunning cases; their rows are locked by the caller, so that two
 * writers can't each decide without the other. Payment restores access here, in the transaction that sees it, and need not
 * wait for the case's workflow.
 *
 * @returns each tenant's state as it stands now
 */
export async function settleAccess(
  transaction: Transaction,
  owners: readonly string[],
): Promise<ReadonlyMap<string, AccessState>> {
  const due = await dueAccess(transaction, owners);
  for (const { tenant, state, reason } of due.filter((each) => each.state !== each.held)) {
    await transaction
      .update(tenants)
      .set({
        accessState: state,
        updatedAt: sql`now()`,
        suspendedAt: state === 'active' ? null : sql`now()`,
        suspendedReason: reason,
      })
      .where(eq(tenants.tenant, tenant));
  }
  return new Map(due.map(({ tenant, state }) => [tenant, state]));
}

/** What a tenant may do: as its row says (`held`), and as its subscriptions and cases say (`state`). */
export type DueAccess = { tenant: string; held: AccessState; state: AccessState; reason: string | null };

export async function dueAccess(
  database: Database | Transaction,
  owners: readonly string[],
): Promise<DueAccess[]> {
  const { rows } = await database.execute<{
    tenant: string;
    held: AccessState;
    statuses: SubscriptionStatus[];
  }>(sql`
    select t.tenant, t.access_state as held, array(
      select s.status from ${stripeSubscriptions} s where s.tenant = t.tenant
    ) as statuses
    from ${tenants} t where t.tenant = any(${sql.param([...owners])}::uuid[])`);
  const cases = await accessOfCases(database, owners);
  return rows.map(({ tenant, held, statuses }) => {
    const own = cases.filter((dunned) => dunned.tenant === tenant);
    const state = accessState(
      statuses,
      own.map((dunned) => dunned.access),
    );
    return { tenant, held, state, reason: reasonOf(state, own) };
  });
}

type WithholdingCase = {
  tenant: string;
  access: CaseAccess;
  anchorInvoice: string | null;
  stage: string | null;
};

function reasonOf(state: AccessState, cases: readonly WithholdingCase[]): string | null {
  if (state === 'active') return null;
  if (state === 'canceled') return 'no subscription is live';
  const withholding = cases.find((dunned) => dunned.access === state);
  return `${withholding?.anchorInvoice} is not paid, stage ${withholding?.stage}`;
}

/**
 * What cases withhold: open ones for as long as something is unpaid that isn't excluded, and those that were written off,
 * until it is paid after all or a newer subscription lives. Billing sync may see before the case that its invoice was
 * marked uncollectible, by a stage of ours or by Stripe's own settings. It is not unpaid then, but its case will close as
 * written off and keep what is withheld, so this counts for it already; not where an operator let it go.
 */
async function accessOfCases(
  database: Database | Transaction,
  owners: readonly string[],
): Promise<WithholdingCase[]> {
  const live = sql.param([...LIVE_STATUSES]);
  const { rows } = await database.execute<WithholdingCase>(sql`
    select c.tenant, c.access, c.anchor_invoice as "anchorInvoice", c.stage from ${dunningCases} c
    join ${stripeSubscriptions} s on s.tenant = c.tenant and s.stripe_subscription_id = c.stripe_subscription_id
    where c.tenant = any(${sql.param([...owners])}::uuid[]) and c.access <> 'active' and s.status = any(${live}::text[])
      and case when c.closed_at is null then exists (
        select 1 from ${stripeInvoices} i
        where i.tenant = c.tenant and i.stripe_subscription_id = c.stripe_subscription_id
          and i.unpaid_since is not null and i.stripe_invoice_external_id <> all(c.excluded_invoices)
      ) or c.write_off_requested_at is null and c.anchor_invoice <> all(c.excluded_invoices) and exists (
        select 1 from ${stripeInvoices} i
        where i.tenant = c.tenant and i.stripe_invoice_external_id = c.anchor_invoice and i.status = 'uncollectible'
      ) else c.outcome = 'written_off' and exists (
        select 1 from ${stripeInvoices} i
        where i.tenant = c.tenant and i.stripe_invoice_external_id = c.anchor_invoice and i.status in ('open', 'uncollectible')
      ) and not exists (
        select 1 from ${stripeSubscriptions} newer
        where newer.tenant = c.tenant and newer.status = any(${live}::text[]) and newer.stripe_created_at > c.closed_at
      ) end`);
  return rows;
}
