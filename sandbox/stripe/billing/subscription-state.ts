import { embeddedList } from '../api/lists.ts';
import type { Metadata } from '../api/parameters.ts';
import { defineTable } from '../state/table.ts';
import type { Transaction } from '../state/transaction.ts';
import { type Price, priceTable } from './catalog.ts';

export const subscriptionStatuses = [
  'incomplete',
  'incomplete_expired',
  'trialing',
  'active',
  'past_due',
  'canceled',
  'unpaid',
  'paused',
] as const;
export type SubscriptionStatus = (typeof subscriptionStatuses)[number];

/** What this simulator does not keep yet; as in a plain subscription. */
export const inertSubscription = {
  application: null,
  application_fee_percent: null,
  automatic_tax: { disabled_reason: null, enabled: false, liability: null },
  billing_cycle_anchor_config: null,
  billing_mode: { flexible: { proration_discounts: 'included' }, type: 'flexible' },
  billing_schedules: [],
  billing_thresholds: null,
  customer_account: null,
  default_source: null,
  default_tax_rates: [],
  discounts: [],
  invoice_settings: { account_tax_ids: null, issuer: { type: 'self' } },
  livemode: false,
  managed_payments: null,
  next_pending_invoice_item_invoice: null,
  on_behalf_of: null,
  payment_settings: {
    payment_method_options: null,
    payment_method_types: null,
    save_default_payment_method: 'off',
  },
  pending_invoice_item_interval: null,
  pending_setup_intent: null,
  pending_update: null,
  schedule: null,
  test_clock: null,
  transfer_data: null,
  trial_settings: { end_behavior: { missing_payment_method: 'create_invoice' } },
} as const;

export interface CancellationDetails {
  readonly comment: string | null;
  readonly feedback: string | null;
  readonly feedback_option: null;
  readonly reason: 'cancellation_requested' | 'payment_failed' | 'payment_disputed' | null;
}

/** As stored; shown with its price in place of the id. */
export interface SubscriptionItem {
  readonly id: string;
  readonly object: 'subscription_item';
  readonly billing_thresholds: null;
  readonly created: number;
  readonly current_period_end: number;
  readonly current_period_start: number;
  readonly current_trial: null;
  readonly discounts: readonly never[];
  readonly metadata: Metadata;
  readonly price: string;
  /** Absent for a metered price. */
  readonly quantity?: number;
  readonly subscription: string;
  readonly tax_rates: readonly never[];
}

/** As stored; shown with its items as a list. */
export interface Subscription extends Readonly<typeof inertSubscription> {
  readonly id: string;
  readonly object: 'subscription';
  readonly billing_cycle_anchor: number;
  readonly cancel_at: number | null;
  readonly cancel_at_period_end: boolean;
  readonly canceled_at: number | null;
  readonly cancellation_details: CancellationDetails;
  readonly collection_method: 'charge_automatically' | 'send_invoice';
  readonly created: number;
  readonly currency: string;
  readonly customer: string;
  readonly days_until_due: number | null;
  readonly default_payment_method: string | null;
  readonly description: string | null;
  readonly ended_at: number | null;
  readonly items: readonly SubscriptionItem[];
  readonly latest_invoice: string | null;
  readonly metadata: Metadata;
  readonly pause_collection: {
    readonly behavior: 'keep_as_draft' | 'mark_uncollectible' | 'void';
    readonly resumes_at: number | null;
  } | null;
  readonly start_date: number;
  readonly status: SubscriptionStatus;
  readonly trial_end: number | null;
  readonly trial_start: number | null;
}

export const subscriptionTable = defineTable<Subscription>({
  noun: 'subscription',
  indexes: { customer: (row) => row.customer },
  due: (row) => {
    if (row.status === 'canceled' || row.status === 'incomplete_expired') return null;
    const moments = [row.cancel_at, row.status === 'trialing' ? row.trial_end : null];
    const at = Math.min(...moments.map((moment) => moment ?? Number.POSITIVE_INFINITY));
    return Number.isFinite(at) ? { at, clock: row.test_clock } : null;
  },
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
  const url = `/v1/subscription_items?subscription=${row.id}`;
  return {
    ...row,
    items: embeddedList(
      row.items.map((item) => renderItem(tx, item)),
      url,
    ),
  };
}

/** The price of an item; prices are never deleted. */
export function priceOf(tx: Transaction, item: SubscriptionItem): Price {
  const price = tx.get(priceTable, item.price);
  if (!price) throw new Error(`price ${item.price} of item ${item.id} is gone`);
  return price;
}

/** Stores a subscription and remembers whose its items are. */
export function storeSubscription(tx: Transaction, row: Subscription): Subscription {
  for (const item of row.items) {
    if (!tx.get(itemOwnerTable, item.id)) tx.put(itemOwnerTable, { id: item.id, subscription: row.id });
  }
  return tx.put(subscriptionTable, row);
}

/** Stores changes and writes `customer.subscription.updated` when there are any. */
export function updateSubscription(
  tx: Transaction,
  before: Subscription,
  changes: Partial<Subscription>,
): Subscription {
  const after = storeSubscription(tx, { ...before, ...changes });
  tx.emitUpdated(
    'customer.subscription.updated',
    renderSubscription(tx, before),
    renderSubscription(tx, after),
  );
  return after;
}

/**
 * Ends a subscription: canceled with `customer.subscription.deleted`, and no last `updated`. One that never
 * started becomes `incomplete_expired`, which is an update.
 */
export function endSubscription(
  tx: Transaction,
  before: Subscription,
  end: { endedAt: number; details: Partial<CancellationDetails> },
): Subscription {
  const ended = {
    canceled_at: before.canceled_at ?? tx.now,
    cancellation_details: { ...before.cancellation_details, ...end.details },
    ended_at: end.endedAt,
  };
  if (before.status === 'incomplete') {
    return updateSubscription(tx, before, { ...ended, status: 'incomplete_expired' });
  }
  const after = storeSubscription(tx, { ...before, ...ended, status: 'canceled' });
  tx.emit('customer.subscription.deleted', renderSubscription(tx, after));
  return after;
}

/** Whether a subscription has reached one of its two final states. */
export function hasEnded(subscription: Subscription): boolean {
  return subscription.status === 'canceled' || subscription.status === 'incomplete_expired';
}

/** When the last of the items' periods ends. */
export function lastPeriodEnd(items: readonly SubscriptionItem[]): number {
  return Math.max(...items.map((item) => item.current_period_end));
}
