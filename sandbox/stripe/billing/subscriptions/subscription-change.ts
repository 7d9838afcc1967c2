import { isDeepStrictEqual } from 'node:util';
import { invalidRequest } from '../../api/errors.ts';
import { mergeMetadata, sent } from '../../api/parameters.ts';
import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { priceAmount } from '../catalog/price-amount.ts';
import { requireAttached } from '../payments/payment-method-attachment.ts';
import { hasSameInterval } from './periods.ts';
import { cancellationOf, movedCancellation } from './subscription-cancellation.ts';
import { changeItems } from './subscription-item-changes.ts';
import { itemsAround, recurringPriceOf } from './subscription-item-periods.ts';
import type { UpdateSubscription } from './subscription-parameters.ts';
import { paymentSettingsOf } from './subscription-payment-settings.ts';
import { automaticTaxOf, daysUntilDueOf } from './subscription-start.ts';
import type { Subscription } from './subscription-state.ts';
import { trialEndOf, trialNoticeAt, trialOf } from './subscription-trials.ts';

/** A subscription as an update leaves it; not stored. */
export interface SubscriptionChange {
  readonly after: Subscription;
  /** Whether new periods begin now, which are billed at once. */
  readonly startsPeriods: boolean;
}

/**
 * What an update makes of a subscription, payments aside.
 * @param paramOf where in the request an entry of its items stands
 * @throws StripeError 400 that names the wrong parameter
 */
export function changedSubscription(
  tx: Transaction,
  before: Subscription,
  parameters: UpdateSubscription,
  paramOf?: (index: number) => string,
): SubscriptionChange {
  const items = parameters.items ? changeItems(tx, before, parameters.items, paramOf) : before.items;
  const timed = withPeriods(tx, before, { ...before, items: sameIfEqual(before.items, items) }, parameters);
  const cancellation = cancellationOf(tx, timed.after, parameters);
  const moved = parameters.cancel_at_period_end === undefined ? movedCancellation(timed.after) : {};
  const details = cancellation.cancellation_details ?? before.cancellation_details;
  const after = {
    ...timed.after,
    ...settingsOf(tx, before, parameters),
    ...moved,
    ...cancellation,
    cancellation_details: { ...details, ...sent(parameters.cancellation_details ?? {}) },
    metadata: mergeMetadata(before.metadata, parameters.metadata),
  };
  return { ...timed, after };
}

/** Items that say the same as before are the same, so that an update to what is already so changes nothing. */
function sameIfEqual(before: Subscription['items'], after: Subscription['items']): Subscription['items'] {
  return isDeepStrictEqual(before, after) ? before : after;
}

/** What an update sets that has nothing to do with periods. */
function settingsOf(
  tx: Transaction,
  before: Subscription,
  parameters: UpdateSubscription,
): Partial<Subscription> {
  const {
    automatic_tax: tax,
    default_payment_method: method,
    description,
    pause_collection: pause,
  } = parameters;
  const collectionMethod = parameters.collection_method ?? before.collection_method;
  const days = parameters.days_until_due ?? (parameters.collection_method ? null : before.days_until_due);
  const param = 'default_payment_method';
  return {
    ...sent({ description }),
    ...(tax ? { automatic_tax: automaticTaxOf(tax.enabled) } : {}),
    collection_method: collectionMethod,
    days_until_due: daysUntilDueOf(collectionMethod, days),
    ...(method === undefined
      ? {}
      : {
          default_payment_method:
            method && requireAttached(tx, { id: method, customer: before.customer, param }).id,
        }),
    ...(pause === undefined ? {} : { pause_collection: pausedCollection(tx, before, pause) }),
    payment_settings: paymentSettingsOf(before.payment_settings, parameters.payment_settings),
    ...(parameters.trial_settings
      ? {
          trial_settings: {
            end_behavior: { billing_cycle_anchor: null, ...parameters.trial_settings.end_behavior },
          },
        }
      : {}),
  };
}

function pausedCollection(
  tx: Transaction,
  before: Subscription,
  pause: NonNullable<UpdateSubscription['pause_collection']>,
): Subscription['pause_collection'] {
  if (pause === '') return null;
  const resumesAt = pause.resumes_at ?? null;
  if (resumesAt !== null && resumesAt <= timeOf(tx, before.test_clock)) {
    const message = 'Invalid timestamp: must be an integer Unix timestamp in the future.';
    throw invalidRequest({ param: 'pause_collection[resumes_at]', message });
  }
  return { behavior: pause.behavior, resumes_at: resumesAt };
}

function withPeriods(
  tx: Transaction,
  before: Subscription,
  changed: Subscription,
  parameters: UpdateSubscription,
): SubscriptionChange {
  const now = timeOf(tx, before.test_clock);
  const isTrial = before.status === 'trialing';
  const end = parameters.trial_end;
  const isAsked = parameters.billing_cycle_anchor?.type === 'now';
  if (before.status === 'paused' && (typeof end === 'number' || isAsked)) {
    const message = "You can't start new periods of a paused subscription by an update. Resume it first.";
    throw invalidRequest({ param: isAsked ? 'billing_cycle_anchor' : 'trial_end', message });
  }
  if (typeof end === 'number')
    return intoTrial(changed, { now, end: trialEndOf(now, { trial_end: end }) ?? end });
  if (end === 'now' && isTrial) {
    return anchoredNow(tx, { ...changed, status: 'active', trial_end: now }, now);
  }
  if (isTrial && isAsked) {
    const message =
      "You can't reset the billing cycle anchor of a trial. End it with `trial_end` set to `now`.";
    throw invalidRequest({ param: 'billing_cycle_anchor', message });
  }
  const isReset =
    isAsked || (!isTrial && before.billing_mode.type === 'classic' && resetsClassic(tx, before, changed));
  return isReset ? anchoredNow(tx, changed, now) : { after: changed, startsPeriods: false };
}

/** A trial that is made longer or shorter just ends at another time; a new one begins now. */
function intoTrial(changed: Subscription, trial: { now: number; end: number }): SubscriptionChange {
  const isRunning = changed.status === 'trialing';
  const { now, end } = trial;
  const { status, trial_end, trial_start } = trialOf(now, end);
  return {
    after: {
      ...changed,
      billing_cycle_anchor: end,
      internals: { ...changed.internals, trialNoticeAt: trialNoticeAt(now, end) },
      items: changed.items.map((item) => ({
        ...item,
        current_period_start: isRunning ? item.current_period_start : now,
        current_period_end: end,
      })),
      status,
      trial_end,
      trial_start: isRunning ? changed.trial_start : trial_start,
    },
    startsPeriods: !isRunning,
  };
}

function anchoredNow(tx: Transaction, changed: Subscription, now: number): SubscriptionChange {
  const anchored = { ...changed, billing_cycle_anchor: now };
  return { after: { ...anchored, items: itemsAround(tx, anchored, now) }, startsPeriods: true };
}

/** In classic billing another rhythm, and the step from free to paid, begin new periods. */
function resetsClassic(tx: Transaction, before: Subscription, after: Subscription): boolean {
  const [old] = before.items;
  const [first] = after.items;
  if (!old || !first) return false;
  const isOtherRhythm = !hasSameInterval(
    recurringPriceOf(tx, old).recurring,
    recurringPriceOf(tx, first).recurring,
  );
  return isOtherRhythm || (costOf(tx, before) === 0 && costOf(tx, after) > 0);
}

function costOf(tx: Transaction, { items }: Subscription): number {
  return items.reduce(
    (sum, item) => sum + priceAmount(tx, recurringPriceOf(tx, item), item.quantity ?? 0),
    0,
  );
}
