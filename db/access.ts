import { eq, sql } from 'drizzle-orm';
import { type AccessState, accessState } from '../domain/access-state.ts';
import type { CaseAccess } from '../domain/dunning.ts';
import { LIVE_STATUSES } from '../domain/subscription.ts';
import type { Transaction } from './connect.ts';
import { dunningCases, stripeInvoices, stripeSubscriptions, tenants } from './schema.ts';

/**
 * Sets what a tenant may do from all its subscriptions and dunning cases; its row is locked by the caller, so that two
 * writers can't each decide without the other. Payment restores access here, in the transaction that sees it, and need not
 * wait for the case's workflow.
 *
 * @returns the state as it stands now
 */
export async function settleAccess(transaction: Transaction, tenant: string): Promise<AccessState> {
  const statuses = await transaction
    .select({ status: stripeSubscriptions.status })
    .from(stripeSubscriptions)
    .where(eq(stripeSubscriptions.tenant, tenant));
  const cases = await accessOfCases(transaction, tenant);
  const state = accessState(
    statuses.map((subscription) => subscription.status),
    cases.map((dunned) => dunned.access),
  );
  await transaction
    .update(tenants)
    .set({
      accessState: state,
      updatedAt: sql`now()`,
      suspendedAt: state === 'active' ? null : sql`now()`,
      suspendedReason: reasonOf(state, cases),
    })
    .where(sql`${eq(tenants.tenant, tenant)} and ${tenants.accessState} <> ${state}`);
  return state;
}

type WithholdingCase = { access: CaseAccess; anchorInvoice: string | null; stage: string | null };

function reasonOf(state: AccessState, cases: readonly WithholdingCase[]): string | null {
  if (state === 'active') return null;
  if (state === 'canceled') return 'no subscription is live';
  const withholding = cases.find((dunned) => dunned.access === state);
  return `${withholding?.anchorInvoice} is not paid, stage ${withholding?.stage}`;
}

/**
 * What cases withhold: open ones for as long as something is unpaid that isn't excluded, and those that were written off,
 * until it is paid after all or a newer subscription lives.
 */
async function accessOfCases(transaction: Transaction, tenant: string): Promise<WithholdingCase[]> {
  const live = sql.param([...LIVE_STATUSES]);
  const { rows } = await transaction.execute<WithholdingCase>(sql`
    select c.access, c.anchor_invoice as "anchorInvoice", c.stage from ${dunningCases} c
    join ${stripeSubscriptions} s on s.tenant = c.tenant and s.stripe_subscription_id = c.stripe_subscription_id
    where c.tenant = ${tenant} and c.access <> 'active' and s.status = any(${live}::text[])
      and case when c.closed_at is null then exists (
        select 1 from ${stripeInvoices} i
        where i.tenant = c.tenant and i.stripe_subscription_id = c.stripe_subscription_id
          and i.unpaid_since is not null and i.stripe_invoice_external_id <> all(c.excluded_invoices)
      ) else c.outcome = 'written_off' and exists (
        select 1 from ${stripeInvoices} i
        where i.tenant = c.tenant and i.stripe_invoice_external_id = c.anchor_invoice and i.status in ('open', 'uncollectible')
      ) and not exists (
        select 1 from ${stripeSubscriptions} newer
        where newer.tenant = c.tenant and newer.status = any(${live}::text[]) and newer.stripe_created_at > c.closed_at
      ) end`);
  return rows;
}
