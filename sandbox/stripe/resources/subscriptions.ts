import { z } from 'zod';
import { priceTable } from '../catalog.ts';
import { invalidRequest, noSuchInParameter, noSuchInPath, parameterMissing } from '../errors.ts';
import { listParameters, pageOfTable } from '../lists.ts';
import {
  boolean,
  clearableText,
  createdFilter,
  isCreatedWithin,
  mergeMetadata,
  metadata,
  natural,
  sent,
  text,
  timestamp,
} from '../parameters.ts';
import { type Resource, route } from '../resource.ts';
import { changeItems, itemParameters, startItems } from '../subscription-item-changes.ts';
import { billNewSubscription, emitCharge, emitStarted, settleCurrency } from '../subscription-start.ts';
import {
  endSubscription,
  hasEnded,
  inertSubscription,
  lastPeriodEnd,
  renderSubscription,
  type Subscription,
  storeSubscription,
  subscriptionStatuses,
  subscriptionTable,
  updateSubscription,
} from '../subscription-state.ts';
import type { Transaction } from '../transaction.ts';
import { customerInParameter, isKnownCustomer } from './customers.ts';

const daySeconds = 86_400;

const cancellationDetails = z.strictObject({
  comment: clearableText.optional(),
  feedback: clearableText.optional(),
});

/** Accepted and without effect until payments are simulated. */
const accepted = {
  automatic_tax: z.record(z.string(), z.unknown()).optional(),
  billing_mode: z.strictObject({ type: z.enum(['classic', 'flexible']) }).optional(),
  off_session: boolean.optional(),
  payment_behavior: z
    .enum(['allow_incomplete', 'default_incomplete', 'error_if_incomplete', 'pending_if_incomplete'])
    .optional(),
  payment_settings: z.record(z.string(), z.unknown()).optional(),
  proration_behavior: z.enum(['always_invoice', 'create_prorations', 'none']).optional(),
  proration_date: timestamp.optional(),
};
const fields = {
  ...accepted,
  cancel_at: z.union([z.literal(''), z.enum(['min_period_end', 'max_period_end']), timestamp]).optional(),
  cancel_at_period_end: boolean.optional(),
  collection_method: z.enum(['charge_automatically', 'send_invoice']).optional(),
  days_until_due: natural.optional(),
  default_payment_method: clearableText.optional(),
  description: clearableText.optional(),
  metadata: metadata.optional(),
  trial_end: z.union([z.literal('now'), timestamp]).optional(),
};
/** What a subscription is made from; Checkout makes one from the same. */
export const createSubscriptionParameters = z.strictObject({
  ...fields,
  currency: text.optional(),
  customer: text,
  items: z.array(z.strictObject(itemParameters)).min(1),
  trial_period_days: natural.optional(),
});
const updateParameters = z.strictObject({
  ...fields,
  cancellation_details: cancellationDetails.optional(),
  items: z
    .array(z.strictObject({ ...itemParameters, id: text.optional(), deleted: boolean.optional() }))
    .optional(),
  pause_collection: z
    .union([
      z.literal(''),
      z.strictObject({
        behavior: z.enum(['keep_as_draft', 'mark_uncollectible', 'void']),
        resumes_at: timestamp.optional(),
      }),
    ])
    .optional(),
});
const cancelParameters = z.strictObject({
  cancellation_details: cancellationDetails.optional(),
  invoice_now: boolean.optional(),
  prorate: boolean.optional(),
});
const listSchema = z.strictObject({
  ...listParameters,
  collection_method: z.enum(['charge_automatically', 'send_invoice']).optional(),
  created: createdFilter,
  customer: text.optional(),
  price: text.optional(),
  status: z.enum([...subscriptionStatuses, 'all', 'ended']).optional(),
  test_clock: text.optional(),
});

/** Makes a subscription without its invoice; nothing is emitted yet. */
export function startSubscription(
  tx: Transaction,
  parameters: z.infer<typeof createSubscriptionParameters>,
): Subscription {
  const customer = customerInParameter(tx, parameters.customer, 'customer');
  const id = tx.newId('sub');
  const trialEnd = trialEndOf(tx, parameters);
  const items = startItems(tx, { subscription: id, items: parameters.items, periodEnd: trialEnd });
  const [first] = items;
  const currency = first ? tx.get(priceTable, first.price)?.currency : undefined;
  if (!currency) throw parameterMissing('items');
  const row: Subscription = {
    id,
    object: 'subscription',
    ...inertSubscription,
    billing_cycle_anchor: trialEnd ?? tx.now,
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: null,
    cancellation_details: { comment: null, feedback: null, feedback_option: null, reason: null },
    collection_method: parameters.collection_method ?? 'charge_automatically',
    created: tx.now,
    currency,
    customer: customer.id,
    days_until_due: parameters.days_until_due ?? null,
    default_payment_method: parameters.default_payment_method ?? null,
    description: parameters.description ?? null,
    ended_at: null,
    items,
    latest_invoice: null,
    metadata: mergeMetadata({}, parameters.metadata),
    pause_collection: null,
    start_date: tx.now,
    status: statusAtStart(parameters, trialEnd),
    trial_end: trialEnd,
    trial_start: trialEnd === null ? null : tx.now,
  };
  return storeSubscription(tx, { ...row, ...cancellationOf(tx, row, parameters) });
}

