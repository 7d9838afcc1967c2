import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import type { Subscription } from '../subscriptions/subscription-state.ts';
import { type InvoiceItem, invoiceItemTable, pendingItems, renderInvoiceItem } from './invoice-item-state.ts';
import { type ItemsChange, type Proration, prorationsBetween } from './proration-amounts.ts';

/**
 * Stores what a change of a subscription's items gives back and charges, as pending invoice items; emits nothing.
 * @returns credits before debits, item by item; empty when nothing is prorated
 */
export function createProrations(tx: Transaction, change: ItemsChange): readonly InvoiceItem[] {
  return prorationsBetween(tx, change).map((proration) =>
    tx.put(invoiceItemTable, prorationItem(tx, change.after, proration)),
  );
}

/** Writes `invoiceitem.created` for each. */
export function emitProrations(tx: Transaction, items: readonly InvoiceItem[]): void {
  for (const item of items) tx.emit('invoiceitem.created', renderInvoiceItem(item));
}

/** Takes back the prorations of a subscription that have not been billed, with `invoiceitem.deleted` for each. */
export function dropPendingProrations(tx: Transaction, subscription: Subscription): void {
  const { customer, id } = subscription;
  for (const item of pendingItems(tx, { customer, subscription: id })) {
    if (!item.proration) continue;
    tx.remove(invoiceItemTable, item.id);
    tx.emit('invoiceitem.deleted', renderInvoiceItem(item));
  }
}

/** A proration as a pending invoice item that is not stored. */
function prorationItem(tx: Transaction, subscription: Subscription, proration: Proration): InvoiceItem {
  const { amount, credited, quantity } = proration;
  return {
    id: tx.newId('ii'),
    object: 'invoiceitem',
    amount,
    currency: subscription.currency,
    customer: subscription.customer,
    customer_account: null,
    date: timeOf(tx, subscription.test_clock),
    description: proration.description,
    discountable: false,
    discounts: [],
    internals: { creditedDebit: credited?.key ?? null, isForOneInvoice: false },
    invoice: null,
    livemode: false,
    metadata: subscription.metadata,
    net_amount: amount,
    parent: {
      subscription_details: { subscription: subscription.id, subscription_item: proration.item },
      type: 'subscription_details',
    },
    period: proration.period,
    pricing: proration.pricing,
    proration: true,
    proration_details: { credited_items: credited?.reference ?? null, discount_amounts: [] },
    quantity,
    quantity_decimal: String(quantity),
    tax_rates: [],
    test_clock: subscription.test_clock,
  };
}
