import type { Transaction } from '../state/transaction.ts';
import { invoicePaymentTable, paymentIntentTable } from './payments.ts';
import type { Subscription } from './subscription-state.ts';

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
