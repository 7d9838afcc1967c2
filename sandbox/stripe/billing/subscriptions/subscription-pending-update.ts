import { invalidRequest } from '../../api/errors.ts';
import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { voidInvoice } from '../invoices/invoice-settlement.ts';
import { invoiceTable } from '../invoices/invoice-state.ts';
import { movedCancellation } from './subscription-cancellation.ts';
import type { UpdateSubscription } from './subscription-parameters.ts';
import type { PendingUpdate } from './subscription-shape.ts';
import {
  emitUpdate,
  firstPeriodEnd,
  renderSubscription,
  type Subscription,
  storeSubscription,
} from './subscription-state.ts';

/** How long an update waits for its payment at most. */
const waitSeconds = 23 * 3_600;

const supported: ReadonlySet<string> = new Set([
  'billing_cycle_anchor',
  'cancel_at_period_end',
  'items',
  'metadata',
  'off_session',
  'payment_behavior',
  'proration_behavior',
  'proration_date',
  'trial_end',
]);

/** @throws StripeError 400 for what an update that waits for its payment can't change */
export function refuseUnsupported(row: Subscription, parameters: UpdateSubscription): void {
  const name = Object.entries(parameters).find(
    ([key, value]) => value !== undefined && !supported.has(key),
  )?.[0];
  if (name !== undefined) {
    const message = `When \`payment_behavior\` is set to \`pending_if_incomplete\`, you can only pass supported params. \`${name}\` is not supported. See https://stripe.com/docs/billing/subscriptions/pending-updates-reference#supported-attributes for more details.`;
    throw invalidRequest({ param: name, message });
  }
  if (row.collection_method === 'send_invoice') {
    const message =
      '`payment_behavior=pending_if_incomplete` needs `collection_method=charge_automatically`.';
    throw invalidRequest({ param: 'payment_behavior', message });
  }
}

/** A subscription as it was, with an update that waits until its invoice is paid. Not stored. */
export function withPendingUpdate(
  tx: Transaction,
  before: Subscription,
  waiting: { after: Subscription; invoice: string },
): Subscription {
  const { after, invoice } = waiting;
  const now = timeOf(tx, before.test_clock);
  const trialEnd =
    before.status === 'trialing' ? (before.trial_end ?? Number.POSITIVE_INFINITY) : now + waitSeconds;
  const expiresAt = Math.min(now + waitSeconds, trialEnd, firstPeriodEnd(before.items));
  return {
    ...before,
    internals: { ...before.internals, pending: { invoice, changes: changesOf(before, after) } },
    latest_invoice: invoice,
    pending_update: shownUpdate(before, after, expiresAt),
  };
}

/** The invoice has been paid: what waited for it is true now. Writes the events. */
export function applyPendingUpdate(tx: Transaction, before: Subscription): Subscription {
  const { changes } = before.internals.pending ?? { changes: {} };
  const changed = { ...before, ...changes, pending_update: null };
  const after = storeSubscription(tx, {
    ...changed,
    ...movedCancellation(changed),
    internals: { ...before.internals, pending: null },
  });
  tx.emit('customer.subscription.pending_update_applied', renderSubscription(tx, after));
  emitUpdate(tx, before, after);
  return after;
}

/** What waited will not be: it is forgotten, and its invoice is voided. Writes the events. */
export function dropPendingUpdate(tx: Transaction, before: Subscription): Subscription {
  const invoice = before.internals.pending && tx.get(invoiceTable, before.internals.pending.invoice);
  const internals = { ...before.internals, pending: null };
  const after = storeSubscription(tx, { ...before, pending_update: null, internals });
  tx.emit('customer.subscription.pending_update_expired', renderSubscription(tx, after));
  emitUpdate(tx, before, after);
  if (invoice?.status === 'open') voidInvoice(tx, invoice);
  return after;
}

const fields = [
  'billing_cycle_anchor',
  'cancel_at',
  'cancel_at_period_end',
  'canceled_at',
  'cancellation_details',
  'items',
  'metadata',
  'status',
  'trial_end',
  'trial_start',
] as const;

function changesOf(before: Subscription, after: Subscription): Partial<Subscription> {
  return Object.fromEntries(
    fields.filter((key) => before[key] !== after[key]).map((key) => [key, after[key]]),
  );
}

function shownUpdate(before: Subscription, after: Subscription, expiresAt: number): PendingUpdate {
  return {
    billing_cycle_anchor:
      before.billing_cycle_anchor === after.billing_cycle_anchor ? null : after.billing_cycle_anchor,
    cancel_at_period_end:
      before.cancel_at_period_end === after.cancel_at_period_end ? null : after.cancel_at_period_end,
    discount: null,
    discounts: null,
    expires_at: expiresAt,
    metadata: before.metadata === after.metadata ? null : after.metadata,
    subscription_items: before.items === after.items ? null : after.items,
    trial_end: before.trial_end === after.trial_end ? null : after.trial_end,
    trial_from_plan: null,
  };
}
