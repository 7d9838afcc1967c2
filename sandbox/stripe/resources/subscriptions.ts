import { z } from 'zod';
import { invalidRequest, noSuchInParameter, noSuchInPath } from '../api/errors.ts';
import { pageOfTable } from '../api/lists.ts';
import { isCreatedWithin, mergeMetadata, sent } from '../api/parameters.ts';
import { searchRoute } from '../api/search.ts';
import { cancellationOf } from '../billing/subscription-cancellation.ts';
import { changeItems } from '../billing/subscription-item-changes.ts';
import {
  type CancelSubscription,
  type CreateSubscription,
  cancelSubscriptionParameters,
  createSubscriptionParameters,
  type ListSubscriptions,
  listSubscriptionsParameters,
  type UpdateSubscription,
  updateSubscriptionParameters,
} from '../billing/subscription-parameters.ts';
import {
  billNewSubscription,
  emitCharge,
  emitStarted,
  settleCurrency,
  startSubscription,
} from '../billing/subscription-start.ts';
import {
  endSubscription,
  hasEnded,
  renderSubscription,
  type Subscription,
  subscriptionTable,
  updateSubscription,
} from '../billing/subscription-state.ts';
import { type Resource, route } from '../resource.ts';
import { dueWork } from '../state/due-work.ts';
import type { Transaction } from '../state/transaction.ts';
import { isKnownCustomer } from './customers.ts';

function create(tx: Transaction, parameters: CreateSubscription): object {
  const subscription = startSubscription(tx, parameters);
  const isPaidLater =
    subscription.status === 'incomplete' || subscription.collection_method === 'send_invoice';
  const started = billNewSubscription(tx, { subscription, pay: isPaidLater ? 'later' : 'now' });
  emitCharge(tx, started);
  settleCurrency(tx, started);
  emitStarted(tx, started);
  return renderSubscription(tx, started.subscription);
}

function update(tx: Transaction, id: string, parameters: UpdateSubscription): object {
  const before = existing(tx, id);
  refuseIfFinal(before, parameters);
  const { items, pause_collection: pause, trial_end: trialEnd } = parameters;
  const changedItems = items ? changeItems(tx, before, items) : before.items;
  const { collection_method, days_until_due, default_payment_method, description } = parameters;
  const cancellation = cancellationOf(tx, { ...before, items: changedItems }, parameters);
  const after = updateSubscription(tx, before, {
    ...sent({ collection_method, days_until_due, default_payment_method, description }),
    ...cancellation,
    cancellation_details: {
      ...(cancellation.cancellation_details ?? before.cancellation_details),
      ...sent(parameters.cancellation_details ?? {}),
    },
    items: changedItems,
    metadata: mergeMetadata(before.metadata, parameters.metadata),
    ...(pause === undefined ? {} : { pause_collection: pauseOf(pause) }),
    ...(trialEnd === undefined ? {} : trialChange(tx, trialEnd)),
  });
  return renderSubscription(tx, after);
}

function pauseOf(
  pause: Exclude<UpdateSubscription['pause_collection'], undefined>,
): Subscription['pause_collection'] {
  return pause === '' ? null : { behavior: pause.behavior, resumes_at: pause.resumes_at ?? null };
}

function trialChange(tx: Transaction, trialEnd: 'now' | number): Partial<Subscription> {
  return trialEnd === 'now'
    ? { status: 'active', trial_end: tx.now }
    : { status: 'trialing', trial_end: trialEnd };
}

/** @throws StripeError 400 for changes that a finished or a not yet started subscription does not take */
function refuseIfFinal(row: Subscription, parameters: UpdateSubscription): void {
  const { metadata: _, cancellation_details: __, ...others } = parameters;
  if (Object.keys(sent(others)).length === 0) return;
  if (hasEnded(row)) {
    const message = 'A canceled subscription can only update its cancellation_details and metadata.';
    throw invalidRequest({ code: 'invalid_canceled_subscription_fields', message });
  }
  if (row.status === 'incomplete') {
    throw invalidRequest({
      message: 'Subscription is incomplete: only its metadata and default_source can be updated.',
    });
  }
}

