import { and, eq, exists, isNull, or, sql } from 'drizzle-orm';
import type { DunningOutcome } from '../domain/dunning.ts';
import type { UnpaidInvoice } from '../domain/invoice.ts';
import { isLive, type SubscriptionStatus } from '../domain/subscription.ts';
import type { Database, Transaction } from './connect.ts';
import { recordDunningEvent } from './dunning-events.ts';
import { keepPolicy, type PolicySource } from './dunning-policies.ts';
import { unpaidInvoices } from './invoices.ts';
import { caseIsOfSubscription, subscriptionIsOfCustomer } from './joins.ts';
import {
  dunningCases as cases,
  stripeInvoices as invoices,
  notifications,
  stripeCustomers,
  stripeSubscriptions as subscriptions,
} from './schema.ts';
import type { SubscriptionOwner } from './subscriptions.ts';

/** Whoever changes a case's facts wakes its workflow; the sweep is for the wake that got lost. */
const WAKE_GRACE = sql`interval '30 seconds'`;
/** A workflow that has not looked this long after the time that it wanted to is gone, and is woken. */
const LATENESS = sql`interval '5 minutes'`;
/** How often a case that waits for nothing but an event is looked at all the same. */
const LOOK_AT_LEAST = sql`interval '1 day'`;

/**
 * Opens a case for each of a customer's subscriptions that has become unpaid, and notes what changed for those that have
 * one.
 *
 * @returns Stripe's ids of the subscriptions whose workflow has to be woken
 */
export async function followUnpaid(
  transaction: Transaction,
  options: { owner: SubscriptionOwner; policy: PolicySource; now: Date },
): Promise<string[]> {
  const { owner, policy, now } = options;
  const wake: string[] = [];
  for (const subscription of await dunnedSubscriptions(transaction, owner)) {
    const { tenant } = owner;
    const unpaid = await unpaidInvoices(transaction, { tenant, stripeSubscriptionId: subscription.id });
    const facts = factsOf(subscription.status, unpaid);
    const changed =
      subscription.caseId === null
        ? isLive(subscription.status) &&
          (await openCase(transaction, { owner, subscription, unpaid, policy, now }))
        : subscription.facts !== facts &&
          (await noteFacts(transaction, { tenant, caseId: subscription.caseId, facts }));
    if (changed) wake.push(subscription.externalId);
  }
  return wake;
}

type DunnedSubscription = {
  id: string;
  externalId: string;
  status: SubscriptionStatus;
  caseId: string | null;
  facts: string | null;
};

async function dunnedSubscriptions(
  transaction: Transaction,
  { tenant, stripeCustomerId }: SubscriptionOwner,
): Promise<DunnedSubscription[]> {
  const unpaid = transaction
    .select({ one: sql`1` })
    .from(invoices)
    .where(
      and(
        eq(invoices.tenant, subscriptions.tenant),
        eq(invoices.stripeSubscriptionId, subscriptions.stripeSubscriptionId),
        sql`${invoices.unpaidSince} is not null`,
      ),
    );
  return transaction
    .select({
      id: subscriptions.stripeSubscriptionId,
      externalId: subscriptions.stripeSubscriptionExternalId,
      status: subscriptions.status,
      caseId: cases.dunningCaseId,
      facts: cases.facts,
    })
    .from(subscriptions)
    .leftJoin(
      cases,
      and(
        eq(cases.tenant, subscriptions.tenant),
        eq(cases.stripeSubscriptionId, subscriptions.stripeSubscriptionId),
        isNull(cases.closedAt),
      ),
    )
    .where(
      and(
        eq(subscriptions.tenant, tenant),
        eq(subscriptions.stripeCustomerId, stripeCustomerId),
        or(exists(unpaid), sql`${cases.dunningCaseId} is not null`),
      ),
    )
    .orderBy(subscriptions.stripeSubscriptionExternalId);
}

/** An invoice that was left unpaid by an earlier case (excluded, written off) opens no other one. */
async function openCase(
  transaction: Transaction,
  options: {
    owner: SubscriptionOwner;
    subscription: DunnedSubscription;
    unpaid: readonly UnpaidInvoice[];
    policy: PolicySource;
    now: Date;
  },
): Promise<boolean> {
  const { owner, subscription, unpaid, now } = options;
  const { tenant } = owner;
  const closed = await transaction
    .select({ left: cases.leftInvoices })
    .from(cases)
    .where(and(eq(cases.tenant, tenant), eq(cases.stripeSubscriptionId, subscription.id)));
  const left = new Set(closed.flatMap((dunned) => dunned.left));
  if (unpaid.every((invoice) => left.has(invoice.id))) return false;
  const [opened] = await transaction
    .insert(cases)
    .values({
      tenant,
      stripeSubscriptionId: subscription.id,
      stripeSubscriptionExternalId: subscription.externalId,
      dunningPolicyId: await keepPolicy(transaction, options.policy),
      // What an earlier case left is not this one's either.
      excludedInvoices: unpaid.filter((invoice) => left.has(invoice.id)).map((invoice) => invoice.id),
      attentionDueAt: sql`now() + ${WAKE_GRACE}`,
      openedAt: now,
    })
    .returning({ caseId: cases.dunningCaseId });
  if (opened === undefined) throw new Error('the insert of a case returned no row');
  await recordDunningEvent(transaction, {
    tenant,
    caseId: opened.caseId,
    kind: 'opened',
    now,
    detail: { policy_version: options.policy.version, invoices: unpaid.map((invoice) => invoice.id) },
  });
  return true;
}

