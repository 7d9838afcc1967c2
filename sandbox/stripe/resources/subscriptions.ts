import { z } from 'zod';
import { invalidRequest, noSuchInPath } from '../api/errors.ts';
import { sent } from '../api/parameters.ts';
import { searchRoute } from '../api/search/search.ts';
import { hasExhaustedRetries } from '../billing/invoices/invoice-retries.ts';
import { invoiceTable } from '../billing/invoices/invoice-state.ts';
import { createSubscription } from '../billing/subscriptions/subscription-creation.ts';
import { runDue } from '../billing/subscriptions/subscription-due.ts';
import { cancelSubscription, endSubscription } from '../billing/subscriptions/subscription-end.ts';
import {
  followOverdue,
  followProcessing,
  followSettled,
  followUnpaid,
  followVoided,
} from '../billing/subscriptions/subscription-following.ts';
import { listSubscriptions } from '../billing/subscriptions/subscription-list.ts';
import {
  type CancelSubscription,
  cancelSubscriptionParameters,
  createSubscriptionParameters,
  listSubscriptionsParameters,
  type MigrateSubscription,
  migrateSubscriptionParameters,
  pauseSubscriptionParameters,
  resumeSubscriptionParameters,
  updateSubscriptionParameters,
} from '../billing/subscriptions/subscription-parameters.ts';
import { pauseAsAsked } from '../billing/subscriptions/subscription-pausing.ts';
import { resumeAsAsked } from '../billing/subscriptions/subscription-resumption.ts';
import { followSetup } from '../billing/subscriptions/subscription-setup.ts';
import { billingModeOf } from '../billing/subscriptions/subscription-start.ts';
import {
  hasEnded,
  renderSubscription,
  type Subscription,
  subscriptionTable,
  updateSubscription,
} from '../billing/subscriptions/subscription-state.ts';
import { updateAsAsked } from '../billing/subscriptions/subscription-update.ts';
import { type Resource, route } from '../resource.ts';
import { dueWork } from '../state/due-work.ts';
import { timeOf } from '../state/test-clocks.ts';
import type { Reaction, Transaction } from '../state/transaction.ts';

function cancel(tx: Transaction, id: string, parameters: CancelSubscription): object {
  const before = existing(tx, id);
  if (hasEnded(before)) throw noSuchInPath('subscription', id);
  const after = cancelSubscription(tx, before, {
    details: { reason: 'cancellation_requested', ...sent(parameters.cancellation_details ?? {}) },
    isInvoiced: parameters.invoice_now ?? false,
    isProrated: parameters.prorate ?? false,
  });
  return renderSubscription(tx, after);
}

function migrate(tx: Transaction, id: string, parameters: MigrateSubscription): object {
  const before = existing(tx, id);
  if (before.billing_mode.type === 'flexible') {
    throw invalidRequest({ message: 'The billing mode of the subscription is `flexible` already.' });
  }
  const mode = { ...billingModeOf(parameters.billing_mode), updated_at: timeOf(tx, before.test_clock) };
  return renderSubscription(tx, updateSubscription(tx, before, { billing_mode: mode }));
}

function existing(tx: Transaction, id: string): Subscription {
  const row = tx.get(subscriptionTable, id);
  if (!row) throw noSuchInPath('subscription', id);
  return row;
}

function endAllOf(tx: Transaction, customerId: string): void {
  const index = { name: 'customer', key: customerId };
  for (const row of [...tx.table(subscriptionTable).newestFirst({ index })]) {
    if (!hasEnded(row)) endSubscription(tx, row, {});
  }
}

/** A reaction to an event about an object with an id. */
function about(react: (tx: Transaction, id: string) => void): Reaction {
  return (tx, object) => {
    if ('id' in object) react(tx, String(object.id));
  };
}

/** Paid through Stripe: told by the later of the two events, so that what follows comes after both. */
function isPaidOutside(tx: Transaction, id: string): boolean {
  return (tx.get(invoiceTable, id)?.amount_paid_off_stripe ?? 0) > 0;
}

/** A failure that is retried is told again with the time of the retry; what follows comes after that. */
function isRetried(tx: Transaction, id: string): boolean {
  const invoice = tx.get(invoiceTable, id);
  return invoice?.auto_advance === true && !hasExhaustedRetries(tx, invoice);
}

const reactions: Resource['reactions'] = {
  'customer.deleted': about(endAllOf),
  'invoice.marked_uncollectible': about(followSettled),
  'invoice.overdue': about(followOverdue),
  'invoice.paid': about((tx, id) => {
    if (isPaidOutside(tx, id)) followSettled(tx, id);
  }),
  'invoice.payment_failed': about((tx, id) => {
    if (!isRetried(tx, id)) followUnpaid(tx, id);
  }),
  'invoice.payment_succeeded': about(followSettled),
  'invoice.updated': about(followUnpaid),
  'invoice.voided': about(followVoided),
  'payment_intent.processing': about(followProcessing),
  'setup_intent.succeeded': about(followSetup),
};

export const subscriptions: Resource = {
  object: 'subscription',
  keeps: 'items, status, periods, trial, cancellation, pauses, pending update, billing mode',
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
  reactions,
  due: dueWork(subscriptionTable, runDue),
  routes: [
    searchRoute({ of: 'subscriptions', table: subscriptionTable, render: renderSubscription }),
    route({
      method: 'POST',
      path: '/v1/subscriptions',
      parameters: createSubscriptionParameters,
      handle: ({ tx, parameters }) => renderSubscription(tx, createSubscription(tx, parameters)),
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
      handle: ({ tx, id, parameters }) =>
        renderSubscription(tx, updateAsAsked(tx, existing(tx, id), parameters)),
    }),
    route({
      method: 'DELETE',
      path: '/v1/subscriptions/:id',
      parameters: cancelSubscriptionParameters,
      handle: ({ tx, id, parameters }) => cancel(tx, id, parameters),
    }),
    route({
      method: 'POST',
      path: '/v1/subscriptions/:id/pause',
      parameters: pauseSubscriptionParameters,
      handle: ({ tx, id, parameters }) =>
        renderSubscription(tx, pauseAsAsked(tx, existing(tx, id), parameters)),
    }),
    route({
      method: 'POST',
      path: '/v1/subscriptions/:id/resume',
      parameters: resumeSubscriptionParameters,
      handle: ({ tx, id, parameters }) =>
        renderSubscription(tx, resumeAsAsked(tx, existing(tx, id), parameters)),
    }),
    route({
      method: 'POST',
      path: '/v1/subscriptions/:id/migrate',
      parameters: migrateSubscriptionParameters,
      handle: ({ tx, id, parameters }) => migrate(tx, id, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/subscriptions',
      parameters: listSubscriptionsParameters,
      handle: ({ tx, parameters }) => listSubscriptions(tx, parameters),
    }),
  ],
};