function cancel(tx: Transaction, id: string, parameters: CancelSubscription): object {
  const before = existing(tx, id);
  if (hasEnded(before)) throw noSuchInPath('subscription', id);
  const after = endSubscription(tx, before, {
    endedAt: tx.now,
    details: { reason: 'cancellation_requested', ...sent(parameters.cancellation_details ?? {}) },
  });
  return renderSubscription(tx, after);
}

function existing(tx: Transaction, id: string): Subscription {
  const row = tx.get(subscriptionTable, id);
  if (!row) throw noSuchInPath('subscription', id);
  return row;
}

function list(tx: Transaction, parameters: ListSubscriptions): object {
  const { customer } = parameters;
  if (customer !== undefined && !isKnownCustomer(tx, customer)) {
    throw noSuchInParameter('customer', customer, 'customer');
  }
  return pageOfTable(tx, {
    table: subscriptionTable,
    index: customer === undefined ? undefined : { name: 'customer', key: customer },
    parameters,
    where: (row) =>
      hasStatus(row, parameters.status) &&
      (parameters.price === undefined || row.items.some((item) => item.price === parameters.price)) &&
      (parameters.collection_method === undefined ||
        row.collection_method === parameters.collection_method) &&
      parameters.test_clock === undefined &&
      isCreatedWithin(row.created, parameters.created),
    render: (row) => renderSubscription(tx, row),
    url: '/v1/subscriptions',
  });
}

function hasStatus(row: Subscription, wanted: ListSubscriptions['status']): boolean {
  if (wanted === undefined) return row.status !== 'canceled';
  if (wanted === 'all') return true;
  return wanted === 'ended' ? hasEnded(row) : row.status === wanted;
}

function endAllOf(tx: Transaction, customerId: string): void {
  const rows = [...tx.table(subscriptionTable).newestFirst({ index: { name: 'customer', key: customerId } })];
  for (const row of rows) {
    if (!hasEnded(row)) endSubscription(tx, row, { endedAt: tx.now, details: {} });
  }
}

/** Ends what was to end by now, and the trials that are over. */
function endWhatIsDue(tx: Transaction, row: Subscription): void {
  const isCanceled = row.cancel_at !== null && row.cancel_at <= (row.trial_end ?? row.cancel_at);
  if (isCanceled) endSubscription(tx, row, { endedAt: tx.now, details: {} });
  else updateSubscription(tx, row, { status: 'active' });
}

export const subscriptions: Resource = {
  object: 'subscription',
  expandable: {
    customer: 'customer',
    default_payment_method: 'payment_method',
    default_source: 'source',
    latest_invoice: 'invoice',
    pending_setup_intent: 'setup_intent',
    schedule: 'subscription_schedule',
    test_clock: 'test_helpers.test_clock',
  },
  find: (tx, id) => {
    const row = tx.get(subscriptionTable, id);
    return row && renderSubscription(tx, row);
  },
  reactions: {
    'customer.deleted': (tx, customer) => {
      if ('id' in customer) endAllOf(tx, String(customer.id));
    },
  },
  due: dueWork(subscriptionTable, endWhatIsDue),
  routes: [
    searchRoute({ of: 'subscriptions', table: subscriptionTable, render: renderSubscription }),
    route({
      method: 'POST',
      path: '/v1/subscriptions',
      parameters: createSubscriptionParameters,
      handle: ({ tx, parameters }) => create(tx, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/subscriptions/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => renderSubscription(tx, existing(tx, id)),
    }),
    route({
      method: 'POST',
      path: '/v1/subscriptions/:id',
      parameters: updateSubscriptionParameters,
      handle: ({ tx, id, parameters }) => update(tx, id, parameters),
    }),
    route({
      method: 'DELETE',
      path: '/v1/subscriptions/:id',
      parameters: cancelSubscriptionParameters,
      handle: ({ tx, id, parameters }) => cancel(tx, id, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/subscriptions',
      parameters: listSubscriptionsParameters,
      handle: ({ tx, parameters }) => list(tx, parameters),
    }),
  ],
};
