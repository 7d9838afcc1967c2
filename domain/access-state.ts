import { isLive, type SubscriptionStatus } from './subscription.ts';

/** What a tenant may do in the product, harshest last. */
export const ACCESS_STATES = ['active', 'restricted', 'suspended', 'canceled'] as const;
export type AccessState = (typeof ACCESS_STATES)[number];

/**
 * `canceled` when the tenant has had subscriptions and none is live, otherwise the harshest that its dunning cases say,
 * otherwise `active`.
 */
export function accessState(
  statuses: readonly SubscriptionStatus[],
  cases: readonly AccessState[],
): AccessState {
  if (statuses.length > 0 && !statuses.some(isLive)) return 'canceled';
  return cases.reduce((harshest, each) => (isHarsher(each, harshest) ? each : harshest), 'active');
}

function isHarsher(a: AccessState, b: AccessState): boolean {
  return ACCESS_STATES.indexOf(a) > ACCESS_STATES.indexOf(b);
}