function create(tx: Transaction, parameters: z.infer<typeof createSubscriptionParameters>): object {
  const subscription = startSubscription(tx, parameters);
  const isPaidLater =
    subscription.status === 'incomplete' || subscription.collection_method === 'send_invoice';
  const started = billNewSubscription(tx, { subscription, pay: isPaidLater ? 'later' : 'now' });
  emitCharge(tx, started);
  settleCurrency(tx, started);
  emitStarted(tx, started);
  return renderSubscription(tx, started.subscription);
}

/** `default_incomplete` waits for the client to pay; every other way ends active, because cards always work. */
function statusAtStart(
  parameters: z.infer<typeof createSubscriptionParameters>,
  trialEnd: number | null,
): Subscription['status'] {
  if (trialEnd !== null) return 'trialing';
  const isSent = parameters.collection_method === 'send_invoice';
  return parameters.payment_behavior === 'default_incomplete' && !isSent ? 'incomplete' : 'active';
}

function trialEndOf(
  tx: Transaction,
  parameters: z.infer<typeof createSubscriptionParameters>,
): number | null {
  if (typeof parameters.trial_end === 'number') {
    if (parameters.trial_end <= tx.now) {
      throw invalidRequest({
        param: 'trial_end',
        message: 'Invalid timestamp: must be an integer Unix timestamp in the future.',
      });
    }
    return parameters.trial_end;
  }
  return parameters.trial_period_days ? tx.now + parameters.trial_period_days * daySeconds : null;
}

type Cancellation = Partial<
  Pick<Subscription, 'cancel_at' | 'cancel_at_period_end' | 'canceled_at' | 'cancellation_details'>
>;

/** What a request to end later changes; taking it back clears the same fields. */
function cancellationOf(
  tx: Transaction,
  row: Subscription,
  parameters: { cancel_at?: string | number | undefined; cancel_at_period_end?: boolean | undefined },
): Cancellation {
  const { cancel_at: at, cancel_at_period_end: atPeriodEnd } = parameters;
  if (at === undefined && atPeriodEnd === undefined) return {};
  if (at !== undefined && at !== '' && atPeriodEnd) {
    throw invalidRequest({
      param: 'cancel_at_period_end',
      message: 'You can only specify one of these: cancel_at, cancel_at_period_end.',
    });
  }
  const reason = (asked: boolean): CancellationReason => (asked ? 'cancellation_requested' : null);
  const changed = (cancelAt: number | null, isAtPeriodEnd: boolean): Cancellation => ({
    cancel_at: cancelAt,
    cancel_at_period_end: isAtPeriodEnd,
    canceled_at: cancelAt === null ? null : (row.canceled_at ?? tx.now),
    cancellation_details: { ...row.cancellation_details, reason: reason(cancelAt !== null) },
  });
  if (atPeriodEnd) return changed(lastPeriodEnd(row.items), true);
  if (typeof at === 'number') {
    if (at <= tx.now)
      throw invalidRequest({
        param: 'cancel_at',
        message: 'The `cancel_at` timestamp must be in the future.',
      });
    return changed(at, false);
  }
  if (at === 'max_period_end') return changed(lastPeriodEnd(row.items), false);
  if (at === 'min_period_end')
    return changed(Math.min(...row.items.map((item) => item.current_period_end)), false);
  return changed(null, false);
}

type CancellationReason = Subscription['cancellation_details']['reason'];

function update(tx: Transaction, id: string, parameters: z.infer<typeof updateParameters>): object {
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
  pause: Exclude<z.infer<typeof updateParameters>['pause_collection'], undefined>,
): Subscription['pause_collection'] {
  return pause === '' ? null : { behavior: pause.behavior, resumes_at: pause.resumes_at ?? null };
}

function trialChange(tx: Transaction, trialEnd: 'now' | number): Partial<Subscription> {
  return trialEnd === 'now'
    ? { status: 'active', trial_end: tx.now }
    : { status: 'trialing', trial_end: trialEnd };
}

/** @throws StripeError 400 for changes that a finished or a not yet started subscription does not take */
function refuseIfFinal(row: Subscription, parameters: z.infer<typeof updateParameters>): void {
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

function cancel(tx: Transaction, id: string, parameters: z.infer<typeof cancelParameters>): object {
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

function list(tx: Transaction, parameters: z.infer<typeof listSchema>): object {
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

function hasStatus(row: Subscription, wanted: z.infer<typeof listSchema>['status']): boolean {
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
function endWhatIsDue(tx: Transaction): void {
  for (const row of [...tx.table(subscriptionTable).oldestFirst()]) {
    if (hasEnded(row)) continue;
    if (row.cancel_at !== null && row.cancel_at <= tx.now) {
      endSubscription(tx, row, { endedAt: row.cancel_at, details: {} });
    } else if (row.status === 'trialing' && row.trial_end !== null && row.trial_end <= tx.now) {
      updateSubscription(tx, row, { status: 'active' });
    }
  }
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
  onTimeMoved: endWhatIsDue,
  routes: [
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
      parameters: updateParameters,
      handle: ({ tx, id, parameters }) => update(tx, id, parameters),
    }),
    route({
      method: 'DELETE',
      path: '/v1/subscriptions/:id',
      parameters: cancelParameters,
      handle: ({ tx, id, parameters }) => cancel(tx, id, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/subscriptions',
      parameters: listSchema,
      handle: ({ tx, parameters }) => list(tx, parameters),
    }),
  ],
};