async function noteFacts(
  transaction: Transaction,
  { tenant, caseId, facts }: { tenant: string; caseId: string; facts: string },
): Promise<true> {
  await transaction
    .update(cases)
    .set({ facts, attentionDueAt: sql`least(${cases.attentionDueAt}, now() + ${WAKE_GRACE})` })
    .where(and(eq(cases.tenant, tenant), eq(cases.dunningCaseId, caseId)));
  return true;
}

/** What a case goes by, in a form that is equal as long as nothing of it changed. */
export function factsOf(status: SubscriptionStatus, unpaid: readonly UnpaidInvoice[]): string {
  const lines = unpaid
    .map((invoice) =>
      [
        invoice.id,
        invoice.unpaidSince.toISOString(),
        invoice.amountRemainingMinor,
        invoice.declineCode,
        invoice.isProcessing,
        invoice.nextPaymentAttempt?.toISOString(),
      ].join(' '),
    )
    .sort();
  return [isLive(status) ? 'live' : 'ended', ...lines].join('\n');
}

/** The open case of a subscription, and whose customer it is. */
export type FoundCase = { tenant: string; caseId: string; customer: string };

/** @returns null when the subscription has no open case */
export async function openCaseOf(database: Database, subscription: string): Promise<FoundCase | null> {
  const [row] = await database
    .select({
      tenant: cases.tenant,
      caseId: cases.dunningCaseId,
      customer: stripeCustomers.stripeCustomerExternalId,
    })
    .from(cases)
    .innerJoin(subscriptions, caseIsOfSubscription)
    .innerJoin(stripeCustomers, subscriptionIsOfCustomer)
    .where(and(eq(cases.stripeSubscriptionExternalId, subscription), isNull(cases.closedAt)));
  return row ?? null;
}

/** A case that was closed, with what is told of it while that was not sent. */
export type ClosedAt = FoundCase & { outcome: DunningOutcome; notificationId: string | null };

/**
 * The case that a look of this very instant closed: for a look that is tried again because its answer was lost.
 *
 * @returns null when none was
 */
export async function caseClosedAt(
  database: Database,
  { subscription, at }: { subscription: string; at: Date },
): Promise<ClosedAt | null> {
  const { rows } = await database.execute<ClosedAt>(sql`
    select c.tenant, c.dunning_case_id as "caseId", u.stripe_customer_external_id as customer, c.outcome,
      (select n.notification_id from ${notifications} n
       where n.tenant = c.tenant and n.dunning_case_id = c.dunning_case_id and n.status = 'queued' limit 1) as "notificationId"
    from ${cases} c
    join ${subscriptions} s on s.tenant = c.tenant and s.stripe_subscription_id = c.stripe_subscription_id
    join ${stripeCustomers} u on u.tenant = s.tenant and u.stripe_customer_id = s.stripe_customer_id
    where c.stripe_subscription_external_id = ${subscription} and c.closed_at = ${at.toISOString()}::timestamptz`);
  return rows[0] ?? null;
}

/** Subscriptions whose case the sweep has to wake, those first that have been due for longest. */
export async function casesDue(database: Database, options: { limit: number }): Promise<string[]> {
  const rows = await database
    .select({ subscription: cases.stripeSubscriptionExternalId })
    .from(cases)
    .where(and(isNull(cases.closedAt), sql`${cases.attentionDueAt} <= now()`))
    .orderBy(cases.attentionDueAt)
    .limit(options.limit);
  return rows.map((row) => row.subscription);
}

/** Puts off the sweep's next wake of cases that it has dealt with. */
export async function postponeCases(database: Database, subscriptions: readonly string[]): Promise<void> {
  await database.execute(sql`
    update ${cases} set attention_due_at = now() + ${LATENESS}
    where stripe_subscription_external_id = any(${sql.param([...subscriptions])}::text[])
      and closed_at is null and attention_due_at <= now()`);
}

/** When the sweep is to look after a case whose workflow means to wake at `until`; null: it waits for an event alone. */
export function attentionAfter(until: Date | null) {
  return until === null
    ? sql`now() + ${LOOK_AT_LEAST}`
    : sql`greatest(${until}::timestamptz, now()) + ${LATENESS}`;
}
