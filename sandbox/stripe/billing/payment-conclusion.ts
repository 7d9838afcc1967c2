import type { Transaction } from '../state/transaction.ts';
import { followPayment } from './invoice-outcome.ts';
import { emitPaymentOutcome, type PaymentOutcome } from './payment-attempt.ts';

/**
 * An outcome that came without the billing of an invoice: the intent was confirmed through the API, the customer
 * has authenticated, the bank has settled a debit. Writes its events, then the invoice that the intent pays
 * follows it. Attempts that billing makes itself never come by here, so what follows is counted once.
 */
export function concludePayment(tx: Transaction, outcome: PaymentOutcome): void {
  emitPaymentOutcome(tx, outcome);
  followPayment(tx, outcome);
}
