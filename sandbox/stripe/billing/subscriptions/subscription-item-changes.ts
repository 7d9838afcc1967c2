import type { z } from 'zod';
import { invalidRequest, noSuchInParameter } from '../../api/errors.ts';
import { boolean, mergeMetadata, metadata, metadataHash, natural, text } from '../../api/parameters.ts';
import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { hasSameInterval } from './periods.ts';
import {
  currentPeriod,
  type ItemFrame,
  recurringPriceOf,
  refuseUnfitItems,
} from './subscription-item-periods.ts';
import { itemPrice, itemPriceData, paramIn, type RecurringPrice } from './subscription-item-price.ts';
import type { Subscription, SubscriptionItem } from './subscription-state.ts';

/** One entry of `items[]`, without what only an update knows. */
export const itemParameters = {
  metadata: metadataHash.optional(),
  price: text.optional(),
  price_data: itemPriceData.optional(),
  quantity: natural.optional(),
};
/** One entry of an update's `items[]`. Usage is not kept, so that clearing it has no effect. */
export const changedItemParameters = {
  ...itemParameters,
  metadata: metadata.optional(),
  clear_usage: boolean.optional(),
  deleted: boolean.optional(),
  id: text.optional(),
};

export type ItemParameters = {
  [Key in keyof typeof itemParameters]?: z.infer<(typeof changedItemParameters)[Key]>;
};
export type ItemChange = ItemParameters & { id?: string | undefined; deleted?: boolean | undefined };

/** An entry of the request, and where in it it stands, such as `items[0]`; empty for the request itself. */
interface Sent {
  readonly frame: ItemFrame;
  readonly entry: ItemParameters;
  readonly param: string;
}

/**
 * The items of a new subscription: each period starts now.
 * @throws StripeError 400 that names the wrong item
 */
export function startItems(
  tx: Transaction,
  frame: ItemFrame,
  entries: readonly ItemParameters[],
): SubscriptionItem[] {
  const now = timeOf(tx, frame.test_clock);
  const items = entries.map((entry, index) => ({
    ...addItem(tx, { frame, entry, param: `items[${index}]` }),
    current_period_start: now,
  }));
  refuseUnfitItems(tx, frame, items);
  return items;
}

/**
 * The items after an update. An entry without an id adds an item, also when another has the same price.
 * @param paramOf where in the request an entry stands
 * @throws StripeError 400 that names the wrong entry
 */
export function changeItems(
  tx: Transaction,
  subscription: Subscription,
  changes: readonly ItemChange[],
  paramOf: (index: number) => string = (index) => `items[${index}]`,
): SubscriptionItem[] {
  const items = [...subscription.items];
  for (const [index, change] of changes.entries()) {
    const sent = { frame: subscription, entry: change, param: paramOf(index) };
    if (change.id === undefined) {
      items.push(addItem(tx, sent));
      continue;
    }
    const position = items.findIndex((item) => item.id === change.id);
    const item = items[position];
    if (!item) throw noSuchInParameter('subscription item', change.id, paramIn(sent.param, 'id'));
    if (change.deleted) items.splice(position, 1);
    else items[position] = changeItem(tx, item, sent);
  }
  if (items.length === 0) {
    throw invalidRequest({
      param: 'items',
      message: 'A subscription must have at least one active plan. Cancel the subscription instead.',
    });
  }
  refuseUnfitItems(tx, subscription, items);
  return items;
}

/** One item with another quantity, price or metadata; another rhythm gives it another period. */
function changeItem(
  tx: Transaction,
  item: SubscriptionItem,
  { frame, entry, param }: Sent,
): SubscriptionItem {
  const before = recurringPriceOf(tx, item);
  const isOther = entry.price_data !== undefined || (entry.price ?? item.price) !== item.price;
  const price = isOther ? itemPrice(tx, { sent: entry, param, currency: frame.currency }) : before;
  refuseQuantityOfMetered(price, entry.quantity, param);
  const { quantity, ...rest } = item;
  // A trial's period is the trial, whatever is sold.
  const isSamePeriod = frame.status === 'trialing' || hasSameInterval(before.recurring, price.recurring);
  return {
    ...rest,
    ...(isSamePeriod ? {} : currentPeriod(tx, frame, price)),
    price: price.id,
    metadata: mergeMetadata(item.metadata, entry.metadata),
    ...quantityOf(price, entry.quantity ?? quantity),
  };
}

function addItem(tx: Transaction, { frame, entry, param }: Sent): SubscriptionItem {
  const price = itemPrice(tx, { sent: entry, param, currency: frame.currency });
  refuseQuantityOfMetered(price, entry.quantity, param);
  return {
    id: tx.newId('si'),
    object: 'subscription_item',
    billing_thresholds: null,
    created: timeOf(tx, frame.test_clock),
    ...currentPeriod(tx, frame, price),
    current_trial: null,
    discounts: [],
    metadata: mergeMetadata({}, entry.metadata),
    price: price.id,
    ...quantityOf(price, entry.quantity),
    subscription: frame.id,
    tax_rates: [],
  };
}

function quantityOf(price: RecurringPrice, quantity: number | undefined): { quantity?: number } {
  return price.recurring.usage_type === 'metered' ? {} : { quantity: quantity ?? 1 };
}

function refuseQuantityOfMetered(price: RecurringPrice, quantity: number | undefined, param: string): void {
  if (price.recurring.usage_type !== 'metered' || quantity === undefined) return;
  throw invalidRequest({
    param: paramIn(param, 'quantity'),
    message: 'Quantity should not be specified where usage_type is `metered`.',
  });
}
