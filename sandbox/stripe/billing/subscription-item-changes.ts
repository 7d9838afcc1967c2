import type { z } from 'zod';
import { invalidRequest, noSuchInParameter, parameterMissing } from '../api/errors.ts';
import { mergeMetadata, metadata, natural, text } from '../api/parameters.ts';
import type { Transaction } from '../state/transaction.ts';
import { type Price, priceInParameter } from './catalog.ts';
import { periodEnd } from './periods.ts';
import type { Subscription, SubscriptionItem } from './subscription-state.ts';

/** One entry of `items[]`, without what only an update knows. */
export const itemParameters = {
  metadata: metadata.optional(),
  price: text.optional(),
  quantity: natural.optional(),
};

type ItemParameters = { [Key in keyof typeof itemParameters]?: z.infer<(typeof itemParameters)[Key]> };
type ItemChange = ItemParameters & { id?: string | undefined; deleted?: boolean | undefined };

/**
 * The items of a new subscription.
 * @param start.periodEnd unix seconds; null: one interval of each price
 * @throws StripeError 400 that names the wrong item
 */
export function startItems(
  tx: Transaction,
  start: { subscription: string; items: readonly ItemParameters[]; periodEnd: number | null },
): SubscriptionItem[] {
  return start.items.map((sentItem, index) =>
    newItem(tx, { ...start, sent: sentItem, param: `items[${index}]`, from: tx.now }),
  );
}

/**
 * The items after an update. An entry without an id adds an item, also when another has the same price.
 * @throws StripeError 400 that names the wrong entry
 */
export function changeItems(
  tx: Transaction,
  subscription: Subscription,
  changes: readonly ItemChange[],
): SubscriptionItem[] {
  const items = [...subscription.items];
  for (const [index, change] of changes.entries()) {
    const param = `items[${index}]`;
    if (change.id === undefined) {
      items.push(addItem(tx, subscription, change, param));
      continue;
    }
    const position = items.findIndex((item) => item.id === change.id);
    const item = items[position];
    if (!item) throw noSuchInParameter('subscription item', change.id, `${param}[id]`);
    if (change.deleted) items.splice(position, 1);
    else items[position] = changeItem(tx, item, change, param);
  }
  if (items.length === 0) {
    throw invalidRequest({
      param: 'items',
      message: 'A subscription must have at least one active plan. Cancel the subscription instead.',
    });
  }
  return items;
}

/** One item with another quantity, price or metadata. @throws StripeError 400 */
export function changeItem(
  tx: Transaction,
  item: SubscriptionItem,
  change: ItemParameters,
  param: string,
): SubscriptionItem {
  const price = recurringPrice(tx, change.price ?? item.price, priceParam(param));
  refuseQuantityOfMetered(price, change.quantity, param);
  const { quantity: before, ...rest } = item;
  const quantity = quantityOf(price, change.quantity ?? before);
  return { ...rest, price: price.id, metadata: mergeMetadata(item.metadata, change.metadata), ...quantity };
}

/** An item that joins a running subscription: its period is that of the others with the same interval. */
export function addItem(
  tx: Transaction,
  subscription: Subscription,
  sentItem: ItemParameters,
  param: string,
): SubscriptionItem {
  const sibling = subscription.items.find((item) => item.current_period_end > tx.now);
  return newItem(tx, {
    subscription: subscription.id,
    sent: sentItem,
    param,
    from: sibling?.current_period_start ?? tx.now,
    periodEnd: subscription.status === 'trialing' ? subscription.trial_end : null,
  });
}

function newItem(
  tx: Transaction,
  start: {
    subscription: string;
    sent: ItemParameters;
    param: string;
    from: number;
    periodEnd: number | null;
  },
): SubscriptionItem {
  const { sent: sentItem, param } = start;
  if (sentItem.price === undefined) throw parameterMissing(priceParam(param));
  const price = recurringPrice(tx, sentItem.price, priceParam(param));
  refuseQuantityOfMetered(price, sentItem.quantity, param);
  return {
    id: tx.newId('si'),
    object: 'subscription_item',
    billing_thresholds: null,
    created: tx.now,
    current_period_end: start.periodEnd ?? periodEnd(start.from, price.recurring),
    current_period_start: start.from,
    current_trial: null,
    discounts: [],
    metadata: mergeMetadata({}, sentItem.metadata),
    price: price.id,
    ...quantityOf(price, sentItem.quantity),
    subscription: start.subscription,
    tax_rates: [],
  };
}

type RecurringPrice = Price & { readonly recurring: NonNullable<Price['recurring']> };

function recurringPrice(tx: Transaction, id: string, param: string): RecurringPrice {
  const price = priceInParameter(tx, id, param);
  const { recurring } = price;
  if (recurring) return { ...price, recurring };
  throw invalidRequest({
    param,
    message:
      'The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.',
  });
}

function quantityOf(price: RecurringPrice, quantity: number | undefined): { quantity?: number } {
  return price.recurring.usage_type === 'metered' ? {} : { quantity: quantity ?? 1 };
}

function refuseQuantityOfMetered(price: RecurringPrice, quantity: number | undefined, param: string): void {
  if (price.recurring.usage_type !== 'metered' || quantity === undefined) return;
  const name = param === '' ? 'quantity' : `${param}[quantity]`;
  throw invalidRequest({
    param: name,
    message: 'Quantity should not be specified where usage_type is `metered`.',
  });
}

function priceParam(param: string): string {
  return param === '' ? 'price' : `${param}[price]`;
}
