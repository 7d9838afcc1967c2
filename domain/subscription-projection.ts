import { countedItems, type LicensePrices } from './license-count.ts';
import type { Subscription, SubscriptionStatus } from './subscription.ts';

/** A subscription as our rows tell it: what billing sync writes of one, and what reconcile holds against Stripe's. */
export type ProjectedSubscription = {
  customerId: string;
  status: SubscriptionStatus;
  /** `si_…` of the first counted item, and its price; null when none is counted. */
  itemId: string | null;
  priceId: string | null;
  quantity: number | null;
  currentPeriodStart: Date | null;
  currentPeriodEnd: Date | null;
  cancelAt: Date | null;
  cancelAtPeriodEnd: boolean;
  canceledAt: Date | null;
  cancellationReason: string | null;
  metadata: Readonly<Record<string, string>>;
  createdAt: Date;
  items: readonly ProjectedItem[];
};

export type ProjectedItem = {
  id: string;
  priceId: string;
  quantity: number | null;
  currentPeriodStart: Date;
  currentPeriodEnd: Date;
  createdAt: Date;
};

/** What our rows must say of a subscription. */
export function projectSubscription(
  subscription: Subscription,
  licensePrices: LicensePrices,
): ProjectedSubscription {
  const items = subscription.items.map(
    ({ id, price, quantity, currentPeriodStart, currentPeriodEnd, createdAt }): ProjectedItem => ({
      id,
      priceId: price.id,
      quantity,
      currentPeriodStart,
      currentPeriodEnd,
      createdAt,
    }),
  );
  const counted = countedItems(items, licensePrices);
  const period = items.find((item) => item.id === counted.first?.id) ?? items[0];
  return {
    customerId: subscription.customerId,
    status: subscription.status,
    itemId: counted.first?.id ?? null,
    priceId: counted.first?.priceId ?? null,
    quantity: counted.quantity,
    currentPeriodStart: period?.currentPeriodStart ?? null,
    currentPeriodEnd: period?.currentPeriodEnd ?? null,
    cancelAt: subscription.cancelAt,
    cancelAtPeriodEnd: subscription.cancelAtPeriodEnd,
    canceledAt: subscription.canceledAt,
    cancellationReason: subscription.cancellationReason,
    metadata: subscription.metadata,
    createdAt: subscription.createdAt,
    items,
  };
}
