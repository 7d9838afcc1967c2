import { invalidRequest, noSuchInParameter } from '../../api/errors.ts';
import { mergeMetadata, sent } from '../../api/parameters.ts';
import { type Customer, customerInParameter, customerTable } from '../../resources/customers.ts';
import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { changedSubscription, type SubscriptionChange } from '../subscriptions/subscription-change.ts';
import { startSubscription } from '../subscriptions/subscription-start.ts';
import {
  firstPeriodEnd,
  hasEnded,
  type Subscription,
  subscriptionTable,
} from '../subscriptions/subscription-state.ts';
import { createItem } from './invoice-item-changes.ts';
import { pendingItems } from './invoice-item-state.ts';
import type { PreviewDetails, PreviewInvoice } from './invoice-preview-parameters.ts';
import { type Invoice, renderInvoice } from './invoice-state.ts';
import { expectedInvoice, renewalInvoice } from './invoice-upcoming.ts';
import { createProrations } from './prorations.ts';

/**
 * The invoice that would come, of a subscription as it is or as a change would leave it, of a new one, or of what
 * is pending for a customer. The change is made for real and undone, so that it costs what it would cost.
 * @throws StripeError 400 for a wrong change, 404 when no invoice would come
 */
export function previewInvoice(tx: Transaction, parameters: PreviewInvoice): object {
  const undo = tx.mark();
  try {
    return renderInvoice(preview(tx, parameters));
  } finally {
    undo();
  }
}

function preview(tx: Transaction, parameters: PreviewInvoice): Invoice {
  const { subscription_details: details, invoice_items: items = [] } = parameters;
  const named = subscriptionInParameter(tx, parameters.subscription);
  const customer = customerOf(tx, named, parameters.customer);
  const isNew = named === null && details?.items !== undefined;
  const before = named ?? (isNew ? null : nextOf(tx, customer));
  for (const { price, ...item } of items) {
    const pricing = price === undefined ? {} : { pricing: { price } };
    const subscription = before === null ? {} : { subscription: before.id };
    createItem(tx, { ...item, ...pricing, ...subscription, customer: customer.id });
  }
  if (before) return ofChange(tx, { customer, before, details: details ?? {} });
  if (isNew) return ofNew(tx, customer, details);
  return ofPending(tx, customer);
}

/** The renewal after a change, or the invoice that the change itself brings. */
function ofChange(
  tx: Transaction,
  change: { customer: Customer; before: Subscription; details: PreviewDetails },
): Invoice {
  const { before, customer, details } = change;
  if (hasEnded(before)) throw noneComes(customer);
  const { after, startsPeriods } = changeOf(tx, before, details);
  const behavior = details.proration_behavior ?? 'create_prorations';
  const now = timeOf(tx, before.test_clock);
  const at = details.proration_date ?? now;
  const isProrated = behavior !== 'none' && before.items !== after.items;
  const prorations = isProrated ? createProrations(tx, { before, after, at, startsPeriods }) : [];
  const isAtOnce =
    startsPeriods || details.cancel_now || (behavior === 'always_invoice' && prorations.length > 0);
  const invoice = isAtOnce
    ? expectedInvoice(tx, {
        customer,
        subscription: after,
        pending: pendingItems(tx, { customer: customer.id, subscription: before.id }),
        periods: startsPeriods ? after.items : [],
        at: now,
      })
    : renewalInvoice(tx, after);
  if (invoice.lines.length === 0) throw noneComes(customer);
  return invoice;
}

function changeOf(tx: Transaction, before: Subscription, details: PreviewDetails): SubscriptionChange {
  if (details.cancel_now) return { after: { ...before, items: [] }, startsPeriods: false };
  const {
    billing_cycle_anchor: anchor,
    cancel_at,
    cancel_at_period_end,
    items,
    metadata,
    trial_end,
  } = details;
  return changedSubscription(
    tx,
    before,
    {
      ...sent({ cancel_at, cancel_at_period_end, items, metadata, trial_end }),
      ...(anchor === undefined ? {} : { billing_cycle_anchor: { type: anchor } }),
    },
    (index) => `subscription_details[items][${index}]`,
  );
}

/** The first invoice of a subscription that is not there. */
function ofNew(tx: Transaction, customer: Customer, details: PreviewDetails): Invoice {
  const { items = [], metadata, trial_end } = details;
  const subscription = startSubscription(tx, {
    ...sent({ metadata, trial_end }),
    customer: customer.id,
    items: items.map(({ clear_usage: _clear, deleted: _deleted, id: _id, ...item }) => ({
      ...item,
      metadata: mergeMetadata({}, item.metadata),
    })),
  });
  const invoice = expectedInvoice(tx, {
    customer,
    subscription,
    pending: pendingItems(tx, { customer: customer.id, subscription: null }),
    periods: subscription.items,
    at: timeOf(tx, customer.test_clock),
  });
  // There is no such subscription.
  return { ...invoice, parent: null, lines: invoice.lines.map((line) => ({ ...line, subscription: null })) };
}

function ofPending(tx: Transaction, customer: Customer): Invoice {
  const pending = pendingItems(tx, { customer: customer.id, subscription: null });
  if (pending.length === 0) throw noneComes(customer);
  const at = timeOf(tx, customer.test_clock);
  return expectedInvoice(tx, { customer, subscription: null, pending, periods: [], at });
}

/** The customer's subscription that renews first. */
function nextOf(tx: Transaction, customer: Customer): Subscription | null {
  let next: Subscription | null = null;
  for (const row of tx
    .table(subscriptionTable)
    .oldestFirst({ index: { name: 'customer', key: customer.id } })) {
    if (hasEnded(row)) continue;
    if (!next || firstPeriodEnd(row.items) < firstPeriodEnd(next.items)) next = row;
  }
  return next;
}

function subscriptionInParameter(tx: Transaction, id: string | undefined): Subscription | null {
  if (id === undefined) return null;
  const subscription = tx.get(subscriptionTable, id);
  if (!subscription) throw noSuchInParameter('subscription', id, 'subscription');
  return subscription;
}

function customerOf(tx: Transaction, subscription: Subscription | null, id: string | undefined): Customer {
  if (id !== undefined) {
    const customer = customerInParameter(tx, id, 'customer');
    if (subscription === null || subscription.customer === id) return customer;
    const message = 'The subscription belongs to another customer.';
    throw invalidRequest({ param: 'subscription', message });
  }
  const customer = subscription && tx.get(customerTable, subscription.customer);
  if (customer) return customer;
  throw invalidRequest({
    message: 'You must provide a customer or a subscription to preview an invoice of.',
  });
}

function noneComes(customer: Customer): Error {
  const message = `No upcoming invoices for customer: ${customer.id}`;
  return invalidRequest({ code: 'invoice_upcoming_none', message }, 404);
}
