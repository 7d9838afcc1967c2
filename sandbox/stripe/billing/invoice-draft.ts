import type { Customer } from '../resources/customers.ts';
import type { Transaction } from '../state/transaction.ts';
import { type Invoice, type InvoiceLine, inertInvoice, invoiceTable } from './invoice-state.ts';
import { priceOf, type Subscription } from './subscription-state.ts';

const daySeconds = 86_400;
const dueDaysDefault = 30;

/** Opens a draft: from here it has a number, a page and a claim to be paid. */
export function finalizeInvoice(tx: Transaction, draft: Invoice, customer: Customer): Invoice {
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

/** Draws up the first invoice of a subscription: one line per item, for its running period. */
export function draftInvoice(tx: Transaction, subscription: Subscription, customer: Customer): Invoice {
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
