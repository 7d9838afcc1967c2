import { and, eq, inArray, isNotNull, sql } from 'drizzle-orm';
import { declineGroup } from '../domain/decline-codes.ts';
import { Failure } from '../domain/failures.ts';
import {
  type CollectionMethod,
  type FetchedInvoice,
  type InvoiceStatus,
  type UnpaidInvoice,
  unpaidSince,
} from '../domain/invoice.ts';
import type { Database, Transaction } from './connect.ts';
import { invoiceIsOfCustomer } from './joins.ts';
import {
  dunningCases,
  stripeInvoices as invoices,
  stripeCustomers,
  stripeSubscriptions as subscriptions,
} from './schema.ts';
import type { SubscriptionOwner } from './subscriptions.ts';

type KnownInvoice = {
  unpaidSince: Date | null;
  lastDeclineCode: string | null;
  isPaymentProcessing: boolean;
};

/**
 * Writes a customer's invoices as they were fetched. Since when one is unpaid is decided once and kept.
 *
 * @throws Failure DatabaseRefused when an invoice is filed under another tenant
 */
export async function writeInvoices(
  transaction: Transaction,
  options: { owner: SubscriptionOwner; fetched: readonly FetchedInvoice[]; now: Date },
): Promise<void> {
  const { owner, fetched, now } = options;
  if (fetched.length === 0) return;
  const known = await knownInvoices(transaction, fetched);
  const ofSubscription = await subscriptionsOf(transaction, owner);
  // In one order everywhere, so that two writers of the same invoices can't wait for each other.
  const rows = [...fetched]
    .sort((a, b) => (a.invoice.id < b.invoice.id ? -1 : 1))
    .map(({ invoice, payment }) => {
      const before = known.get(invoice.id);
      const subscription =
        invoice.subscriptionId === null ? undefined : ofSubscription.get(invoice.subscriptionId);
      const since =
        subscription === undefined
          ? null
          : unpaidSince({
              invoice,
              payment,
              subscriptionStatus: subscription.status,
              known: before?.unpaidSince ?? null,
              wasProcessing: before?.isPaymentProcessing ?? false,
              now,
            });
      return {
        tenant: owner.tenant,
        stripeInvoiceExternalId: invoice.id,
        stripeCustomerId: owner.stripeCustomerId,
        stripeSubscriptionId: subscription?.id ?? null,
        number: invoice.number,
        status: invoice.status,
        billingReason: invoice.billingReason,
        collectionMethod: invoice.collectionMethod,
        currency: invoice.currency,
        amountDue: invoice.amountDueMinor,
        amountPaid: invoice.amountPaidMinor,
        amountRemaining: invoice.amountRemainingMinor,
        attemptCount: invoice.attemptCount,
        nextPaymentAttempt: invoice.nextPaymentAttempt,
        dueDate: invoice.dueDate,
        hostedInvoiceUrl: invoice.hostedInvoiceUrl,
        lastDeclineCode: payment?.declineCode ?? before?.lastDeclineCode ?? null,
        isPaymentProcessing: invoice.status === 'open' && payment?.state === 'processing',
        unpaidSince: since,
        stripeCreatedAt: invoice.createdAt,
        finalizedAt: invoice.finalizedAt,
      };
    });
  const written = await transaction
    .insert(invoices)
    .values(rows)
    .onConflictDoUpdate({
      target: invoices.stripeInvoiceExternalId,
      set: { ...FETCHED_COLUMNS, updatedAt: sql`now()` },
      setWhere: eq(invoices.tenant, owner.tenant),
    })
    .returning({ id: invoices.stripeInvoiceId });
  if (written.length < rows.length)
    throw new Failure('DatabaseRefused', 'An invoice is filed under another tenant');
}

const FETCHED_COLUMNS = {
  stripeSubscriptionId: sql`excluded.stripe_subscription_id`,
  number: sql`excluded.number`,
  status: sql`excluded.status`,
  amountDue: sql`excluded.amount_due`,
  amountPaid: sql`excluded.amount_paid`,
  amountRemaining: sql`excluded.amount_remaining`,
  attemptCount: sql`excluded.attempt_count`,
  nextPaymentAttempt: sql`excluded.next_payment_attempt`,
  dueDate: sql`excluded.due_date`,
  hostedInvoiceUrl: sql`excluded.hosted_invoice_url`,
  lastDeclineCode: sql`excluded.last_decline_code`,
  isPaymentProcessing: sql`excluded.is_payment_processing`,
  unpaidSince: sql`excluded.unpaid_since`,
  finalizedAt: sql`excluded.finalized_at`,
};

async function knownInvoices(
  transaction: Transaction,
  fetched: readonly FetchedInvoice[],
): Promise<ReadonlyMap<string, KnownInvoice>> {
  const rows = await transaction
    .select({
      id: invoices.stripeInvoiceExternalId,
      unpaidSince: invoices.unpaidSince,
      lastDeclineCode: invoices.lastDeclineCode,
      isPaymentProcessing: invoices.isPaymentProcessing,
    })
    .from(invoices)
    .where(
      inArray(
        invoices.stripeInvoiceExternalId,
        fetched.map(({ invoice }) => invoice.id),
      ),
    );
  return new Map(rows.map((row) => [row.id, row]));
}

