import type { ProjectedSubscription } from './subscription-projection.ts';

/** What can differ between Stripe and us. */
export const DRIFT_KINDS = ['subscription', 'invoice', 'customer', 'tenant', 'product'] as const;
export type DriftKind = (typeof DRIFT_KINDS)[number];

/** How a difference came to its end: by our own writing, or it was gone when we looked again. */
export const DRIFT_REPAIRS = ['billing_sync', 'product_sync', 'by_itself'] as const;
export type DriftRepair = (typeof DRIFT_REPAIRS)[number];

/** A difference, with what differs. */
export type Drift = Difference & {
  kind: DriftKind;
  subject: string;
  /** Stripe's id; null of a product. */
  customer: string | null;
  tenant: string | null;
};

/** Of which kinds all of Stripe's objects are listed. */
export const LISTED_KINDS = ['subscription', 'invoice'] as const;
export type ListedKind = (typeof LISTED_KINDS)[number];

/** One difference, as JSON. */
export type Difference = { field: string; ours: unknown; theirs: unknown };

/** The field of a difference when one side doesn't have the thing at all. */
export const EXISTENCE = 'existence';

/**
 * Where our rows of a subscription differ from what they must say.
 *
 * @param ours null when there is no row
 */
export function subscriptionDifferences(
  ours: ProjectedSubscription | null,
  theirs: ProjectedSubscription,
): Difference[] {
  if (ours === null) return [{ field: EXISTENCE, ours: null, theirs: theirs.status }];
  return differences(comparable(ours), comparable(theirs));
}

/** Field by field; both sides have the same fields. */
export function differences(
  ours: Readonly<Record<string, unknown>>,
  theirs: Readonly<Record<string, unknown>>,
): Difference[] {
  return Object.keys(theirs)
    .map((field) => ({ field, ours: canonical(ours[field]), theirs: canonical(theirs[field]) }))
    .filter((pair) => JSON.stringify(pair.ours) !== JSON.stringify(pair.theirs));
}

/** The order of items says nothing. */
function comparable(subscription: ProjectedSubscription): Record<string, unknown> {
  return { ...subscription, items: [...subscription.items].sort((a, b) => (a.id < b.id ? -1 : 1)) };
}

/** The same value has the same text: keys in order, instants by ISO 8601. */
function canonical(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value ?? null;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, canonical(each)]),
  );
}
