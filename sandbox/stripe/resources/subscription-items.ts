import { z } from 'zod';
import { invalidRequest, noSuchInParameter, noSuchInPath } from '../api/errors.ts';
import { listParameters, pageOfRows } from '../api/lists.ts';
import { boolean, metadata, text } from '../api/parameters.ts';
import { itemParameters } from '../billing/subscriptions/subscription-item-changes.ts';
import { billingParameters } from '../billing/subscriptions/subscription-parameters.ts';
import {
  itemOwnerTable,
  renderItem,
  type Subscription,
  type SubscriptionItem,
  subscriptionTable,
} from '../billing/subscriptions/subscription-state.ts';
import { updateAsAsked } from '../billing/subscriptions/subscription-update.ts';
import { type Resource, route } from '../resource.ts';
import type { Transaction } from '../state/transaction.ts';

const createParameters = z.strictObject({ ...billingParameters, ...itemParameters, subscription: text });
const updateParameters = z.strictObject({
  ...billingParameters,
  ...itemParameters,
  metadata: metadata.optional(),
  off_session: boolean.optional(),
});
/** Usage is not kept, so that clearing it has no effect. */
const deleteParameters = z.strictObject({ ...billingParameters, clear_usage: boolean.optional() });

interface Found {
  readonly subscription: Subscription;
  readonly item: SubscriptionItem;
}

function find(tx: Transaction, id: string): Found | undefined {
  const owner = tx.get(itemOwnerTable, id);
  const subscription = owner && tx.get(subscriptionTable, owner.subscription);
  const item = subscription?.items.find((one) => one.id === id);
  return subscription && item ? { subscription, item } : undefined;
}

function existing(tx: Transaction, id: string): Found {
  const found = find(tx, id);
  if (!found) throw noSuchInPath('subscription item', id);
  return found;
}

/** The parameters of an item stand in the request itself. */
const ofRequest = (): string => '';

function create(tx: Transaction, parameters: z.infer<typeof createParameters>): object {
  const { metadata: set, price, price_data, quantity, subscription: id, ...billing } = parameters;
  const before = subscriptionInParameter(tx, id);
  const entry = { metadata: set, price, price_data, quantity };
  const after = updateAsAsked(tx, before, { ...billing, items: [entry] }, ofRequest);
  const items = after.pending_update?.subscription_items ?? after.items;
  const item = items.find((one) => !before.items.some((known) => known.id === one.id));
  if (!item) throw new Error(`subscription ${id} has no new item`);
  return renderItem(tx, item);
}

function update(tx: Transaction, id: string, parameters: z.infer<typeof updateParameters>): object {
  const { subscription, item } = existing(tx, id);
  const { metadata: change, price, price_data, quantity, ...billing } = parameters;
  const entry = { id, metadata: change, price, price_data, quantity };
  const after = updateAsAsked(tx, subscription, { ...billing, items: [entry] }, ofRequest);
  return renderItem(tx, after.items.find((one) => one.id === id) ?? item);
}

function remove(tx: Transaction, id: string, parameters: z.infer<typeof deleteParameters>): object {
  const { subscription } = existing(tx, id);
  if (subscription.items.length === 1) {
    throw invalidRequest({
      message: 'A subscription must have at least one active plan. Cancel the subscription instead.',
    });
  }
  const { clear_usage: _, ...billing } = parameters;
  updateAsAsked(tx, subscription, { ...billing, items: [{ id, deleted: true }] }, ofRequest);
  return { id, object: 'subscription_item', deleted: true };
}

function subscriptionInParameter(tx: Transaction, id: string): Subscription {
  const subscription = tx.get(subscriptionTable, id);
  if (!subscription) throw noSuchInParameter('subscription', id, 'subscription');
  return subscription;
}

export const subscriptionItems: Resource = {
  object: 'subscription_item',
  keeps: 'price, quantity, period',
  expandable: { price: 'price', subscription: 'subscription' },
  find: (tx, id) => {
    const found = find(tx, id);
    return found && renderItem(tx, found.item);
  },
  routes: [
    route({
      method: 'POST',
      path: '/v1/subscription_items',
      parameters: createParameters,
      handle: ({ tx, parameters }) => create(tx, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/subscription_items/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => renderItem(tx, existing(tx, id).item),
    }),
    route({
      method: 'POST',
      path: '/v1/subscription_items/:id',
      parameters: updateParameters,
      handle: ({ tx, id, parameters }) => update(tx, id, parameters),
    }),
    route({
      method: 'DELETE',
      path: '/v1/subscription_items/:id',
      parameters: deleteParameters,
      handle: ({ tx, id, parameters }) => remove(tx, id, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/subscription_items',
      parameters: z.strictObject({ ...listParameters, subscription: text }),
      handle: ({ tx, parameters }) =>
        pageOfRows(subscriptionInParameter(tx, parameters.subscription).items, {
          noun: 'subscription item',
          parameters,
          render: (item) => renderItem(tx, item),
          url: '/v1/subscription_items',
        }),
    }),
  ],
};
