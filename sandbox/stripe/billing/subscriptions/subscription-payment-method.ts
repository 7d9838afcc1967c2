import type { Transaction } from '../../state/transaction.ts';
import { type AttemptManner, paymentMethodFor } from '../payments/payment-attempt.ts';
import { invoicePaymentTable, paymentIntentTable } from '../payments/payments.ts';
import type { Subscription } from './subscription-state.ts';

/**
 * How an invoice of a subscription is tried at once.
 * @param how.isLeftToClient whether the client is to confirm the payment
 * @returns null when nobody is to be charged, or nobody can be
 */
export function attemptFor(
  tx: Transaction,
  subscription: Subscription,
  how: { offSession?: boolean | undefined; isLeftToClient?: boolean } = {},
): AttemptManner | null {
  if (how.isLeftToClient || subscription.collection_method === 'send_invoice') return null;
  const paymentMethod = paymentMethodFor(tx, { customer: subscription.customer, subscription });
  return paymentMethod === null ? null : { offSession: how.offSession ?? false, paymentMethod };
}

/** What changes when an invoice has been paid: its payment method becomes the subscription's, if so wished. */
export function methodPaidWith(
  tx: Transaction,
  subscription: Subscription,
  invoice: string,
): Partial<Pick<Subscription, 'default_payment_method'>> {
  if (subscription.payment_settings.save_default_payment_method !== 'on_subscription') return {};
  for (const payment of tx
    .table(invoicePaymentTable)
    .newestFirst({ index: { name: 'invoice', key: invoice } })) {
    const intent = tx.get(paymentIntentTable, payment.payment.payment_intent);
    if (payment.status === 'paid' && intent?.payment_method) {
      return { default_payment_method: intent.payment_method };
    }
  }
  return {};
}
