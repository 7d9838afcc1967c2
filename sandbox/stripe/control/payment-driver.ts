import type { Dispute, DisputeReason } from '../billing/payments/charge-disputes.ts';
import type { PaymentFate } from '../billing/payments/payment-fates.ts';
import type { SetupIntent } from '../billing/payments/payment-setup.ts';
import type { PaymentIntent } from '../billing/payments/payments.ts';
import type { ControlChannel } from './channel.ts';

/** Decides what becomes of payments. */
export interface PaymentControl {
  /**
   * Decides what the next or every payment of a customer comes to, whatever their card would do. Fates for single
   * payments queue up and come before the one for every payment.
   */
  setPaymentFate(fate: PaymentFate): Promise<void>;
  /** From now on every payment does what its card does. */
  clearPaymentFates(): Promise<void>;
  /** The customer passes or fails the bank's check that a payment or setup intent waits for (`requires_action`). */
  authenticatePayment(intentId: string, outcome: { succeeds: boolean }): Promise<PaymentIntent | SetupIntent>;
  /** The bank settles the debit of a payment intent that is `processing`. */
  settlePayment(paymentIntentId: string, outcome: { paid: boolean }): Promise<PaymentIntent>;
  /** The customer takes a payment back through their bank. */
  openDispute(chargeId: string, dispute: { reason: DisputeReason }): Promise<Dispute>;
  /** The bank decides: the merchant has won the dispute, or lost it. */
  closeDispute(disputeId: string, decision: { won: boolean }): Promise<Dispute>;
}

export function paymentDriver({ post, remove }: ControlChannel): PaymentControl {
  return {
    setPaymentFate: (fate) => post('payment-fates', fate),
    clearPaymentFates: () => remove('payment-fates'),
    authenticatePayment: (id, outcome) => post(`intents/${id}/authenticate`, outcome),
    settlePayment: (id, outcome) => post(`intents/${id}/settle`, outcome),
    openDispute: (id, dispute) => post(`charges/${id}/dispute`, dispute),
    closeDispute: (id, decision) => post(`disputes/${id}/close`, decision),
  };
}
