import { embeddedList } from './lists.ts';
import type { Metadata } from './parameters.ts';
import {
  type Charge,
  chargeIntent,
  type InvoicePayment,
  invoicePaymentTable,
  type PaymentIntent,
  paymentIntentTable,
  startPaymentIntent,
} from './payments.ts';
import { type Customer, customerTable } from './resources/customers.ts';
import { priceOf, type Subscription } from './subscription-state.ts';
import { defineTable } from './table.ts';
import type { Transaction } from './transaction.ts';

const daySeconds = 86_400;
const dueDaysDefault = 30;

/** What this simulator does not keep yet; as in a plain invoice. */
const inertInvoice = {
  account_country: 'US',
  account_name: 'Simulated account',
  account_tax_ids: null,
  amount_overpaid: 0,
  amount_shipping: 0,
  application: null,
  automatic_tax: { disabled_reason: null, enabled: false, liability: null, provider: null, status: null },
  automatically_finalizes_at: null,
  custom_fields: null,
  customer_account: null,
  customer_shipping: null,
  customer_tax_exempt: 'none',
  customer_tax_ids: [],
  default_payment_method: null,
  default_source: null,
  default_tax_rates: [],
  description: null,
  discounts: [],
  footer: null,
  from_invoice: null,
  issuer: { type: 'self' },
  last_finalization_error: null,
  latest_revision: null,
  livemode: false,
  metadata: {},
  next_payment_attempt: null,
  on_behalf_of: null,
  payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
  post_payment_credit_notes_amount: 0,
  pre_payment_credit_notes_amount: 0,
  receipt_number: null,
  rendering: null,
  shipping_cost: null,
  shipping_details: null,
  starting_balance: 0,
  statement_descriptor: null,
  test_clock: null,
  total_discount_amounts: [],
  total_pretax_credit_amounts: [],
  total_taxes: [],
  webhooks_delivered_at: null,
} as const;

export interface InvoiceLine {
  readonly id: string;
  readonly object: 'line_item';
  readonly amount: number;
  readonly [field: string]: unknown;
}

/** As stored; shown with its lines as a list. Amounts are minor units. */
export interface Invoice extends Readonly<typeof inertInvoice> {
  readonly id: string;
  readonly object: 'invoice';
  readonly amount_due: number;
  readonly amount_paid: number;
  readonly amount_remaining: number;
  readonly attempt_count: number;
  readonly attempted: boolean;
  readonly auto_advance: boolean;
  readonly billing_reason: 'subscription_create' | 'subscription_cycle' | 'subscription_update' | 'manual';
  readonly collection_method: Subscription['collection_method'];
  readonly created: number;
  readonly currency: string;
  readonly customer: string;
  readonly customer_address: Customer['address'];
  readonly customer_email: string | null;
  readonly customer_name: string | null;
  readonly customer_phone: string | null;
  readonly due_date: number | null;
  readonly effective_at: number | null;
  readonly ending_balance: number | null;
  readonly hosted_invoice_url: string | null;
  readonly invoice_pdf: string | null;
  readonly lines: readonly InvoiceLine[];
  readonly number: string | null;
  readonly parent: {
    readonly quote_details: null;
    readonly subscription_details: { readonly metadata: Metadata; readonly subscription: string };
    readonly type: 'subscription_details';
  };
  readonly period_end: number;
  readonly period_start: number;
  readonly status: 'draft' | 'open' | 'paid' | 'uncollectible' | 'void';
  readonly status_transitions: {
    readonly finalized_at: number | null;
    readonly marked_uncollectible_at: number | null;
    readonly paid_at: number | null;
    readonly voided_at: number | null;
  };
  readonly subtotal: number;
  readonly subtotal_excluding_tax: number;
  readonly total: number;
  readonly total_excluding_tax: number;
}

export const invoiceTable = defineTable<Invoice>({
  noun: 'invoice',
  indexes: {
    customer: (row) => row.customer,
    subscription: (row) => row.parent.subscription_details.subscription,
  },
});

/** The invoice as the API and its events show it. */
export function renderInvoice(row: Invoice): object {
  return { ...row, lines: embeddedList(row.lines, `/v1/invoices/${row.id}/lines`) };
}

