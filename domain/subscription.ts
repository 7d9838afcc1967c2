import type { StripeCustomerId, StripeSubscriptionId } from './ids.ts';

/** Stripe's subscription statuses at the pinned API version. */
export const SUBSCRIPTION_STATUSES = [
  'incomplete',
  'incomplete_expired',
  'trialing',
  'active',
  'past_due',
  'canceled',
  'unpaid',
  'paused',
] as const;
export type SubscriptionStatus = (typeof SUBSCRIPTION_STATUSES)[number];

/** In these a subscription entitles to licences. */
export const LIVE_STATUSES: ReadonlySet<SubscriptionStatus> = new Set([
  'active',
  'trialing',
  'past_due',
  'unpaid',
  'paused',
]);

/** Does a subscription in this status entitle to licences? */
export function isLive(status: SubscriptionStatus): boolean {
  return LIVE_STATUSES.has(status);
}

/** Is this status the last one that a subscription has? */
export function isEnded(status: SubscriptionStatus): boolean {
  return status === 'canceled' || status === 'incomplete_expired';
}

/** Stripe ends every period with a time in unix seconds; here all times are `Date`. */
export type Price = {
  id: string;
  productId: string;
  active: boolean;
  currency: string;
  /** Minor units; null when Stripe's is (tiers, fractions of a minor unit). */
  unitAmountMinor: number | null;
  recurring: { interval: string; intervalCount: number } | null;
  metadata: Record<string, string>;
};

export type Product = {
  id: string;
  name: string;
  description: string | null;
  active: boolean;
  metadata: Record<string, string>;
};

export type SubscriptionItem = {
  id: string;
  price: Price;
  /** null when the item has none: metered prices. */
  quantity: number | null;
  currentPeriodStart: Date;
  currentPeriodEnd: Date;
  createdAt: Date;
};

export type Subscription = {
  id: StripeSubscriptionId;
  customerId: StripeCustomerId;
  status: SubscriptionStatus;
  items: SubscriptionItem[];
  createdAt: Date;
  cancelAt: Date | null;
  cancelAtPeriodEnd: boolean;
  canceledAt: Date | null;
  /** Why it was canceled; null when it was not, or Stripe does not say. */
  cancellationReason: string | null;
  trialEnd: Date | null;
  metadata: Record<string, string>;
};

export type Customer =
  | { id: StripeCustomerId; deleted: true }
  | {
      id: StripeCustomerId;
      deleted: false;
      email: string | null;
      name: string | null;
      /** Does Stripe have anything that it could charge by default? */
      hasPaymentMethod: boolean;
      metadata: Record<string, string>;
    };
