import { embeddedList } from '../../api/lists.ts';
import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { cancelableStatuses, cancelPaymentIntent } from '../payments/payment-attempt.ts';
import {
  type CancellationReason,
  type InvoicePayment,
  invoicePaymentTable,
  type PaymentIntent,
  paymentIntentTable,
  startPaymentIntent,
} from '../payments/payments.ts';
import type { BillingReason, Invoice } from './invoice-state.ts';

const descriptions: Readonly<Record<BillingReason, string | null>> = {
  manual: null,
  subscription_create: 'Subscription creation',
  subscription_cycle: 'Subscription update',
  subscription_update: 'Subscription update',
  upcoming: null,
};

/** What pays an invoice. */
export interface PayingIntent {
  readonly intent: PaymentIntent;
  readonly payment: InvoicePayment;
}

/** Makes the intent that pays an open invoice, and what links the two; of events only the thin one of the link. */
export function startInvoicePayment(tx: Transaction, invoice: Invoice): PaymentIntent {
  const intent = startPaymentIntent(tx, {
    amount: invoice.amount_remaining,
    currency: invoice.currency,
    customer: invoice.customer,
    description: descriptions[invoice.billing_reason],
    // What pays a subscription's start is to pay its renewals too, without the customer.
    setup_future_usage: invoice.billing_reason === 'subscription_create' ? 'off_session' : null,
  });
  const payment = tx.put(invoicePaymentTable, {
    id: tx.newId('inpay'),
    object: 'invoice_payment',
    amount_paid: null,
    amount_requested: invoice.amount_remaining,
    created: timeOf(tx, invoice.test_clock),
    currency: invoice.currency,
    invoice: invoice.id,
    is_default: true,
    livemode: false,
    payment: { payment_intent: intent.id, type: 'payment_intent' },
    status: 'open',
    status_transitions: { canceled_at: null, paid_at: null },
  });
  tx.emitThin({ type: 'v1.invoice_payment.open', object: payment });
  return intent;
}

/** The intent that is to pay an invoice; undefined when it has none, or only canceled ones. */
export function payingIntent(tx: Transaction, invoice: string): PayingIntent | undefined {
  const index = { name: 'invoice', key: invoice };
  for (const payment of tx.table(invoicePaymentTable).newestFirst({ index })) {
    const intent = tx.get(paymentIntentTable, payment.payment.payment_intent);
    if (payment.status === 'open' && intent && intent.status !== 'canceled') return { intent, payment };
  }
  return undefined;
}

/** Nobody is to pay an invoice this way any more: its intent is canceled, with the event of it. */
export function cancelInvoicePayment(tx: Transaction, invoice: Invoice, reason: CancellationReason): void {
  const paying = payingIntent(tx, invoice.id);
  if (!paying) return;
  const payment = tx.put(invoicePaymentTable, {
    ...paying.payment,
    status: 'canceled',
    status_transitions: { ...paying.payment.status_transitions, canceled_at: timeOf(tx, invoice.test_clock) },
  });
  tx.emitThin({ type: 'v1.invoice_payment.canceled', object: payment });
  if (cancelableStatuses.has(paying.intent.status)) cancelPaymentIntent(tx, paying.intent, reason);
}

/** All that pays or was to pay an invoice, newest first: its `payments`. */
export function paymentsOf(tx: Transaction, invoice: string): object {
  const rows = [...tx.table(invoicePaymentTable).newestFirst({ index: { name: 'invoice', key: invoice } })];
  return embeddedList(rows, `/v1/invoice_payments?invoice=${invoice}`);
}

/** By this a browser pays an invoice; null for one that has no intent, such as a draft. */
export function confirmationSecret(tx: Transaction, invoice: string): object | null {
  const [link] = tx.table(invoicePaymentTable).newestFirst({ index: { name: 'invoice', key: invoice } });
  const intent = link && tx.get(paymentIntentTable, link.payment.payment_intent);
  return intent ? { client_secret: intent.client_secret, type: 'payment_intent' } : null;
}
