import type { CheckoutSession } from '../billing/checkout/checkout-state.ts';
import type { ControlChannel } from './channel.ts';
import type { CheckoutCompletion } from './checkout-routes.ts';

export interface CheckoutControl {
  /**
   * A buyer completes an open session: with a card that works, with any test token as `card`, or (`payment:
   * 'delayed'`) by a bank debit that is settled later. A refused card leaves the session open, and the call throws
   * with the message that the buyer sees.
   */
  completeCheckoutSession(sessionId: string, completion?: CheckoutCompletion): Promise<CheckoutSession>;
  /** The bank answers about a delayed payment: `checkout.session.async_payment_succeeded` or `_failed`. */
  settleDelayedPayment(sessionId: string, outcome: { paid: boolean }): Promise<CheckoutSession>;
  /** An open session's time is over. */
  expireCheckoutSession(sessionId: string): Promise<CheckoutSession>;
}

export function checkoutDriver({ post }: ControlChannel): CheckoutControl {
  return {
    completeCheckoutSession: (id, completion = {}) => post(`checkout-sessions/${id}/complete`, completion),
    settleDelayedPayment: (id, outcome) => post(`checkout-sessions/${id}/settle`, outcome),
    expireCheckoutSession: (id) => post(`checkout-sessions/${id}/expire`),
  };
}
