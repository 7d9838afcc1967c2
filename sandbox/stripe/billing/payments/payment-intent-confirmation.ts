import { cardRefused, invalidRequest, type StripeError } from '../../api/errors.ts';
import { customerTable } from '../../resources/customers.ts';
import type { Transaction } from '../../state/transaction.ts';
import { attemptPayment, type PaymentOutcome } from './payment-attempt.ts';
import { concludePayment } from './payment-conclusion.ts';
import { declineOf } from './payment-decline-codes.ts';
import type { PaymentError } from './payment-declines.ts';
import type { ConfirmIntent } from './payment-intent-parameters.ts';
import { paymentMethodNamed, requireUsable } from './payment-method-attachment.ts';
import { paymentMethodFrom } from './payment-method-parameters.ts';
import type { PaymentMethod } from './payment-method-state.ts';
import { storeDecline } from './payment-results.ts';
import type { PaymentIntent } from './payments.ts';

const confirmableStatuses: ReadonlySet<PaymentIntent['status']> = new Set([
  'requires_payment_method',
  'requires_confirmation',
  'requires_action',
]);

/** How an intent is confirmed. */
export type Confirmation = Pick<
  ConfirmIntent,
  'error_on_requires_action' | 'off_session' | 'payment_method' | 'payment_method_data' | 'return_url'
>;

/**
 * Confirms an intent: tries to pay it and writes the events.
 * @throws StripeError 402 when the payment is declined, which is remembered; 400 for what can't be confirmed
 */
export function confirmIntent(
  tx: Transaction,
  intent: PaymentIntent,
  confirmation: Confirmation,
): PaymentIntent {
  requireConfirmable(intent);
  const method = methodFor(tx, intent, confirmation);
  requireUsable(tx, method, { customer: intent.customer, object: 'PaymentIntent' });
  const outcome = attempt(tx, { intent, method, confirmation });
  concludePayment(tx, outcome);
  if (outcome.kind === 'failed') throw declined(outcome.error, outcome.intent);
  return outcome.intent;
}

/** The 402 of a declined payment. */
function declined(error: PaymentError, intent: PaymentIntent): StripeError {
  const { type: _type, ...body } = error;
  return cardRefused({ ...body, payment_intent: intent }, { keepsChanges: true });
}

function attempt(
  tx: Transaction,
  {
    intent,
    method,
    confirmation,
  }: { intent: PaymentIntent; method: PaymentMethod; confirmation: Confirmation },
): PaymentOutcome {
  const offSession = confirmation.off_session !== undefined && confirmation.off_session !== false;
  const outcome = attemptPayment(tx, {
    intent,
    paymentMethod: method.id,
    offSession,
    returnUrl: confirmation.return_url,
  });
  if (outcome.kind !== 'requires_action' || !confirmation.error_on_requires_action) return outcome;
  const reason = declineOf('authentication_not_handled');
  return storeDecline(tx, { intent, method, isAuthenticated: false }, reason);
}

function methodFor(tx: Transaction, intent: PaymentIntent, confirmation: Confirmation): PaymentMethod {
  if (confirmation.payment_method_data) return paymentMethodFrom(tx, confirmation.payment_method_data);
  const customer = intent.customer === null ? undefined : tx.get(customerTable, intent.customer);
  const id =
    confirmation.payment_method ?? intent.payment_method ?? customer?.invoice_settings.default_payment_method;
  if (id) return paymentMethodNamed(tx, id, 'payment_method');
  const advice =
    intent.customer === null
      ? 'You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.'
      : `To confirm the PaymentIntent with ${intent.customer}, specify a payment method attached to this customer along with the customer ID.`;
  throw invalidRequest({
    code: 'payment_intent_unexpected_state',
    message: `You cannot confirm this PaymentIntent because it's missing a payment method. ${advice}`,
    payment_intent: intent,
  });
}

function requireConfirmable(intent: PaymentIntent): void {
  if (confirmableStatuses.has(intent.status)) return;
  const message =
    intent.status === 'succeeded'
      ? 'You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.'
      : `This PaymentIntent could not be confirmed because it has a status of ${intent.status}. Only a PaymentIntent with one of the following statuses may be confirmed: requires_payment_method, requires_confirmation, requires_action.`;
  throw invalidRequest({ code: 'payment_intent_unexpected_state', message, payment_intent: intent });
}
