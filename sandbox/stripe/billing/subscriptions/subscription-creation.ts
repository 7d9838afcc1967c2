import { invalidRequest } from '../../api/errors.ts';
import type { Transaction } from '../../state/transaction.ts';
import { isRefused } from '../invoices/invoice-billing.ts';
import { paymentMethodFor } from '../payments/payment-attempt.ts';
import {
  billFirst,
  emitCharge,
  emitStarted,
  type StartedSubscription,
  settleCurrency,
} from './subscription-first-invoice.ts';
import type { CreateSubscription } from './subscription-parameters.ts';
import { attemptFor } from './subscription-payment-method.ts';
import { paymentMethodMissing, refusedPayment } from './subscription-payment-refusal.ts';
import { startSetup } from './subscription-setup.ts';
import { startSubscription } from './subscription-start.ts';
import type { Subscription } from './subscription-state.ts';

/**
 * Makes a subscription as the API is asked to, with its first invoice and all events.
 * @throws StripeError 400 for wrong parameters and when nobody can pay; 402 when a payment fails that must not
 */
export function createSubscription(tx: Transaction, parameters: CreateSubscription): Subscription {
  const { payment_behavior: behavior } = parameters;
  if (behavior === 'pending_if_incomplete') {
    const message = '`payment_behavior=pending_if_incomplete` can only be used when updating a subscription.';
    throw invalidRequest({ param: 'payment_behavior', message });
  }
  const undo = tx.mark();
  const subscription = startSubscription(tx, parameters);
  const isLeftToClient = behavior === 'default_incomplete';
  const attempt = attemptFor(tx, subscription, { offSession: parameters.off_session, isLeftToClient });
  const isProrated = parameters.proration_behavior !== 'none';
  const billed = billFirst(tx, { subscription, attempt, isProrated });
  if (attempt === null && !isLeftToClient) refuseUnpayable(billed);
  if (attempt && billed.bill && behavior === 'error_if_incomplete' && isRefused(billed.bill)) {
    undo();
    throw refusedPayment(tx, billed.bill, attempt);
  }
  const started = isLeftToClient ? withSetup(tx, billed) : billed;
  emitCharge(tx, started);
  settleCurrency(tx, started);
  emitStarted(tx, started);
  return started.subscription;
}

/** @throws StripeError 400 when something is to be charged at once and nobody can pay */
function refuseUnpayable({ bill, subscription }: StartedSubscription): void {
  if (subscription.status === 'incomplete' && bill && bill.open.amount_due > 0) throw paymentMethodMissing();
}

/** Nothing is to be paid now: the client may set a payment method up for later. */
function withSetup(tx: Transaction, started: StartedSubscription): StartedSubscription {
  const { bill, subscription } = started;
  const isNothingDue = bill === null || bill.open.amount_due === 0;
  if (!isNothingDue || subscription.collection_method === 'send_invoice') return started;
  if (paymentMethodFor(tx, { customer: subscription.customer, subscription }) !== null) return started;
  return { bill, subscription: startSetup(tx, subscription) };
}
