import type { DeclineGroup } from './decline-codes.ts';
import type { StripeCustomerId, StripeInvoiceId, StripeSubscriptionId } from './ids.ts';
import { isLive, type SubscriptionStatus } from './subscription.ts';

/** Statuses that the projection keeps. A draft is nothing that anybody owes; it may change and even be deleted. */
export const INVOICE_STATUSES = ['open', 'paid', 'uncollectible', 'void'] as const;
export type InvoiceStatus = (typeof INVOICE_STATUSES)[number];

export const COLLECTION_METHODS = ['charge_automatically', 'send_invoice'] as const;
export type CollectionMethod = (typeof COLLECTION_METHODS)[number];

/** An invoice that was finalized. Amounts are minor units of `currency`. */
export type Invoice = {
  id: StripeInvoiceId;
  customerId: StripeCustomerId;
  /** null for an invoice that was made by hand. */
  subscriptionId: StripeSubscriptionId | null;
  number: string | null;
  status: InvoiceStatus;
  billingReason: string | null;
  collectionMethod: CollectionMethod;
  currency: string;
  amountDueMinor: number;
  amountPaidMinor: number;
  amountRemainingMinor: number;
  attemptCount: number;
  /** Stripe's next automatic attempt; a model of theirs chooses it, and it moves. */
  nextPaymentAttempt: Date | null;
  /** When a sent invoice has to be paid; null when it is charged automatically. */
  dueDate: Date | null;
  hostedInvoiceUrl: string | null;
  createdAt: Date;
  finalizedAt: Date | null;
};

/** How the payment of an open invoice stands; fetched only for invoices that were tried. */
export type InvoicePayment = {
  /** `processing`: a bank debit is on its way and has not failed. */
  state: 'failed' | 'processing';
  /** Stripe's decline code of the last attempt, or its error code; null when there is none. */
  declineCode: string | null;
  /** When the first attempt that failed was made; null when no charge tells. */
  firstFailedAt: Date | null;
};

/**
 * Since when an invoice counts as unpaid: its first failed attempt, or, of one that is sent, its due date; null when it
 * is not unpaid. Only a live subscription's open invoices are: an incomplete subscription was never served, an ended one
 * is no longer.
 *
 * Stripe's clock may be ahead of ours (test clocks), and whoever counts from a time in the future would wait for it, so
 * the answer is never later than `now`.
 *
 * @param options.known what was answered before; it stays for as long as the invoice is unpaid
 * @param options.wasProcessing a bank debit was on its way when we looked last: it failed since, not when it began
 */
export function unpaidSince(options: {
  invoice: Invoice;
  payment: InvoicePayment | null;
  subscriptionStatus: SubscriptionStatus;
  known: Date | null;
  wasProcessing: boolean;
  now: Date;
}): Date | null {
  const { invoice, payment, subscriptionStatus, known, wasProcessing, now } = options;
  const isOwed = invoice.status === 'open' && invoice.amountRemainingMinor > 0 && isLive(subscriptionStatus);
  if (!isOwed) return null;
  if (known !== null) return known;
  const since =
    invoice.collectionMethod === 'send_invoice'
      ? overdueSince(invoice, payment, subscriptionStatus, now)
      : failedSince(invoice, payment);
  if (since === null) return null;
  return wasProcessing ? now : earlier(since, now);
}

/** Stripe judges a sent invoice by its own clock: a past due subscription's is overdue, whatever ours says. */
function overdueSince(
  { dueDate }: Invoice,
  payment: InvoicePayment | null,
  status: SubscriptionStatus,
  now: Date,
): Date | null {
  if (dueDate === null || payment?.state === 'processing') return null;
  return dueDate <= now || status === 'past_due' || status === 'unpaid' ? dueDate : null;
}

/** `attempt_count` also counts attempts that Stripe skipped after a hard decline. */
function failedSince(invoice: Invoice, payment: InvoicePayment | null): Date | null {
  if (invoice.attemptCount === 0 || payment?.state === 'processing') return null;
  return payment?.firstFailedAt ?? invoice.finalizedAt ?? invoice.createdAt;
}

function earlier(a: Date, b: Date): Date {
  return a <= b ? a : b;
}

/** What dunning knows of an invoice that is unpaid. */
export type UnpaidInvoice = {
  id: string;
  number: string | null;
  unpaidSince: Date;
  createdAt: Date;
  collectionMethod: CollectionMethod;
  currency: string;
  amountRemainingMinor: number;
  /** null for an invoice that is sent, and where no attempt tells why it failed. */
  decline: DeclineGroup | null;
  declineCode: string | null;
  /** Money is on its way: nothing is told or done until it has arrived or failed. */
  isProcessing: boolean;
  nextPaymentAttempt: Date | null;
  hostedInvoiceUrl: string | null;
};

/** The one that has been unpaid for longest; by creation, then id, between two of one time. */
export function oldestUnpaid<T extends Pick<UnpaidInvoice, 'id' | 'unpaidSince' | 'createdAt'>>(
  invoices: readonly T[],
): T | undefined {
  return [...invoices].sort(
    (a, b) =>
      a.unpaidSince.getTime() - b.unpaidSince.getTime() ||
      a.createdAt.getTime() - b.createdAt.getTime() ||
      (a.id < b.id ? -1 : 1),
  )[0];
}

/** An invoice as it was fetched, with its payment where that was asked for. */
export type FetchedInvoice = { invoice: Invoice; payment: InvoicePayment | null };
