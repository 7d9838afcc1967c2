import { cardRefused, type StripeError } from '../../api/errors.ts';
import type { Transaction } from '../../state/transaction.ts';
import type { PaymentOutcome } from '../payments/payment-attempt.ts';
import type { PaymentError } from '../payments/payment-declines.ts';
import type { PaymentMethod } from '../payments/payment-method-state.ts';
import type { SetupIntent } from '../payments/payment-setup.ts';
import type { Buyer } from './checkout-buyer.ts';
import { type CheckoutSession, changeSession, type StoredSession } from './checkout-state.ts';

/** A buyer who completes a session. */
export interface Purchase {
  /** With the quantities that the buyer chose. */
  readonly stored: StoredSession;
  readonly buyer: Buyer;
  /** Null when none is needed. */
  readonly card: PaymentMethod | null;
  readonly authentication: 'passes' | 'fails';
}

/** Closes a session as complete, with its event. */
export function concludeSession(
  tx: Transaction,
  purchase: Purchase,
  made: Partial<CheckoutSession> & { customer: string | null },
): CheckoutSession {
  const { automatic_tax: tax } = purchase.stored.session;
  const { session } = changeSession(tx, purchase.stored, {
    automatic_tax: tax.enabled ? { ...tax, status: 'complete' } : tax,
    client_secret: null,
    customer_details: purchase.buyer.details,
    status: 'complete',
    url: null,
    ...made,
  });
  tx.emit('checkout.session.completed', session);
  return session;
}

/** Whether the money is there when the session completes. */
export function paymentStatusOf(outcome: PaymentOutcome | null): 'paid' | 'unpaid' {
  return outcome?.kind === 'processing' ? 'unpaid' : 'paid';
}

/** The 402 that the page shows; what was tried stays. */
export function refusedCard(
  error: PaymentError | null,
  tried: { setup_intent: SetupIntent } | { payment_intent: object },
): StripeError {
  if (error === null) throw new Error('a refusal without an error');
  const { type: _, ...body } = error;
  return cardRefused({ ...body, ...tried }, { keepsChanges: true });
}
