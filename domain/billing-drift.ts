/** What can differ between Stripe and us. */
export const DRIFT_KINDS = ['subscription', 'invoice', 'customer', 'tenant', 'product'] as const;
export type DriftKind = (typeof DRIFT_KINDS)[number];
