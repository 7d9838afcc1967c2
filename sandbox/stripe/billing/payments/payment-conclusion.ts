import type { Transaction } from '../../state/transaction.ts';
import { followPayment } from '../invoices/invoice-outcome.ts';
import { emitCharged, emitIntentOutcome, type PaymentOutcome } from './payment-attempt.ts';
import { givePaymentMethod, useUp } from './payment-method-attachment.ts';
import { paymentMethodTable } from './payment-method-state.ts';

/**
 * An outcome that came without the billing of an invoice: the intent was confirmed through the API, the customer
 * has authenticated, the bank has settled a debit. Writes its events; then the invoice that the intent pays
 * follows it. Attempts that billing makes itself never come by here, so what follows is counted once.
 */
export function concludePayment(tx: Transaction, outcome: PaymentOutcome): void {
  emitCharged(tx, outcome);
  keepMethod(tx, outcome);
  emitIntentOutcome(tx, outcome);
  followPayment(tx, outcome);
}

/** As `concludePayment` for an authorization that has been captured: its charge succeeded before. */
export function concludeCapture(
  tx: Transaction,
  outcome: Extract<PaymentOutcome, { kind: 'succeeded' }>,
): void {
  tx.emit('charge.captured', outcome.charge);
  emitIntentOutcome(tx, outcome);
  followPayment(tx, outcome);
}

/** A method that is to be used again becomes the customer's once it works; another one is used up. */
function keepMethod(tx: Transaction, outcome: PaymentOutcome): void {
  const { intent, kind } = outcome;
  // Nothing is known yet.
  if (kind === 'requires_action') return;
  const id = kind === 'failed' ? outcome.error.payment_method.id : outcome.charge.payment_method;
  const method = tx.get(paymentMethodTable, id);
  if (!method || method.customer !== null) return;
  const isToBeKept = kind !== 'failed' && intent.setup_future_usage !== null;
  if (isToBeKept && intent.customer !== null) givePaymentMethod(tx, method, intent.customer);
  else useUp(tx, method);
}
