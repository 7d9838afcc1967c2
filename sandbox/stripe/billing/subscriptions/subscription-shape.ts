import type { Metadata } from '../../api/parameters.ts';

export const subscriptionStatuses = [
  'incomplete',
  'incomplete_expired',
  'trialing',
  'active',
  'past_due',
  'canceled',
  'unpaid',
  'paused',
] as const;
export type SubscriptionStatus = (typeof subscriptionStatuses)[number];

/** What this simulator does not keep; as in a plain subscription. */
export const inertSubscription = {
  application: null,
  application_fee_percent: null,
  billing_cycle_anchor_config: null,
  billing_schedules: [],
  billing_thresholds: null,
  customer_account: null,
  default_source: null,
  default_tax_rates: [],
  discounts: [],
  invoice_settings: {
    account_tax_ids: null,
    custom_fields: null,
    description: null,
    footer: null,
    issuer: { type: 'self' },
  },
  livemode: false,
  managed_payments: null,
  next_pending_invoice_item_invoice: null,
  on_behalf_of: null,
  pending_invoice_item_interval: null,
  schedule: null,
  transfer_data: null,
} as const;

export interface CancellationDetails {
  readonly comment: string | null;
  readonly feedback: string | null;
  readonly feedback_option: null;
  readonly reason: 'cancellation_requested' | 'payment_failed' | 'payment_disputed' | null;
}

/** As stored; shown with its price in place of the id. */
export interface SubscriptionItem {
  readonly id: string;
  readonly object: 'subscription_item';
  readonly billing_thresholds: null;
  readonly created: number;
  readonly current_period_end: number;
  readonly current_period_start: number;
  readonly current_trial: null;
  readonly discounts: readonly never[];
  readonly metadata: Metadata;
  readonly price: string;
  /** Absent for a metered price. */
  readonly quantity?: number;
  readonly subscription: string;
  readonly tax_rates: readonly never[];
}

export type PauseReason =
  | 'final_payment_failure'
  | 'first_payment_failure'
  | 'pause_requested'
  | 'trial_end_without_payment_method';

/** An update that waits for its invoice to be paid; shown with its items as the API shows them. */
export interface PendingUpdate {
  readonly billing_cycle_anchor: number | null;
  readonly cancel_at_period_end: boolean | null;
  readonly discount: null;
  readonly discounts: null;
  readonly expires_at: number;
  readonly metadata: Metadata | null;
  readonly subscription_items: readonly SubscriptionItem[] | null;
  readonly trial_end: number | null;
  readonly trial_from_plan: null;
}

/** What the API does not show. */
interface SubscriptionInternals {
  /** When an unpaid first invoice expires the subscription. */
  readonly expiresAt: number | null;
  /** A sent invoice that is overdue, and when it ends the subscription. */
  readonly overdue: { readonly invoice: string; readonly endsAt: number } | null;
  /** What becomes true when an invoice is paid: a pending update, from the first attempt on. */
  readonly pending: { readonly invoice: string; readonly changes: Partial<Subscription> } | null;
  /** A resumption that waits for its invoice. */
  readonly resumption: {
    readonly invoice: string;
    /** When the invoice is voided unless somebody has tried to pay it; null once somebody has. */
    readonly expiresAt: number | null;
    readonly changes: Partial<Subscription>;
    /** Whether a failed attempt resumes it too, as past due. */
    readonly resumesOnAttempt: boolean;
  } | null;
  /** When `trial_will_end` is due; null when it was sent. */
  readonly trialNoticeAt: number | null;
  /** When `invoice.upcoming` is due for the period that ends at `end`; `at` is null when it was sent. */
  readonly upcoming: { readonly end: number; readonly at: number | null } | null;
}

/** As stored; shown with its items as a list and without internals. */
export interface Subscription extends Readonly<typeof inertSubscription> {
  readonly id: string;
  readonly object: 'subscription';
  readonly automatic_tax: {
    readonly disabled_reason: null;
    readonly enabled: boolean;
    readonly liability: { readonly type: 'self' } | null;
  };
  readonly billing_cycle_anchor: number;
  readonly billing_mode: {
    readonly flexible: { readonly proration_discounts: 'included' | 'itemized' } | null;
    readonly type: 'classic' | 'flexible';
    readonly updated_at?: number;
  };
  readonly cancel_at: number | null;
  readonly cancel_at_period_end: boolean;
  readonly canceled_at: number | null;
  readonly cancellation_details: CancellationDetails;
  readonly collection_method: 'charge_automatically' | 'send_invoice';
  readonly created: number;
  readonly currency: string;
  readonly customer: string;
  readonly days_until_due: number | null;
  readonly default_payment_method: string | null;
  readonly description: string | null;
  readonly ended_at: number | null;
  readonly internals: SubscriptionInternals;
  readonly items: readonly SubscriptionItem[];
  readonly latest_invoice: string | null;
  readonly metadata: Metadata;
  readonly pause_collection: {
    readonly behavior: 'keep_as_draft' | 'mark_uncollectible' | 'void';
    readonly resumes_at: number | null;
  } | null;
  readonly payment_settings: {
    readonly payment_method_options: null;
    readonly payment_method_types: readonly string[] | null;
    readonly save_default_payment_method: 'off' | 'on_subscription';
  };
  readonly pending_setup_intent: string | null;
  readonly pending_update: PendingUpdate | null;
  readonly start_date: number;
  readonly status: SubscriptionStatus;
  /** Only there while it is paused. */
  readonly status_details?: {
    readonly paused: {
      readonly subscription: { readonly type: PauseReason };
      readonly transitioned_at: number;
      readonly type: 'subscription';
    };
  };
  readonly test_clock: string | null;
  readonly trial_end: number | null;
  readonly trial_settings: {
    readonly end_behavior: {
      readonly billing_cycle_anchor: null;
      readonly missing_payment_method: 'cancel' | 'create_invoice' | 'pause';
    };
  };
  readonly trial_start: number | null;
}

/** Whether a subscription has reached one of its two final states. */
export function hasEnded(subscription: Pick<Subscription, 'status'>): boolean {
  return subscription.status === 'canceled' || subscription.status === 'incomplete_expired';
}

/** When the last of the items' periods ends. */
export function lastPeriodEnd(items: readonly SubscriptionItem[]): number {
  return Math.max(...items.map((item) => item.current_period_end));
}

/** When the first of the items' periods ends: the next renewal. */
export function firstPeriodEnd(items: readonly SubscriptionItem[]): number {
  return Math.min(...items.map((item) => item.current_period_end));
}
