import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { type Bill, billSubscription, emitBill, emitBillCharge } from '../invoices/invoice-billing.ts';
import { stopCollection } from '../invoices/invoice-collection.ts';
import { pendingItems } from '../invoices/invoice-item-state.ts';
import { voidInvoice } from '../invoices/invoice-settlement.ts';
import { invoiceTable } from '../invoices/invoice-state.ts';
import { createProrations, dropPendingProrations, emitProrations } from '../invoices/prorations.ts';
import { attemptFor } from './subscription-payment-method.ts';
import type { CancellationDetails } from './subscription-shape.ts';
import {
  renderSubscription,
  type Subscription,
  storeSubscription,
  updateSubscription,
} from './subscription-state.ts';

/** What an ended subscription no longer waits for. */
const nothingAhead: Subscription['internals'] = {
  expiresAt: null,
  overdue: null,
  pending: null,
  resumption: null,
  trialNoticeAt: null,
  upcoming: null,
};

/**
 * Ends a subscription: canceled with `customer.subscription.deleted`, and no last `updated`; nothing of its
 * customer is collected by itself any more. One that never started becomes `incomplete_expired`, which is an
 * update, and its invoice is voided.
 */
export function endSubscription(
  tx: Transaction,
  before: Subscription,
  details: Partial<CancellationDetails>,
): Subscription {
  const now = timeOf(tx, before.test_clock);
  const waitedFor = before.internals.pending?.invoice;
  const ended = {
    canceled_at: before.canceled_at ?? now,
    cancellation_details: { ...before.cancellation_details, ...details },
    ended_at: now,
    internals: nothingAhead,
    pending_update: null,
  };
  if (before.status === 'incomplete') {
    const expired = updateSubscription(tx, before, { ...ended, status: 'incomplete_expired' });
    voidIfOpen(tx, before.latest_invoice);
    return expired;
  }
  const { status_details: _, ...rest } = before;
  const after = storeSubscription(tx, { ...rest, ...ended, status: 'canceled' });
  tx.emit('customer.subscription.deleted', renderSubscription(tx, after));
  if (waitedFor !== undefined) voidIfOpen(tx, waitedFor);
  stopCollection(tx, after.customer);
  return after;
}

/** Ends a subscription at once because somebody asks for it, with what is billed for it or given back. */
export function cancelSubscription(
  tx: Transaction,
  before: Subscription,
  how: { details: Partial<CancellationDetails>; isInvoiced: boolean; isProrated: boolean },
): Subscription {
  const at = timeOf(tx, before.test_clock);
  const credits = how.isProrated ? createProrations(tx, { before, after: { ...before, items: [] }, at }) : [];
  emitProrations(tx, credits);
  if (!how.isInvoiced && !how.isProrated) dropPendingProrations(tx, before);
  const bill = how.isInvoiced ? finalBill(tx, before) : null;
  const billed = bill ? storeSubscription(tx, { ...before, latest_invoice: bill.invoice.id }) : before;
  const after = endSubscription(tx, billed, how.details);
  if (bill) {
    emitBillCharge(tx, bill);
    emitBill(tx, bill);
  }
  return after;
}

/** What is pending is billed when its subscription ends; null when nothing is. */
function finalBill(tx: Transaction, subscription: Subscription): Bill | null {
  const { customer, id } = subscription;
  if (pendingItems(tx, { customer, subscription: id }).length === 0) return null;
  const attempt = attemptFor(tx, subscription);
  return billSubscription(tx, { subscription, reason: 'subscription_update', items: [], attempt });
}

function voidIfOpen(tx: Transaction, id: string | null): void {
  const invoice = id === null ? undefined : tx.get(invoiceTable, id);
  if (invoice?.status === 'open') voidInvoice(tx, invoice);
}
