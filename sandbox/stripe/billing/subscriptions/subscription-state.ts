import { embeddedList } from '../../api/lists.ts';
import { defineTable } from '../../state/table.ts';
import type { Transaction } from '../../state/transaction.ts';
import { type Price, priceTable } from '../catalog/catalog.ts';
import { dueMoment } from './subscription-moments.ts';
import { firstPeriodEnd, type Subscription, type SubscriptionItem } from './subscription-shape.ts';

export {
  firstPeriodEnd,
  hasEnded,
  lastPeriodEnd,
  type Subscription,
  type SubscriptionItem,
  type SubscriptionStatus,
  subscriptionStatuses,
} from './subscription-shape.ts';

export const subscriptionTable = defineTable<Subscription>({
  noun: 'subscription',
  indexes: { customer: (row) => row.customer, test_clock: (row) => row.test_clock },
  due: dueMoment,
});

/** Which subscription an item belongs to. */
export const itemOwnerTable = defineTable<{ readonly id: string; readonly subscription: string }>({
  noun: 'subscription item',
  indexes: {},
});

/** The item as the API shows it. */
export function renderItem(tx: Transaction, item: SubscriptionItem): object {
  return { ...item, price: priceOf(tx, item) };
}

/** The subscription as the API and its events show it. */
export function renderSubscription(tx: Transaction, row: Subscription): object {
  const { internals: _, ...shown } = row;
  const renderAll = (items: readonly SubscriptionItem[]): object[] =>
    items.map((item) => renderItem(tx, item));
  const { pending_update: pending } = row;
  return {
    ...shown,
    items: embeddedList(renderAll(row.items), `/v1/subscription_items?subscription=${row.id}`),
    pending_update: pending && {
      ...pending,
      subscription_items: pending.subscription_items && renderAll(pending.subscription_items),
    },
  };
}

/** The price of an item; prices are never deleted. */
export function priceOf(tx: Transaction, item: SubscriptionItem): Price {
  const price = tx.get(priceTable, item.price);
  if (!price) throw new Error(`price ${item.price} of item ${item.id} is gone`);
  return price;
}

/** Stores a subscription, and remembers whose its items are and when its next renewal is to be told. */
export function storeSubscription(tx: Transaction, row: Subscription): Subscription {
  for (const item of row.items) {
    if (!tx.get(itemOwnerTable, item.id)) tx.put(itemOwnerTable, { id: item.id, subscription: row.id });
  }
  const internals = { ...row.internals, upcoming: upcomingOf(tx, row) };
  return tx.put(subscriptionTable, { ...row, internals });
}

/** Stores changes and writes `customer.subscription.updated` when there are any. */
export function updateSubscription(
  tx: Transaction,
  before: Subscription,
  changes: Partial<Subscription>,
): Subscription {
  const after = storeSubscription(tx, { ...before, ...changes });
  emitUpdate(tx, before, after);
  return after;
}

/** Writes `customer.subscription.updated` when what it shows has changed. */
export function emitUpdate(tx: Transaction, before: Subscription, after: Subscription): void {
  tx.emitUpdated(
    'customer.subscription.updated',
    renderSubscription(tx, before),
    renderSubscription(tx, after),
  );
}

/** Once for each period; never for one that is as short as the notice. */
function upcomingOf(tx: Transaction, row: Subscription): Subscription['internals']['upcoming'] {
  const end = firstPeriodEnd(row.items);
  if (row.internals.upcoming?.end === end) return row.internals.upcoming;
  const noticeSeconds = tx.account.billing.upcomingNoticeSeconds;
  const start = Math.max(...row.items.map((item) => item.current_period_start));
  const isPossible = noticeSeconds > 0 && end - noticeSeconds > start;
  return { end, at: isPossible ? end - noticeSeconds : null };
}
