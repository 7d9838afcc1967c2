import { invalidRequest } from '../../api/errors.ts';
import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { priceTable } from '../catalog/catalog.ts';
import { hasSameInterval, periodAround } from './periods.ts';
import { asRecurring, type RecurringPrice } from './subscription-item-price.ts';
import type { Subscription, SubscriptionItem } from './subscription-state.ts';

/** Stripe's limits for the items of one subscription. */
const itemsMax = { classic: 20, flexible: 100 } as const;

/** What decides about the periods of a subscription's items. */
export type ItemFrame = Pick<
  Subscription,
  'id' | 'billing_cycle_anchor' | 'billing_mode' | 'currency' | 'status' | 'test_clock' | 'trial_end'
>;
type ItemPeriod = Pick<SubscriptionItem, 'current_period_start' | 'current_period_end'>;

/** The period that the present moment lies in, counted from the anchor; in a trial what is left of it. */
export function currentPeriod(tx: Transaction, frame: ItemFrame, price: RecurringPrice): ItemPeriod {
  const now = timeOf(tx, frame.test_clock);
  if (frame.status === 'trialing' && frame.trial_end !== null) {
    return { current_period_start: now, current_period_end: frame.trial_end };
  }
  return aroundMoment(frame, price, now);
}

/** The items of a subscription with the periods that a moment lies in, counted from its anchor. */
export function itemsAround(tx: Transaction, subscription: Subscription, at: number): SubscriptionItem[] {
  return subscription.items.map((item) => ({
    ...item,
    ...aroundMoment(subscription, recurringPriceOf(tx, item), at),
  }));
}

/** The price of an item with its rhythm. */
export function recurringPriceOf(tx: Transaction, item: SubscriptionItem): RecurringPrice {
  const price = tx.get(priceTable, item.price);
  if (!price) throw new Error(`price ${item.price} of item ${item.id} is gone`);
  return asRecurring(price, 'price');
}

/** @throws StripeError 400 for too many items, and in classic billing for items of different rhythms */
export function refuseUnfitItems(
  tx: Transaction,
  { billing_mode: { type } }: ItemFrame,
  items: readonly SubscriptionItem[],
): void {
  if (items.length > itemsMax[type]) {
    const message = `A subscription can have at most ${itemsMax[type]} items.`;
    throw invalidRequest({ param: 'items', message });
  }
  const [first, ...others] = items.map((item) => recurringPriceOf(tx, item).recurring);
  if (type === 'classic' && first && !others.every((other) => hasSameInterval(first, other))) {
    const message =
      'Currency and interval fields must match across all plans on this subscription. Found mismatch in interval field.';
    throw invalidRequest({ param: 'items', message });
  }
}

function aroundMoment(frame: ItemFrame, { recurring }: RecurringPrice, at: number): ItemPeriod {
  const { start, end } = periodAround(frame.billing_cycle_anchor, recurring, at);
  return { current_period_start: start, current_period_end: end };
}
