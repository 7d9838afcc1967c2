import { cardRefused, invalidRequest, type StripeError } from '../../api/errors.ts';
import type { Transaction } from '../../state/transaction.ts';
import type { Bill } from '../invoices/invoice-billing.ts';
import { type AttemptManner, attemptPayment, emitPaymentOutcome } from '../payments/payment-attempt.ts';
import { startPaymentIntent } from '../payments/payments.ts';

/**
 * What `error_if_incomplete` answers: the change that was to be paid has been undone, its payment is tried again
 * without it. So what remains is what remains at Stripe: a failed charge.
 * @returns the 402 to throw; it keeps the charge
 */
export function refusedPayment(tx: Transaction, bill: Bill, attempt: AttemptManner): StripeError {
  const { amount_due: amount, currency, customer } = bill.open;
  const intent = startPaymentIntent(tx, { amount, currency, customer });
  const outcome = attemptPayment(tx, { intent, ...attempt, canAsk: true });
  emitPaymentOutcome(tx, outcome);
  if (outcome.kind === 'requires_action') {
    const message =
      'Payment for this subscription requires additional user action before it can be completed successfully. Payment can be completed using the PaymentIntent associated with `subscription.latest_invoice`. For more details see: https://stripe.com/docs/billing/subscriptions/overview#requires-action';
    const code = 'subscription_payment_intent_requires_action';
    return cardRefused({ code, message, payment_intent: outcome.intent }, { keepsChanges: true });
  }
  if (outcome.kind !== 'failed') throw new Error(`the payment of ${intent.id} went otherwise a second time`);
  const { type: _, ...body } = outcome.error;
  return cardRefused({ ...body, payment_intent: outcome.intent }, { keepsChanges: true });
}

/** Nobody can pay: 400. */
export function paymentMethodMissing(): StripeError {
  return invalidRequest({
    code: 'resource_missing',
    message:
      'This customer has no attached payment source or default payment method. Please consider adding a default payment method. For more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.',
  });
}