/** The first invoice of a subscription with what pays it, all stored and nothing emitted yet. */
export interface Bill {
  readonly draft: Invoice;
  readonly open: Invoice;
  /** Null when nothing is to be paid. */
  readonly intent: PaymentIntent | null;
  readonly payment: Payment | null;
}

/** A successful payment of an invoice. */
export interface Payment {
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
  const open = finalize(tx, draft, customer);
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

function finalize(tx: Transaction, draft: Invoice, customer: Customer): Invoice {
  const secret = tx.account.ids.characters(40);
  const page = `${tx.account.publicUrl()}/i/${draft.id}/${secret}`;
  return tx.put(invoiceTable, {
    ...draft,
    effective_at: tx.now,
    ending_balance: 0,
    hosted_invoice_url: page,
    invoice_pdf: `${page}/pdf`,
    number: `${customer.invoice_prefix}-${String(customer.next_invoice_sequence).padStart(4, '0')}`,
    status: 'open',
    status_transitions: { ...draft.status_transitions, finalized_at: tx.now },
  });
}

function draftInvoice(tx: Transaction, subscription: Subscription, customer: Customer): Invoice {
  const id = tx.newId('in');
  const lines = subscription.items.map((item) => lineOf(tx, { subscription, item, invoice: id }));
  const total = lines.reduce((sum, line) => sum + line.amount, 0);
  const isSent = subscription.collection_method === 'send_invoice';
  return tx.put(invoiceTable, {
    id,
    object: 'invoice',
    ...inertInvoice,
    amount_due: total,
    amount_paid: 0,
    amount_remaining: total,
    attempt_count: 0,
    attempted: false,
    // The first invoice is never tried again by itself.
    auto_advance: false,
    billing_reason: 'subscription_create',
    collection_method: subscription.collection_method,
    created: tx.now,
    currency: subscription.currency,
    customer: customer.id,
    customer_address: customer.address,
    customer_email: customer.email,
    customer_name: customer.name,
    customer_phone: customer.phone,
    due_date: isSent ? tx.now + (subscription.days_until_due ?? dueDaysDefault) * daySeconds : null,
    effective_at: null,
    ending_balance: null,
    hosted_invoice_url: null,
    invoice_pdf: null,
    lines,
    number: null,
    parent: {
      quote_details: null,
      subscription_details: { metadata: subscription.metadata, subscription: subscription.id },
      type: 'subscription_details',
    },
    period_end: tx.now,
    period_start: tx.now,
    status: 'draft',
    status_transitions: { finalized_at: null, marked_uncollectible_at: null, paid_at: null, voided_at: null },
    subtotal: total,
    subtotal_excluding_tax: total,
    total,
    total_excluding_tax: total,
  });
}

function lineOf(
  tx: Transaction,
  line: { subscription: Subscription; item: Subscription['items'][number]; invoice: string },
): InvoiceLine {
  const { subscription, item } = line;
  const price = priceOf(tx, item);
  const quantity = item.quantity ?? 0;
  const unitAmount = subscription.status === 'trialing' ? 0 : Number(price.unit_amount_decimal);
  const amount = Math.round(unitAmount * quantity);
  return {
    id: tx.newId('il'),
    object: 'line_item',
    amount,
    currency: subscription.currency,
    description:
      subscription.status === 'trialing' ? 'Free trial' : `${quantity} × ${price.nickname ?? price.id}`,
    discount_amounts: [],
    discountable: true,
    discounts: [],
    invoice: line.invoice,
    livemode: false,
    metadata: subscription.metadata,
    parent: {
      invoice_item_details: null,
      subscription_item_details: {
        invoice_item: null,
        proration: false,
        proration_details: { credited_items: null },
        subscription: subscription.id,
        subscription_item: item.id,
      },
      type: 'subscription_item_details',
    },
    period: { end: item.current_period_end, start: item.current_period_start },
    pretax_credit_amounts: [],
    pricing: {
      price_details: { price: price.id, product: price.product },
      type: 'price_details',
      unit_amount_decimal: price.unit_amount_decimal,
    },
    quantity: item.quantity ?? null,
    quantity_decimal: item.quantity === undefined ? null : String(item.quantity),
    subscription: subscription.id,
    subtotal: amount,
    taxes: [],
  };
}
