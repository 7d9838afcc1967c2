import { z } from 'zod';
import { invalidRequest, noSuchInParameter, noSuchInPath } from '../api/errors.ts';
import { listParameters, pageOfRows } from '../api/lists.ts';
import { boolean, text } from '../api/parameters.ts';
import { addItem, changeItem, itemParameters } from '../billing/subscription-item-changes.ts';
import {
  itemOwnerTable,
  renderItem,
  type Subscription,
  type SubscriptionItem,
  subscriptionTable,
  updateSubscription,
} from '../billing/subscription-state.ts';
import { type Resource, route } from '../resource.ts';
import type { Transaction } from '../state/transaction.ts';

const accepted = {
  payment_behavior: z
    .enum(['allow_incomplete', 'default_incomplete', 'error_if_incomplete', 'pending_if_incomplete'])
    .optional(),
  proration_behavior: z.enum(['always_invoice', 'create_prorations', 'none']).optional(),
};
const createParameters = z.strictObject({ ...accepted, ...itemParameters, subscription: text });
const updateParameters = z.strictObject({ ...accepted, ...itemParameters, off_session: boolean.optional() });
const deleteParameters = z.strictObject({
  proration_behavior: accepted.proration_behavior,
  clear_usage: boolean.optional(),
});

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

function create(tx: Transaction, parameters: z.infer<typeof createParameters>): object {
  const subscription = subscriptionInParameter(tx, parameters.subscription);
  const item = addItem(tx, subscription, parameters, '');
  updateSubscription(tx, subscription, { items: [...subscription.items, item] });
  return renderItem(tx, item);
}

function update(tx: Transaction, id: string, parameters: z.infer<typeof updateParameters>): object {
  const { subscription, item } = existing(tx, id);
  const changed = changeItem(tx, item, parameters, '');
  updateSubscription(tx, subscription, {
    items: subscription.items.map((one) => (one.id === id ? changed : one)),
  });
  return renderItem(tx, changed);
}

function remove(tx: Transaction, id: string): object {
  const { subscription } = existing(tx, id);
  if (subscription.items.length === 1) {
    throw invalidRequest({
      message: 'A subscription must have at least one active plan. Cancel the subscription instead.',
    });
  }
  updateSubscription(tx, subscription, { items: subscription.items.filter((one) => one.id !== id) });
  return { id, object: 'subscription_item', deleted: true };
}

function subscriptionInParameter(tx: Transaction, id: string): Subscription {
  const subscription = tx.get(subscriptionTable, id);
  if (!subscription) throw noSuchInParameter('subscription', id, 'subscription');
  return subscription;
}

export const subscriptionItems: Resource = {
  object: 'subscription_item',
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
      handle: ({ tx, id }) => remove(tx, id),
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
