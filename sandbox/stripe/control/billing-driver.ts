import type { BillingSettings } from '../billing/billing-settings.ts';
import type { SubscriptionStatus } from '../billing/subscriptions/subscription-state.ts';
import type { ControlChannel } from './channel.ts';

export interface BillingControl {
  /** Changes what Stripe keeps in the dashboard: retries, their end, drafts. @returns all settings */
  configureBilling(changes: Partial<BillingSettings>): Promise<BillingSettings>;
  /** Gives a subscription a status, with the events of the change. */
  setSubscriptionStatus(subscriptionId: string, status: SubscriptionStatus): Promise<void>;
}

export function billingDriver({ post }: ControlChannel): BillingControl {
  return {
    configureBilling: (changes) => post('billing-settings', changes),
    setSubscriptionStatus: async (id, status) => void (await post(`subscriptions/${id}/status`, { status })),
  };
}
