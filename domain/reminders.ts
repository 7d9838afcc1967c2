import type { PendingEvent } from './billing-sync.ts';
import type { DunningPolicy } from './dunning-policy.ts';
import type { Subscription, SubscriptionItem } from './subscription.ts';

/** Stripe announces a renewal this long before at most, by the settings of the account. */
const RENEWAL_AHEAD_MS = 60 * 24 * 60 * 60 * 1000;

/** A mail that an event calls for, once for each period. */
export type Reminder = {
  kind: 'renewal_reminder' | 'trial_ending';
  dedupeKey: string;
  at: Date;
  /** What the period costs; null when a price does not tell. */
  amount: { minor: number; currency: string } | null;
};

/** Does the event say that a renewal or a trial's end is near? Thin events are of the same names, with `v1.`. */
export function isReminderEvent(eventType: string): boolean {
  return ['invoice.upcoming', 'customer.subscription.trial_will_end'].includes(
    eventType.replace(/^v1\./, ''),
  );
}

/**
 * The mails that a customer's pending events call for. An event says only that something is near; what it is stands in
 * the subscriptions as they are now, so an event that comes late or twice tells nothing wrong and nothing twice.
 */
export function remindersOf(options: {
  events: readonly PendingEvent[];
  subscriptions: readonly Subscription[];
  policy: Pick<DunningPolicy, 'renewal_reminder' | 'trial_ending'>;
  now: Date;
}): Reminder[] {
  const types = new Set(options.events.map((event) => event.eventType.replace(/^v1\./, '')));
  const staying = options.subscriptions.filter(
    (subscription) => subscription.cancelAt === null && !subscription.cancelAtPeriodEnd,
  );
  return [
    ...(types.has('invoice.upcoming') ? staying.flatMap((each) => renewalOf(each, options)) : []),
    ...(types.has('customer.subscription.trial_will_end')
      ? staying.flatMap((each) => trialEndOf(each, options))
      : []),
  ];
}

/** Items may renew at different times; what is told is the next time of those that are to be told, with all that renews then. */
function renewalOf(
  subscription: Subscription,
  { policy, now }: { policy: Pick<DunningPolicy, 'renewal_reminder'>; now: Date },
): Reminder[] {
  const { renewal_reminder: which } = policy;
  if (which === 'none' || subscription.status !== 'active') return [];
  const told = subscription.items.filter((item) => which === 'every' || isYearly(item));
  const next = Math.min(...told.map((item) => item.currentPeriodEnd.getTime()));
  if (told.length === 0 || next <= now.getTime() || next - now.getTime() > RENEWAL_AHEAD_MS) return [];
  const renewing = subscription.items.filter((item) => item.currentPeriodEnd.getTime() === next);
  const at = new Date(next);
  const dedupeKey = `renewal_reminder:${subscription.id}:${at.toISOString()}`;
  return [{ kind: 'renewal_reminder', dedupeKey, at, amount: amountOf(renewing) }];
}

function trialEndOf(
  subscription: Subscription,
  { policy, now }: { policy: Pick<DunningPolicy, 'trial_ending'>; now: Date },
): Reminder[] {
  const { trialEnd } = subscription;
  if (!policy.trial_ending || subscription.status !== 'trialing') return [];
  if (trialEnd === null || trialEnd <= now) return [];
  const dedupeKey = `trial_ending:${subscription.id}:${trialEnd.toISOString()}`;
  return [{ kind: 'trial_ending', dedupeKey, at: trialEnd, amount: amountOf(subscription.items) }];
}

function isYearly({ price: { recurring } }: SubscriptionItem): boolean {
  return (
    recurring !== null &&
    (recurring.interval === 'year' || (recurring.interval === 'month' && recurring.intervalCount >= 12))
  );
}

/** The sum of what is charged by quantity; discounts and taxes are Stripe's, so it is told as the price, not the bill. */
function amountOf(items: readonly SubscriptionItem[]): Reminder['amount'] {
  const [first] = items;
  let minor = 0;
  for (const { price, quantity } of items) {
    if (price.unitAmountMinor === null || quantity === null || price.currency !== first?.price.currency)
      return null;
    minor += price.unitAmountMinor * quantity;
  }
  return first === undefined ? null : { minor, currency: first.price.currency };
}
