import { customerTable } from '../resources/customers.ts';
import type { Transaction } from '../state/transaction.ts';
import { chargeIntent } from './charge-intent.ts';
import type { Charge } from './charge-state.ts';
import { draftInvoice, finalizeInvoice } from './invoice-draft.ts';
import { type Invoice, invoiceTable, renderInvoice } from './invoice-state.ts';
import {
  type InvoicePayment,
  invoicePaymentTable,
  type PaymentIntent,
  paymentIntentTable,
  startPaymentIntent,
} from './payments.ts';
import type { Subscription } from './subscription-state.ts';

/** The first invoice of a subscription with what pays it, all stored and nothing emitted yet. */
export interface Bill {
  readonly draft: Invoice;
  readonly open: Invoice;
  /** Null when nothing is to be paid. */
  readonly intent: PaymentIntent | null;
  readonly payment: Payment | null;
}

/** A successful payment of an invoice. */
interface Payment {
  readonly invoice: Invoice;
  /** These are null for an invoice of nothing, which is paid without a charge. */
  readonly intent: PaymentIntent | null;
  readonly charge: Charge | null;
  readonly invoicePayment: InvoicePayment | null;
}

/**
 * Draws up and finalizes the first invoice of a subscription.
 * @param bill.pay `now`: charged at once; `processing`: by a method that takes days; `later`: not tried
 */
export function billSubscription(
  tx: Transaction,
  bill: { subscription: Subscription; pay: 'now' | 'processing' | 'later' },
): Bill {
  const customer = tx.get(customerTable, bill.subscription.customer);
  if (!customer) throw new Error(`customer ${bill.subscription.customer} is gone`);
  const draft = draftInvoice(tx, bill.subscription, customer);
  const open = finalizeInvoice(tx, draft, customer);
  tx.put(customerTable, { ...customer, next_invoice_sequence: customer.next_invoice_sequence + 1 });
  if (open.total === 0) return { draft, open, intent: null, payment: settle(tx, open, null) };
  const intent = startPaymentIntent(tx, {
    amount: open.total,
    currency: open.currency,
    customer: open.customer,
    status: bill.pay === 'processing' ? 'processing' : 'requires_payment_method',
  });
  tx.put(invoicePaymentTable, {
    id: tx.newId('inpay'),
    object: 'invoice_payment',
    amount_paid: null,
    amount_requested: open.total,
    created: tx.now,
    currency: open.currency,
    invoice: open.id,
    is_default: true,
    livemode: false,
    payment: { payment_intent: intent.id, type: 'payment_intent' },
    status: 'open',
    status_transitions: { canceled_at: null, paid_at: null },
  });
  return { draft, open, intent, payment: bill.pay === 'now' ? settle(tx, open, intent) : null };
}

/** Writes the events of a bill in the order that recordings show; `charge.succeeded` comes before all of them. */
export function emitBill(tx: Transaction, bill: Bill): void {
  if (bill.payment?.intent) tx.emit('payment_intent.succeeded', bill.payment.intent);
  if (bill.intent) tx.emit('payment_intent.created', bill.intent);
  tx.emit('invoice.created', renderInvoice(bill.draft));
  tx.emit('invoice.finalized', renderInvoice(bill.open));
  if (bill.open.collection_method === 'send_invoice') tx.emit('invoice.sent', renderInvoice(bill.open));
  if (bill.payment) emitInvoicePaid(tx, bill.payment);
}

/** Pays an open invoice and writes the events of it. */
export function payInvoice(tx: Transaction, invoice: Invoice): Invoice {
  const [open] = tx.table(invoicePaymentTable).newestFirst({ index: { name: 'invoice', key: invoice.id } });
  const intent = open ? tx.get(paymentIntentTable, open.payment.payment_intent) : undefined;
  const payment = settle(tx, invoice, intent ?? null);
  if (payment.intent) tx.emit('payment_intent.succeeded', payment.intent);
  if (payment.charge) tx.emit('charge.succeeded', payment.charge);
  emitInvoicePaid(tx, payment);
  return payment.invoice;
}

/** Voids an open invoice and writes the event of it. */
export function voidInvoice(tx: Transaction, invoice: Invoice): Invoice {
  const row = tx.put(invoiceTable, {
    ...invoice,
    amount_remaining: 0,
    auto_advance: false,
    status: 'void',
    status_transitions: { ...invoice.status_transitions, voided_at: tx.now },
  });
  tx.emit('invoice.voided', renderInvoice(row));
  return row;
}

function emitInvoicePaid(tx: Transaction, payment: Payment): void {
  tx.emit('invoice.paid', renderInvoice(payment.invoice));
  tx.emit('invoice.payment_succeeded', renderInvoice(payment.invoice));
  if (payment.invoicePayment) tx.emit('invoice_payment.paid', payment.invoicePayment);
}

function settle(tx: Transaction, open: Invoice, intent: PaymentIntent | null): Payment {
  const invoice = tx.put(invoiceTable, {
    ...open,
    amount_paid: open.total,
    amount_remaining: 0,
    attempt_count: intent ? open.attempt_count + 1 : open.attempt_count,
    attempted: true,
    status: 'paid',
    status_transitions: { ...open.status_transitions, paid_at: tx.now },
  });
  if (!intent) return { invoice, intent: null, charge: null, invoicePayment: null };
  const charged = chargeIntent(tx, intent);
  const [due] = tx.table(invoicePaymentTable).newestFirst({ index: { name: 'invoice', key: invoice.id } });
  const paid = {
    amount_paid: open.total,
    status: 'paid',
    status_transitions: { canceled_at: null, paid_at: tx.now },
  } as const;
  const invoicePayment = due ? tx.put(invoicePaymentTable, { ...due, ...paid }) : null;
  return { invoice, ...charged, invoicePayment };
}
