import { isLive, type SubscriptionStatus } from './subscription.ts';

/** The licence prices as configured; `any` when none is: then every item with a quantity counts. */
export type LicensePrices = ReadonlySet<string> | 'any';

/** What the licence rule needs to know of a subscription. */
export type LicensedSubscription = {
  id: string;
  status: SubscriptionStatus;
  createdAt: Date;
  items: readonly LicensedItem[];
};

export type LicensedItem = {
  id: string;
  priceId: string;
  quantity: number | null;
  createdAt: Date;
};

/** Is the item one that is sold as licences? An item without a quantity (metered) never is. */
export function isLicenseItem(
  item: Pick<LicensedItem, 'priceId' | 'quantity'>,
  prices: LicensePrices,
): boolean {
  return item.quantity !== null && isLicensePrice(item.priceId, prices);
}

export function isLicensePrice(priceId: string, prices: LicensePrices): boolean {
  return prices === 'any' || prices.has(priceId);
}

/**
 * The licence rule. The licence subscription is the newest live one that has a licence item; the count is the sum of
 * the quantities of its licence items. It replaces, it never adds. Without such a subscription the count is 0.
 *
 * @param subscriptions all subscriptions of all the tenant's customers, in any order
 */
export function licenseCount(subscriptions: readonly LicensedSubscription[], prices: LicensePrices): number {
  const licensed = subscriptions
    .filter((subscription) => isLive(subscription.status))
    .filter((subscription) => subscription.items.some((item) => isLicenseItem(item, prices)))
    .sort(byCreation);
  const newest = licensed.at(-1);
  return newest ? sumOfQuantities(newest.items.filter((item) => isLicenseItem(item, prices))) : 0;
}

/** What stands in `stripe_subscriptions` for the whole subscription. */
export type CountedItems = { quantity: number | null; first: LicensedItem | null };

/**
 * The items that a subscription is counted by: its licence items, or all items with a quantity when none is a licence.
 * `first` is the first of them by creation, then id; both are null when there is none.
 */
export function countedItems(items: readonly LicensedItem[], prices: LicensePrices): CountedItems {
  const license = items.filter((item) => isLicenseItem(item, prices));
  const counted = license.length > 0 ? license : items.filter((item) => item.quantity !== null);
  const first = [...counted].sort(byCreation)[0];
  return first ? { quantity: sumOfQuantities(counted), first } : { quantity: null, first: null };
}

function sumOfQuantities(items: readonly LicensedItem[]): number {
  return items.reduce((sum, item) => sum + (item.quantity ?? 0), 0);
}

/** Stripe's `created` has whole seconds, so the id decides between two of one second. */
function byCreation(a: { createdAt: Date; id: string }, b: { createdAt: Date; id: string }): number {
  return a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
