import { sent } from '../../api/parameters.ts';
import type { FeatureParameters } from './portal-parameters.ts';

type ProrationBehavior = 'always_invoice' | 'create_prorations' | 'none';
type Given<Name extends keyof FeatureParameters> = NonNullable<FeatureParameters[Name]>;

/** What customers may do in the portal. */
export interface PortalFeatures {
  readonly customer_update: {
    readonly allowed_updates: NonNullable<Given<'customer_update'>['allowed_updates']>;
    readonly enabled: boolean;
  };
  readonly invoice_history: { readonly enabled: boolean };
  readonly payment_method_update: {
    readonly enabled: boolean;
    readonly payment_method_configuration: null;
  };
  readonly subscription_cancel: {
    readonly cancellation_reason: {
      readonly enabled: boolean;
      readonly feedback_options: null;
      readonly options: readonly string[];
    };
    readonly enabled: boolean;
    readonly mode: 'at_period_end' | 'immediately';
    readonly proration_behavior: ProrationBehavior;
  };
  readonly subscription_pause: {
    readonly duration: {
      readonly interval_options: readonly { readonly interval: string; readonly interval_count: number }[];
      readonly type: 'indefinite' | 'interval_options';
    };
    readonly enabled: boolean;
  };
  readonly subscription_update: {
    readonly billing_cycle_anchor: 'now' | 'unchanged' | null;
    readonly default_allowed_updates: NonNullable<Given<'subscription_update'>['default_allowed_updates']>;
    readonly enabled: boolean;
    readonly proration_behavior: ProrationBehavior;
    readonly schedule_at_period_end: { readonly conditions: readonly never[] };
    readonly trial_update_behavior: 'continue_trial' | 'end_trial';
  };
}

/** A product that customers may switch to; such products are shown on demand only. */
export interface PortalProduct {
  readonly adjustable_quantity: {
    readonly enabled: boolean;
    readonly maximum: number | null;
    readonly minimum: number;
  };
  readonly prices: readonly string[];
  readonly product: string;
}

/** What a configuration begins with: nothing is allowed. */
export const noFeatures: PortalFeatures = {
  customer_update: { allowed_updates: [], enabled: false },
  invoice_history: { enabled: false },
  payment_method_update: { enabled: false, payment_method_configuration: null },
  subscription_cancel: {
    cancellation_reason: {
      enabled: false,
      feedback_options: null,
      options: ['too_expensive', 'missing_features', 'switched_service', 'unused', 'other'],
    },
    enabled: false,
    mode: 'at_period_end',
    proration_behavior: 'none',
  },
  subscription_pause: { duration: { interval_options: [], type: 'indefinite' }, enabled: false },
  subscription_update: {
    billing_cycle_anchor: null,
    default_allowed_updates: [],
    enabled: false,
    proration_behavior: 'none',
    schedule_at_period_end: { conditions: [] },
    trial_update_behavior: 'end_trial',
  },
};

/** What an account's default configuration allows before anybody has touched it in the dashboard. */
export const dashboardFeatures: PortalFeatures = {
  ...noFeatures,
  customer_update: { allowed_updates: ['name', 'email', 'address', 'phone'], enabled: true },
  invoice_history: { enabled: true },
  payment_method_update: { enabled: true, payment_method_configuration: null },
  subscription_cancel: { ...noFeatures.subscription_cancel, enabled: true },
};

/** Features with the changes that came as parameters. */
export function changedFeatures(before: PortalFeatures, change: FeatureParameters): PortalFeatures {
  const { cancellation_reason: reason, ...cancel } = change.subscription_cancel ?? {};
  const { duration, ...pause } = change.subscription_pause ?? {};
  const { products: _, ...update } = change.subscription_update ?? {};
  const { subscription_cancel: oldCancel, subscription_pause: oldPause } = before;
  return {
    customer_update: { ...before.customer_update, ...sent(change.customer_update ?? {}) },
    invoice_history: { ...before.invoice_history, ...change.invoice_history },
    payment_method_update: { ...before.payment_method_update, ...change.payment_method_update },
    subscription_cancel: {
      ...oldCancel,
      ...sent(cancel),
      cancellation_reason: { ...oldCancel.cancellation_reason, ...sent(reason ?? {}) },
    },
    subscription_pause: {
      ...oldPause,
      ...sent(pause),
      duration: { ...oldPause.duration, ...sent(duration ?? {}) },
    },
    subscription_update: { ...before.subscription_update, ...sent(update) },
  };
}
