import type { Transaction } from '../../state/transaction.ts';
import type { PaymentOutcome } from '../payments/payment-attempt.ts';
import { invoicePaymentTable } from '../payments/payments.ts';
import { emitAttempt, storeOutcome } from './invoice-attempt.ts';
import { invoiceTable } from './invoice-state.ts';

/**
 * The invoice that an intent pays, if any, follows an outcome that came without its billing, after the events of
 * the payment itself. See `concludePayment`.
 */
export function followPayment(tx: Transaction, outcome: PaymentOutcome): void {
  const index = { name: 'payment_intent', key: outcome.intent.id };
  const [link] = tx.table(invoicePaymentTable).newestFirst({ index });
  const invoice = link && tx.get(invoiceTable, link.invoice);
  if (invoice?.status !== 'open' && invoice?.status !== 'uncollectible') return;
  emitAttempt(tx, storeOutcome(tx, { invoice, outcome, isAutomatic: false }), outcome.kind);
}
