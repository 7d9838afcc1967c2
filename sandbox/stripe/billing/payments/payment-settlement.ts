import { invalidRequest } from '../../api/errors.ts';
import type { Transaction } from '../../state/transaction.ts';
import { chargeTable } from './charge-state.ts';
import { declineOf } from './payment-decline-codes.ts';
import { authenticationFailure, cardErrorOf } from './payment-declines.ts';
import { historyOf, storeHistory } from './payment-method-state.ts';
import {
  countSuccess,
  type PaymentOutcome,
  storeDecline,
  storedMethod,
  storeRefusal,
  storeSuccess,
} from './payment-results.ts';
import { verdictAfterAuthentication } from './payment-verdict.ts';
import { type PaymentIntent, paymentIntentTable } from './payments.ts';

/**
 * The customer passes or fails the bank's check that an intent waits for. Stores, emits nothing.
 * @throws StripeError when it does not wait for one
 */
export function finishAuthentication(
  tx: Transaction,
  intent: PaymentIntent,
  isPassed: boolean,
): PaymentOutcome {
  if (intent.status !== 'requires_action' || intent.payment_method === null) {
    throw invalidRequest({
      message: `payment intent ${intent.id} does not wait for authentication: ${intent.status}`,
    });
  }
  const method = storedMethod(tx, intent.payment_method);
  if (!isPassed) {
    const error = authenticationFailure(method, 'payment_intent_authentication_failure');
    return { kind: 'failed', intent: storeRefusal(tx, intent, error), charge: null, error };
  }
  const history = historyOf(tx, method.id);
  if (intent.setup_future_usage === 'off_session') storeHistory(tx, { ...history, isSetUp: true });
  const trying = { intent, method, isAuthenticated: true };
  const verdict = verdictAfterAuthentication(tx, { customer: intent.customer, history });
  return verdict.kind === 'decline' ? storeDecline(tx, trying, verdict.decline) : storeSuccess(tx, trying);
}

/**
 * The bank settles a debit. Stores, emits nothing.
 * @throws StripeError when the intent is not processing
 */
export function finishProcessing(tx: Transaction, intent: PaymentIntent, isPaid: boolean): PaymentOutcome {
  const charge = intent.latest_charge === null ? undefined : tx.get(chargeTable, intent.latest_charge);
  if (intent.status !== 'processing' || !charge) {
    throw invalidRequest({ message: `payment intent ${intent.id} is not processing: ${intent.status}` });
  }
  const method = storedMethod(tx, charge.payment_method);
  if (!isPaid) {
    const failure = declineOf('insufficient_funds');
    const failed = tx.put(chargeTable, {
      ...charge,
      captured: false,
      failure_code: 'insufficient_funds',
      failure_message: failure.message,
      paid: false,
      status: 'failed',
    });
    const error = cardErrorOf({ decline: failure, charge: charge.id, paymentMethod: method });
    return { kind: 'failed', intent: storeRefusal(tx, intent, error), charge: failed, error };
  }
  countSuccess(tx, method.id);
  const paid = tx.put(chargeTable, {
    ...charge,
    amount_captured: charge.amount,
    captured: true,
    paid: true,
    status: 'succeeded',
  });
  const settled = tx.put(paymentIntentTable, {
    ...intent,
    amount_received: intent.amount,
    status: 'succeeded',
  });
  return { kind: 'succeeded', intent: settled, charge: paid };
}
