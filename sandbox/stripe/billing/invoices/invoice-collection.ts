import type { Transaction } from '../../state/transaction.ts';
import { type AttemptManner, emitPaymentOutcome, type PaymentOutcome } from '../payments/payment-attempt.ts';
import { emitAttempt, emitFailure, emitRescheduled, storeAttempt } from './invoice-attempt.ts';
import { hasExhaustedRetries, methodFor, methodForRetry, nextRetryAt } from './invoice-retries.ts';
import { markUncollectible } from './invoice-settlement.ts';
import { type Invoice, invoiceTable, renderInvoice } from './invoice-state.ts';

/** An invoice after an attempt to collect it. The outcome is null when there was nothing to charge. */
export interface Collected {
  readonly invoice: Invoice;
  readonly outcome: PaymentOutcome | null;
}

/**
 * Tries to pay an open or uncollectible invoice because somebody asks for it, with all events.
 * @param how.paymentMethod when not given, the one that Stripe would take
 */
export function collectInvoice(
  tx: Transaction,
  invoice: Invoice,
  how: Omit<AttemptManner, 'paymentMethod'> & { paymentMethod?: string | undefined },
): Collected {
  const paymentMethod = how.paymentMethod ?? methodFor(tx, invoice);
  if (paymentMethod === null) return { invoice, outcome: null };
  return collect(tx, invoice, { ...how, paymentMethod, isAutomatic: false });
}

/**
 * The first attempt after finalization, or a retry, with all events. What can't be charged (no payment method, a
 * hard decline before) is counted all the same.
 */
export function collectAutomatically(tx: Transaction, invoice: Invoice): void {
  const paymentMethod = methodForRetry(tx, invoice);
  if (paymentMethod === null) passOver(tx, invoice);
  else collect(tx, invoice, { paymentMethod, offSession: true, isAutomatic: true });
}

/** No invoice of a customer is collected by itself any more; writes `invoice.updated` for each that was. */
export function stopCollection(tx: Transaction, customer: string): void {
  for (const invoice of [
    ...tx.table(invoiceTable).oldestFirst({ index: { name: 'customer', key: customer } }),
  ]) {
    if (invoice.status !== 'open') continue;
    const stopped = tx.put(invoiceTable, { ...invoice, auto_advance: false, next_payment_attempt: null });
    tx.emitUpdated('invoice.updated', renderInvoice(invoice), renderInvoice(stopped));
  }
}

function collect(
  tx: Transaction,
  invoice: Invoice,
  how: AttemptManner & { isAutomatic: boolean },
): Collected {
  const attempt = storeAttempt(tx, { invoice, ...how });
  const isLast = how.isAutomatic && hasExhaustedRetries(tx, attempt.invoice);
  emitPaymentOutcome(tx, attempt.outcome);
  emitAttempt(tx, attempt, attempt.outcome.kind);
  if (isLast) endRetries(tx, invoice.id);
  return { invoice: tx.get(invoiceTable, invoice.id) ?? attempt.invoice, outcome: attempt.outcome };
}

function passOver(tx: Transaction, before: Invoice): void {
  const counted = { ...before, attempt_count: before.attempt_count + 1, attempted: true };
  const invoice = tx.put(invoiceTable, { ...counted, next_payment_attempt: nextRetryAt(tx, counted) });
  const isLast = hasExhaustedRetries(tx, invoice);
  // That the first attempt can't be made is a failed payment; later ones only move the counter.
  if (before.attempt_count === 0) emitFailure(tx, { invoice });
  emitRescheduled(tx, { before, invoice });
  if (isLast) endRetries(tx, before.id);
}

/** The subscription has followed already: its end comes before the invoice's. */
function endRetries(tx: Transaction, id: string): void {
  const invoice = tx.get(invoiceTable, id);
  if (invoice?.status === 'open' && tx.account.billing.invoiceAtEnd === 'uncollectible') {
    markUncollectible(tx, invoice, 'max_payment_attempts');
  }
}
