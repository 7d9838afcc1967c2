import type { CheckoutSession } from '../billing/checkout-state.ts';
import type { ControlChannel } from './channel.ts';

export interface CheckoutControl {
  /** A buyer completes an open session: by card, paid at once, or by a method that is settled later. */
  completeCheckoutSession(
    sessionId: string,
    completion?: { payment?: 'card' | 'delayed'; email?: string; name?: string },
  ): Promise<CheckoutSession>;
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
