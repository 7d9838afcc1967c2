import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { isHardDecline, paymentMethodFor } from '../payments/payment-attempt.ts';
import type { PaymentIntent } from '../payments/payments.ts';
import { subscriptionTable } from '../subscriptions/subscription-state.ts';
import { payingIntent } from './invoice-payment-intent.ts';
import { type Invoice, subscriptionIdOf } from './invoice-state.ts';

/**
 * When an invoice is charged again after its attempt number `attempt_count` has failed.
 * @returns unix seconds; null: not by itself
 */
export function nextRetryAt(tx: Transaction, invoice: Invoice): number | null {
  if (!isCollectedByItself(invoice)) return null;
  const wait = tx.account.billing.retryAfterSeconds[invoice.attempt_count - 1];
  return wait === undefined ? null : timeOf(tx, invoice.test_clock) + wait;
}

/** Whether the last automatic retry of an unpaid invoice has failed or was passed over. */
export function hasExhaustedRetries(tx: Transaction, invoice: Invoice): boolean {
  return (
    invoice.status === 'open' &&
    isCollectedByItself(invoice) &&
    invoice.next_payment_attempt === null &&
    invoice.attempt_count > tx.account.billing.retryAfterSeconds.length &&
    payingIntent(tx, invoice.id)?.intent.status !== 'processing'
  );
}

/**
 * The payment method that an automatic attempt takes. After a hard decline, and while the customer is asked to
 * authenticate, the same one is not tried again.
 * @returns null: this attempt is passed over
 */
export function methodForRetry(tx: Transaction, invoice: Invoice): string | null {
  const method = methodFor(tx, invoice);
  const intent = payingIntent(tx, invoice.id)?.intent;
  if (method === null || intent === undefined) return method;
  return refusedMethod(intent) === method ? null : method;
}

/** The payment method that an invoice is charged on. @returns null when there is none */
export function methodFor(tx: Transaction, invoice: Invoice): string | null {
  const id = subscriptionIdOf(invoice);
  const subscription = id === null ? undefined : tx.get(subscriptionTable, id);
  return paymentMethodFor(tx, { customer: invoice.customer, subscription, invoice });
}

function isCollectedByItself(invoice: Invoice): boolean {
  return invoice.auto_advance && invoice.collection_method === 'charge_automatically';
}

/** The method that need not be asked again. */
function refusedMethod(intent: PaymentIntent): string | null {
  if (intent.status === 'requires_action') return intent.payment_method;
  const error = intent.last_payment_error;
  return error !== null && isHardDecline(error) ? (error.payment_method?.id ?? null) : null;
}
