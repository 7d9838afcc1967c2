import { isLive, type SubscriptionStatus } from './subscription.ts';

/** What a tenant may do in the product, harshest last. */
export const ACCESS_STATES = ['active', 'restricted', 'suspended', 'canceled'] as const;
export type AccessState = (typeof ACCESS_STATES)[number];

/** `canceled` when the tenant has had subscriptions and none is live, otherwise `active`. */
export function accessState(statuses: readonly SubscriptionStatus[]): AccessState {
  return statuses.length > 0 && !statuses.some(isLive) ? 'canceled' : 'active';
}
