import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { announceDraft } from '../invoices/invoice-announcement.ts';
import { draftSubscriptionInvoice } from '../invoices/invoice-drafting.ts';
import { pendingItems } from '../invoices/invoice-item-state.ts';
import { paymentMethodFor } from '../payments/payment-attempt.ts';
import { periodAround } from './periods.ts';
import { endSubscription } from './subscription-end.ts';
import { recurringPriceOf } from './subscription-item-periods.ts';
import { isPausable, pauseSubscription } from './subscription-pausing.ts';
import {
  renderSubscription,
  type Subscription,
  type SubscriptionItem,
  storeSubscription,
  updateSubscription,
} from './subscription-state.ts';

/**
 * The periods of some items are over: the next ones begin, before anything is paid, and a draft bills them. Writes
 * the events.
 */
export function renew(tx: Transaction, before: Subscription): void {
  const now = timeOf(tx, before.test_clock);
  const isOver = (item: SubscriptionItem): boolean => item.current_period_end <= now;
  const items = before.items.map((item) => (isOver(item) ? nextPeriod(tx, before, item) : item));
  billCycle(tx, before, {
    changes: { items },
    billed: items.filter((item, index) => item !== before.items[index]),
  });
}

/** A trial is over. Without a way to pay, what was chosen for that happens. Writes the events. */
export function endTrial(tx: Transaction, before: Subscription): void {
  const behavior = before.trial_settings.end_behavior.missing_payment_method;
  const isPayable =
    before.collection_method === 'send_invoice' ||
    paymentMethodFor(tx, { customer: before.customer, subscription: before }) !== null;
  if (!isPayable && behavior === 'cancel') {
    endSubscription(tx, before, {});
    return;
  }
  if (!isPayable && behavior === 'pause' && isPausable(before)) {
    pauseSubscription(tx, before, { reason: 'trial_end_without_payment_method' });
    return;
  }
  const items = before.items.map((item) => nextPeriod(tx, before, item));
  billCycle(tx, before, { changes: { items, status: 'active' }, billed: items });
}

/** The end that was asked for has come; what is still pending is billed then. Writes the events. */
export function endAsPlanned(tx: Transaction, before: Subscription): void {
  const { customer, id, status } = before;
  const isBilled = status !== 'incomplete' && pendingItems(tx, { customer, subscription: id }).length > 0;
  if (!isBilled) {
    endSubscription(tx, before, {});
    return;
  }
  const reason = 'subscription_cycle';
  const draft = draftSubscriptionInvoice(tx, { subscription: before, reason, items: [], waits: true });
  const billed = storeSubscription(tx, { ...before, latest_invoice: draft.id });
  endSubscription(tx, billed, {});
  announceDraft(tx, draft);
}

/** Tells that a trial ends soon. */
export function tellTrialEnd(tx: Transaction, before: Subscription): void {
  const internals = { ...before.internals, trialNoticeAt: null };
  const row = storeSubscription(tx, { ...before, internals });
  tx.emit('customer.subscription.trial_will_end', renderSubscription(tx, row));
}

/** The invoices of an unpaid subscription stay drafts. */
function billCycle(
  tx: Transaction,
  before: Subscription,
  cycle: { changes: Partial<Subscription>; billed: readonly SubscriptionItem[] },
): void {
  const subscription = { ...before, ...cycle.changes };
  const draft = draftSubscriptionInvoice(tx, {
    subscription,
    reason: 'subscription_cycle',
    items: cycle.billed,
    waits: before.status !== 'unpaid',
  });
  updateSubscription(tx, before, { ...cycle.changes, latest_invoice: draft.id });
  announceDraft(tx, draft);
}

function nextPeriod(tx: Transaction, subscription: Subscription, item: SubscriptionItem): SubscriptionItem {
  const start = item.current_period_end;
  const { recurring } = recurringPriceOf(tx, item);
  const { end } = periodAround(subscription.billing_cycle_anchor, recurring, start);
  return { ...item, current_period_start: start, current_period_end: end };
}
