import { invalidRequest } from '../../api/errors.ts';
import type { Transaction } from '../../state/transaction.ts';
import { payingIntent } from '../invoices/invoice-payment-intent.ts';
import { voidInvoice } from '../invoices/invoice-settlement.ts';
import { invoiceTable } from '../invoices/invoice-state.ts';
import { concludePayment } from '../payments/payment-conclusion.ts';
import { finishProcessing } from '../payments/payment-settlement.ts';
import { invoicePaymentTable, type PaymentIntent, paymentIntentTable } from '../payments/payments.ts';
import {
  type CheckoutSession,
  changeSession,
  checkoutSessionTable,
  type StoredSession,
} from './checkout-state.ts';

/**
 * The bank answers about a delayed payment, with all events.
 * @throws StripeError when the session does not wait for one
 */
export function settleDelayedPayment(tx: Transaction, id: string, isPaid: boolean): CheckoutSession {
  const stored = existing(tx, id);
  const { status, payment_status } = stored.session;
  const intent = intentOf(tx, stored);
  if (status !== 'complete' || payment_status !== 'unpaid' || !intent) {
    throw invalidRequest({
      message: `session ${id} does not wait for a delayed payment: ${status}, ${payment_status}`,
    });
  }
  concludePayment(tx, finishProcessing(tx, intent, isPaid));
  return existing(tx, id).session;
}

/**
 * A delayed payment has come.
 * @param awaited the invoice, or in `payment` mode the payment intent, that the session may wait for
 */
export function followDelayedSuccess(tx: Transaction, awaited: string): void {
  const waiting = sessionAwaiting(tx, awaited);
  if (!waiting) return;
  const { session } = changeSession(tx, waiting, { payment_status: 'paid' });
  tx.emit('checkout.session.async_payment_succeeded', session);
}

/**
 * A delayed payment has failed. The invoice is voided; its subscription stays active: ending it is for who sold it
 * to decide.
 */
export function followDelayedFailure(tx: Transaction, intent: string): void {
  const [link] = tx
    .table(invoicePaymentTable)
    .newestFirst({ index: { name: 'payment_intent', key: intent } });
  const waiting = sessionAwaiting(tx, link?.invoice ?? intent);
  if (!waiting) return;
  const invoice = link && tx.get(invoiceTable, link.invoice);
  if (invoice?.status === 'open') voidInvoice(tx, invoice);
  tx.emit('checkout.session.async_payment_failed', waiting.session);
}

function sessionAwaiting(tx: Transaction, awaited: string): StoredSession | undefined {
  const index = { name: 'awaits', key: awaited };
  return tx.table(checkoutSessionTable).newestFirst({ index }).next().value;
}

function intentOf(tx: Transaction, { session }: StoredSession): PaymentIntent | undefined {
  if (session.invoice !== null) return payingIntent(tx, session.invoice)?.intent;
  return session.payment_intent === null ? undefined : tx.get(paymentIntentTable, session.payment_intent);
}

function existing(tx: Transaction, id: string): StoredSession {
  const stored = tx.get(checkoutSessionTable, id);
  if (!stored) throw invalidRequest({ message: `no checkout session ${id}` }, 404);
  return stored;
}
