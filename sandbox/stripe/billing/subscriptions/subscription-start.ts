import { invalidRequest } from '../../api/errors.ts';
import { mergeMetadata } from '../../api/parameters.ts';
import { type Customer, customerInParameter } from '../../resources/customers.ts';
import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { priceTable } from '../catalog/catalog.ts';
import { requireAttached } from '../payments/payment-method-attachment.ts';
import { periodAround } from './periods.ts';
import { cancellationOf } from './subscription-cancellation.ts';
import { type ItemParameters, startItems } from './subscription-item-changes.ts';
import { recurringPriceOf } from './subscription-item-periods.ts';
import type { CreateSubscription } from './subscription-parameters.ts';
import { paymentSettingsOf } from './subscription-payment-settings.ts';
import { inertSubscription } from './subscription-shape.ts';
import { hasEnded, type Subscription, storeSubscription, subscriptionTable } from './subscription-state.ts';
import { trialEndOf, trialNoticeAt, trialOf } from './subscription-trials.ts';

/** Stripe's limits for one customer, and for one on a test clock. */
const liveSubscriptionsMax = 500;
const onTestClockMax = 3;

/** What has to be chosen about a subscription; Checkout and previews leave the rest. */
export type NewSubscription = Partial<Omit<CreateSubscription, 'items'>> & {
  readonly customer: string;
  readonly items: readonly ItemParameters[];
};

/**
 * Stores a subscription without its first invoice, incomplete or in its trial; emits nothing. `billFirst` goes on.
 * @throws StripeError 400 that names the wrong parameter
 */
export function startSubscription(tx: Transaction, parameters: NewSubscription): Subscription {
  const customer = customerInParameter(tx, parameters.customer, 'customer');
  refuseTooMany(tx, customer);
  const now = timeOf(tx, customer.test_clock);
  const trialEnd = trialEndOf(now, parameters);
  const collectionMethod = parameters.collection_method ?? 'charge_automatically';
  const frame = {
    id: tx.newId('sub'),
    billing_cycle_anchor: anchorOf(now, trialEnd, parameters.billing_cycle_anchor),
    billing_mode: billingModeOf(parameters.billing_mode),
    currency: parameters.currency?.toLowerCase() ?? currencyOf(tx, parameters.items),
    test_clock: customer.test_clock,
    ...(trialEnd === null
      ? ({ status: 'incomplete', trial_end: null, trial_start: null } as const)
      : trialOf(now, trialEnd)),
  };
  const row: Subscription = {
    object: 'subscription',
    ...inertSubscription,
    ...frame,
    automatic_tax: automaticTaxOf(parameters.automatic_tax?.enabled ?? false),
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: null,
    cancellation_details: { comment: null, feedback: null, feedback_option: null, reason: null },
    collection_method: collectionMethod,
    created: now,
    customer: customer.id,
    days_until_due: daysUntilDueOf(collectionMethod, parameters.days_until_due),
    default_payment_method: methodOf(tx, parameters),
    description: parameters.description ?? null,
    ended_at: null,
    internals: {
      expiresAt: null,
      overdue: null,
      pending: null,
      resumption: null,
      trialNoticeAt: trialEnd === null ? null : trialNoticeAt(now, trialEnd),
      upcoming: null,
    },
    items: startItems(tx, frame, parameters.items),
    latest_invoice: null,
    metadata: mergeMetadata({}, parameters.metadata),
    pause_collection: null,
    payment_settings: paymentSettingsOf(null, parameters.payment_settings),
    pending_setup_intent: null,
    pending_update: null,
    start_date: now,
    trial_settings: {
      end_behavior: {
        billing_cycle_anchor: null,
        missing_payment_method:
          parameters.trial_settings?.end_behavior.missing_payment_method ?? 'create_invoice',
      },
    },
  };
  refuseLateAnchor(tx, row);
  return storeSubscription(tx, { ...row, ...cancellationOf(tx, row, parameters) });
}

/** How a subscription shows whether its invoices are taxed. */
export function automaticTaxOf(isEnabled: boolean): Subscription['automatic_tax'] {
  return { disabled_reason: null, enabled: isEnabled, liability: isEnabled ? { type: 'self' } : null };
}

/** The days to pay a sent invoice. @throws StripeError 400 for days where invoices are charged */
export function daysUntilDueOf(
  collectionMethod: Subscription['collection_method'],
  days: number | null | undefined,
): number | null {
  if (collectionMethod === 'send_invoice') return days ?? null;
  if (typeof days !== 'number') return null;
  const message = '`days_until_due` can only be set when `collection_method` is `send_invoice`.';
  throw invalidRequest({ param: 'days_until_due', message });
}

/** How a subscription shows the way in which it is billed. */
export function billingModeOf(mode: CreateSubscription['billing_mode']): Subscription['billing_mode'] {
  if (mode?.type === 'classic') return { flexible: null, type: 'classic' };
  return {
    flexible: { proration_discounts: mode?.flexible?.proration_discounts ?? 'included' },
    type: 'flexible',
  };
}

function anchorOf(now: number, trialEnd: number | null, asked: number | undefined): number {
  if (asked === undefined) return trialEnd ?? now;
  const param = 'billing_cycle_anchor';
  if (trialEnd !== null) {
    const message = 'This simulator does not combine a trial with a `billing_cycle_anchor`.';
    throw invalidRequest({ param, message });
  }
  if (asked < now) {
    const message = 'Invalid timestamp: must be an integer Unix timestamp in the future.';
    throw invalidRequest({ param, message });
  }
  return asked;
}

/** @throws StripeError 400 for an anchor after the end of a period that began now */
function refuseLateAnchor(tx: Transaction, row: Subscription): void {
  if (row.status === 'trialing') return;
  for (const item of row.items) {
    const price = recurringPriceOf(tx, item);
    const { end } = periodAround(row.created, price.recurring, row.created);
    if (row.billing_cycle_anchor <= end) continue;
    const message = `billing_cycle_anchor cannot be later than next natural billing date (${end}) for plan`;
    throw invalidRequest({ param: 'billing_cycle_anchor', message });
  }
}

function methodOf(tx: Transaction, parameters: NewSubscription): string | null {
  const { customer, default_payment_method: id } = parameters;
  return id ? requireAttached(tx, { id, customer, param: 'default_payment_method' }).id : null;
}

/** What the first item is sold in; an empty text when it names no price, which is refused later. */
function currencyOf(tx: Transaction, items: NewSubscription['items']): string {
  const [first] = items;
  const price = first?.price === undefined ? undefined : tx.get(priceTable, first.price);
  return price?.currency ?? first?.price_data?.currency.toLowerCase() ?? '';
}

function refuseTooMany(tx: Transaction, { id, test_clock: clock }: Customer): void {
  const index = { name: 'customer', key: id };
  const max = clock === null ? liveSubscriptionsMax : onTestClockMax;
  let live = 0;
  for (const row of tx.table(subscriptionTable).oldestFirst({ index })) if (!hasEnded(row)) live++;
  if (live < max) return;
  const message = `Customer ${id} already has the maximum ${max} current subscriptions.`;
  throw invalidRequest({ code: 'customer_max_subscriptions', param: 'customer', message });
}
