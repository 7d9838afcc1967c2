import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { type AttemptManner, attemptPayment, type PaymentOutcome } from '../payments/payment-attempt.ts';
import { type InvoicePayment, invoicePaymentTable } from '../payments/payments.ts';
import { payingIntent, startInvoicePayment } from './invoice-payment-intent.ts';
import { nextRetryAt } from './invoice-retries.ts';
import { emitPaid, storePaid, storePaidPayment } from './invoice-settlement.ts';
import { type Invoice, invoiceTable, renderInvoice } from './invoice-state.ts';

/** An invoice before and after an attempt to pay it, stored and not told yet. */
export interface Attempt {
  readonly before: Invoice;
  readonly invoice: Invoice;
  /** What has paid it; null while it is unpaid. */
  readonly payment: InvoicePayment | null;
}

/**
 * Tries to pay an open or uncollectible invoice; emits nothing. A customer who has to authenticate can do so
 * later, also when they are not present now.
 * @param trying.isAutomatic whether it counts also when it is not the first
 */
export function storeAttempt(
  tx: Transaction,
  trying: AttemptManner & { invoice: Invoice; isAutomatic: boolean },
): Attempt & { readonly outcome: PaymentOutcome } {
  const { invoice, isAutomatic, ...manner } = trying;
  const intent = payingIntent(tx, invoice.id)?.intent ?? startInvoicePayment(tx, invoice);
  const outcome = attemptPayment(tx, { intent, ...manner, canAsk: true });
  return { ...storeOutcome(tx, { invoice, outcome, isAutomatic }), outcome };
}

/** Stores what an attempt means for its invoice; emits nothing. */
export function storeOutcome(
  tx: Transaction,
  attempt: { invoice: Invoice; outcome: PaymentOutcome; isAutomatic: boolean },
): Attempt {
  const { invoice: before, outcome, isAutomatic } = attempt;
  const isCounted = isAutomatic || before.attempt_count === 0;
  const attempted = {
    ...before,
    attempt_count: before.attempt_count + (isCounted ? 1 : 0),
    attempted: true,
  };
  switch (outcome.kind) {
    case 'succeeded': {
      const [link] = tx
        .table(invoicePaymentTable)
        .newestFirst({ index: { name: 'payment_intent', key: outcome.intent.id } });
      const payment = link ? storePaidPayment(tx, link, timeOf(tx, before.test_clock)) : null;
      return { before, invoice: storePaid(tx, attempted), payment };
    }
    case 'processing':
      return {
        before,
        invoice: tx.put(invoiceTable, { ...attempted, next_payment_attempt: null }),
        payment: null,
      };
    case 'failed':
    case 'requires_action': {
      // A payment that somebody tries in between moves the schedule only when nothing is scheduled.
      const isScheduled = !isCounted && before.next_payment_attempt !== null;
      const next = isScheduled ? before.next_payment_attempt : nextRetryAt(tx, attempted);
      return {
        before,
        invoice: tx.put(invoiceTable, { ...attempted, next_payment_attempt: next }),
        payment: null,
      };
    }
    default:
      return outcome satisfies never;
  }
}

/** Writes what an attempt means for its invoice, after the events of the payment itself. */
export function emitAttempt(tx: Transaction, attempt: Attempt, kind: PaymentOutcome['kind']): void {
  const { invoice, payment } = attempt;
  if (kind === 'succeeded') {
    emitPaid(tx, { invoice, payment });
    return;
  }
  if (kind === 'processing') {
    emitAttempted(tx, attempt);
    return;
  }
  if (kind === 'requires_action') tx.emit('invoice.payment_action_required', renderInvoice(invoice));
  emitFailure(tx, attempt);
  emitRescheduled(tx, attempt);
}

/** Writes that an attempt has failed. With Stripe's automations it does not tell yet when the next one is. */
export function emitFailure(tx: Transaction, { invoice }: Pick<Attempt, 'invoice'>): void {
  const told = tx.account.billing.tellsNextAttemptLater
    ? { ...invoice, next_payment_attempt: null }
    : invoice;
  tx.emit('invoice.payment_failed', renderInvoice(told));
}

/** Writes that the time of the next attempt has changed. */
export function emitRescheduled(
  tx: Transaction,
  { before, invoice }: Pick<Attempt, 'before' | 'invoice'>,
): void {
  if (before.next_payment_attempt !== invoice.next_payment_attempt) emitAttempted(tx, { before, invoice });
}

/** Writes what an attempt has changed, unless that is nothing. */
function emitAttempted(tx: Transaction, { before, invoice }: Pick<Attempt, 'before' | 'invoice'>): void {
  const { attempt_count, attempted, next_payment_attempt } = before;
  // The failure may have ended the subscription, and with it collection.
  const now = tx.get(invoiceTable, invoice.id) ?? invoice;
  const unattempted = { ...now, attempt_count, attempted, next_payment_attempt };
  tx.emitUpdated('invoice.updated', renderInvoice(unattempted), renderInvoice(now));
}
