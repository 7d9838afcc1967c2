import { and, desc, eq, isNotNull, isNull, type SQL, sql } from 'drizzle-orm';
import type { DunningState } from '../domain/dunning-policy.ts';
import type { Database } from './connect.ts';
import { caseIsOfSubscription, subscriptionIsOfCustomer } from './joins.ts';
import {
  dunningCases as cases,
  dunningEvents,
  stripeInvoices as invoices,
  notifications,
  stripeCustomers,
  stripeSubscriptions as subscriptions,
  tenants,
} from './schema.ts';

export type CaseFilter = {
  state?: DunningState | undefined;
  /** Those that are over in place of those that are open. */
  isClosed?: boolean | undefined;
  /** Those that wait for an address. */
  isUnreachable?: boolean | undefined;
};

/** Named as the columns are: it is shown to operators, who know those. */
const LISTED = {
  stripe_subscription_external_id: cases.stripeSubscriptionExternalId,
  dunning_case_id: cases.dunningCaseId,
  tenant: cases.tenant,
  client_name: tenants.clientName,
  state: cases.state,
  stage: cases.stage,
  access: cases.access,
  anchor_invoice: cases.anchorInvoice,
  amount_remaining: invoices.amountRemaining,
  currency: invoices.currency,
  paused_until: cases.pausedUntil,
  is_unreachable: cases.isUnreachable,
  outcome: cases.outcome,
  opened_at: cases.openedAt,
  closed_at: cases.closedAt,
};

/** Cases as lists show them, the newest first. */
export async function listCases(
  database: Database,
  options: { filter: CaseFilter; limit: number; before?: string | undefined },
) {
  const { state, isClosed = false, isUnreachable } = options.filter;
  return database
    .select(LISTED)
    .from(cases)
    .innerJoin(tenants, eq(tenants.tenant, cases.tenant))
    .leftJoin(invoices, eq(invoices.stripeInvoiceExternalId, cases.anchorInvoice))
    .where(
      and(
        isClosed ? isNotNull(cases.closedAt) : isNull(cases.closedAt),
        state === undefined ? undefined : eq(cases.state, state),
        isUnreachable === undefined ? undefined : eq(cases.isUnreachable, isUnreachable),
        options.before === undefined ? undefined : before(options.before),
      ),
    )
    .orderBy(desc(cases.openedAt), desc(cases.dunningCaseId))
    .limit(options.limit);
}

/** What a list that is newest first has behind this case. */
function before(caseId: string): SQL {
  return sql`(${cases.openedAt}, ${cases.dunningCaseId}) < (
    select last.opened_at, last.dunning_case_id from ${cases} last where last.dunning_case_id = ${caseId})`;
}

/** A subscription's case that is open or was closed last, with what operators decided; null when it never had one. */
export async function lastCaseOf(database: Database, subscription: string) {
  const [row] = await database
    .select({
      ...LISTED,
      stripe_customer_external_id: stripeCustomers.stripeCustomerExternalId,
      unpaid_since: invoices.unpaidSince,
      extended_days: cases.extendedDays,
      skipped_stages: cases.skippedStages,
      excluded_invoices: cases.excludedInvoices,
      write_off_requested_at: cases.writeOffRequestedAt,
    })
    .from(cases)
    .innerJoin(tenants, eq(tenants.tenant, cases.tenant))
    .innerJoin(subscriptions, caseIsOfSubscription)
    .innerJoin(stripeCustomers, subscriptionIsOfCustomer)
    .leftJoin(invoices, eq(invoices.stripeInvoiceExternalId, cases.anchorInvoice))
    .where(eq(cases.stripeSubscriptionExternalId, subscription))
    .orderBy(sql`${cases.closedAt} desc nulls first`)
    .limit(1);
  return row ?? null;
}

type CaseId = { tenant: string; caseId: string };

/** A case's mails, the newest first. */
export async function noticesOf(database: Database, id: CaseId, limit: number) {
  return database
    .select({
      kind: notifications.kind,
      recipient: notifications.recipient,
      status: notifications.status,
      attempts: notifications.attempts,
      last_error: notifications.lastError,
      created_at: notifications.createdAt,
      sent_at: notifications.sentAt,
    })
    .from(notifications)
    .where(and(eq(notifications.tenant, id.tenant), eq(notifications.dunningCaseId, id.caseId)))
    .orderBy(desc(notifications.createdAt))
    .limit(limit);
}

/** A case's record, the newest entry first. */
export async function recordOf(database: Database, id: CaseId, limit: number) {
  return database
    .select({
      occurred_at: dunningEvents.occurredAt,
      kind: dunningEvents.kind,
      stage: dunningEvents.stage,
      state: dunningEvents.state,
      access: dunningEvents.access,
      invoice: dunningEvents.invoice,
      actor: dunningEvents.actor,
      reason: dunningEvents.reason,
      detail: dunningEvents.detail,
    })
    .from(dunningEvents)
    .where(and(eq(dunningEvents.tenant, id.tenant), eq(dunningEvents.dunningCaseId, id.caseId)))
    .orderBy(desc(dunningEvents.position))
    .limit(limit);
}
