import type { Transaction } from '../state/transaction.ts';
import type { PaymentOutcome } from './payment-attempt.ts';

/** The invoice that an intent pays follows an outcome that came without its billing. See `concludePayment`. */
export function followPayment(_tx: Transaction, _outcome: PaymentOutcome): void {}