async function subscriptionsOf(transaction: Transaction, { tenant, stripeCustomerId }: SubscriptionOwner) {
  const rows = await transaction
    .select({
      id: subscriptions.stripeSubscriptionId,
      externalId: subscriptions.stripeSubscriptionExternalId,
      status: subscriptions.status,
    })
    .from(subscriptions)
    .where(and(eq(subscriptions.tenant, tenant), eq(subscriptions.stripeCustomerId, stripeCustomerId)));
  return new Map<string, (typeof rows)[number]>(rows.map((row) => [row.externalId, row]));
}

/** What of a customer asks for its invoices: those that we hold as open, and a case that is open. */
export type HeldInvoices = { open: { id: string; isUnpaid: boolean }[]; hasCase: boolean };

export async function heldInvoices(database: Database, customer: string): Promise<HeldInvoices> {
  const { rows } = await database.execute<{ id: string | null; isUnpaid: boolean }>(sql`
    select i.stripe_invoice_external_id as id, i.unpaid_since is not null as "isUnpaid"
    from ${stripeCustomers} u
    join ${invoices} i on i.tenant = u.tenant and i.stripe_customer_id = u.stripe_customer_id and i.status = 'open'
    where u.stripe_customer_external_id = ${customer}
    union all
    select null, true
    from ${stripeCustomers} u
    join ${subscriptions} s on s.tenant = u.tenant and s.stripe_customer_id = u.stripe_customer_id
    join ${dunningCases} c on c.tenant = s.tenant and c.stripe_subscription_id = s.stripe_subscription_id
    where u.stripe_customer_external_id = ${customer} and c.closed_at is null`);
  return {
    open: rows.flatMap(({ id, isUnpaid }) => (id === null ? [] : [{ id, isUnpaid }])),
    hasCase: rows.some(({ id }) => id === null),
  };
}

/** @returns the customer's id in Stripe; null when we have no row of the invoice */
export async function customerOfInvoice(database: Database, invoice: string): Promise<string | null> {
  const [row] = await database
    .select({ customer: stripeCustomers.stripeCustomerExternalId })
    .from(invoices)
    .innerJoin(stripeCustomers, invoiceIsOfCustomer)
    .where(eq(invoices.stripeInvoiceExternalId, invoice));
  return row?.customer ?? null;
}

/** What is unpaid of a subscription, by our own id. */
export async function unpaidInvoices(
  transaction: Transaction | Database,
  options: { tenant: string; stripeSubscriptionId: string },
): Promise<UnpaidInvoice[]> {
  const rows = await transaction
    .select()
    .from(invoices)
    .where(
      and(
        eq(invoices.tenant, options.tenant),
        eq(invoices.stripeSubscriptionId, options.stripeSubscriptionId),
        isNotNull(invoices.unpaidSince),
      ),
    );
  return rows.flatMap((row): UnpaidInvoice[] =>
    row.unpaidSince === null
      ? []
      : [
          {
            id: row.stripeInvoiceExternalId,
            number: row.number,
            unpaidSince: row.unpaidSince,
            createdAt: row.stripeCreatedAt,
            collectionMethod: row.collectionMethod,
            currency: row.currency,
            amountRemainingMinor: row.amountRemaining,
            decline: row.lastDeclineCode === null ? null : declineGroup(row.lastDeclineCode),
            declineCode: row.lastDeclineCode,
            isProcessing: row.isPaymentProcessing,
            nextPaymentAttempt: row.nextPaymentAttempt,
            hostedInvoiceUrl: row.hostedInvoiceUrl,
          },
        ],
  );
}

export type InvoiceStanding = {
  status: InvoiceStatus;
  number: string | null;
  amountPaidMinor: number;
  amountRemainingMinor: number;
  currency: string;
  collectionMethod: CollectionMethod;
  lastDeclineCode: string | null;
  hostedInvoiceUrl: string | null;
};

/** How an invoice stands now; null when we have no row of it. */
export async function invoiceStanding(
  transaction: Transaction | Database,
  invoice: string,
): Promise<InvoiceStanding | null> {
  const [row] = await transaction
    .select({
      status: invoices.status,
      number: invoices.number,
      amountPaidMinor: invoices.amountPaid,
      amountRemainingMinor: invoices.amountRemaining,
      currency: invoices.currency,
      collectionMethod: invoices.collectionMethod,
      lastDeclineCode: invoices.lastDeclineCode,
      hostedInvoiceUrl: invoices.hostedInvoiceUrl,
    })
    .from(invoices)
    .where(eq(invoices.stripeInvoiceExternalId, invoice));
  return row ?? null;
}
