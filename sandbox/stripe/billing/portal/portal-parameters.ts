import { z } from 'zod';
import { listParameters } from '../../api/lists.ts';
import {
  boolean,
  clearableText,
  clearableWebUrl,
  metadata,
  metadataHash,
  natural,
  text,
  webUrl,
} from '../../api/parameters.ts';
import { portalLocales } from '../locales.ts';

const prorationBehavior = z.enum(['always_invoice', 'create_prorations', 'none']).optional();

/** An array that an empty text empties. */
function clearableArray<Item>(item: z.ZodType<Item>) {
  return z.union([z.literal('').transform((): Item[] => []), z.array(item)]);
}

const cancellationReasons = [
  'customer_service',
  'low_quality',
  'missing_features',
  'other',
  'switched_service',
  'too_complex',
  'too_expensive',
  'unused',
] as const;

const allowedCustomerUpdate = z.enum(['address', 'email', 'name', 'phone', 'shipping', 'tax_id']);
const allowedSubscriptionUpdate = z.enum(['price', 'promotion_code', 'quantity']);
const interval = z.strictObject({
  interval: z.enum(['day', 'month', 'week', 'year']),
  interval_count: natural,
});

const reasons = clearableArray(z.enum(cancellationReasons));
const customerUpdate = { allowed_updates: clearableArray(allowedCustomerUpdate).optional() };
const subscriptionCancel = {
  mode: z.enum(['at_period_end', 'immediately']).optional(),
  proration_behavior: prorationBehavior,
};
const subscriptionUpdate = {
  billing_cycle_anchor: z.enum(['now', 'unchanged']).optional(),
  default_allowed_updates: clearableArray(allowedSubscriptionUpdate).optional(),
  products: clearableArray(
    z.strictObject({
      adjustable_quantity: z
        .strictObject({ enabled: boolean, maximum: natural.optional(), minimum: natural.optional() })
        .optional(),
      prices: z.array(text).min(1),
      product: text,
    }),
  ).optional(),
  proration_behavior: prorationBehavior,
  trial_update_behavior: z.enum(['continue_trial', 'end_trial']).optional(),
};
/** Features that a creation and an update name in the same way. */
const features = {
  invoice_history: z.strictObject({ enabled: boolean }).optional(),
  payment_method_update: z.strictObject({ enabled: boolean }).optional(),
  /** Kept and shown; no page of this simulator pauses. */
  subscription_pause: z
    .strictObject({
      duration: z
        .strictObject({
          interval_options: clearableArray(interval).optional(),
          type: z.enum(['indefinite', 'interval_options']),
        })
        .optional(),
      enabled: boolean.optional(),
    })
    .optional(),
};
const newFeatures = z.strictObject({
  ...features,
  customer_update: z.strictObject({ ...customerUpdate, enabled: boolean }).optional(),
  subscription_cancel: z
    .strictObject({
      ...subscriptionCancel,
      cancellation_reason: z.strictObject({ enabled: boolean, options: reasons }).optional(),
      enabled: boolean,
    })
    .optional(),
  subscription_update: z.strictObject({ ...subscriptionUpdate, enabled: boolean }).optional(),
});
const changedFeatures = z.strictObject({
  ...features,
  customer_update: z.strictObject({ ...customerUpdate, enabled: boolean.optional() }).optional(),
  subscription_cancel: z
    .strictObject({
      ...subscriptionCancel,
      cancellation_reason: z.strictObject({ enabled: boolean, options: reasons.optional() }).optional(),
      enabled: boolean.optional(),
    })
    .optional(),
  subscription_update: z.strictObject({ ...subscriptionUpdate, enabled: boolean.optional() }).optional(),
});

const fields = {
  business_profile: z
    .strictObject({
      headline: clearableText.optional(),
      privacy_policy_url: clearableWebUrl.optional(),
      terms_of_service_url: clearableWebUrl.optional(),
    })
    .optional(),
  default_return_url: clearableWebUrl.optional(),
  /** The page that customers log in to is not simulated: it can't be switched on. */
  login_page: z.strictObject({ enabled: boolean }).optional(),
  name: clearableText.optional(),
};
export const createConfigurationParameters = z.strictObject({
  ...fields,
  features: newFeatures,
  metadata: metadataHash.optional(),
});
export const updateConfigurationParameters = z.strictObject({
  ...fields,
  active: boolean.optional(),
  features: changedFeatures.optional(),
  metadata: metadata.optional(),
});
export const listConfigurationsParameters = z.strictObject({
  ...listParameters,
  active: boolean.optional(),
  is_default: boolean.optional(),
});

const subscription = z.strictObject({ subscription: text });
const flowData = z.strictObject({
  after_completion: z
    .strictObject({
      hosted_confirmation: z.strictObject({ custom_message: text.optional() }).optional(),
      redirect: z.strictObject({ return_url: webUrl }).optional(),
      type: z.enum(['hosted_confirmation', 'portal_homepage', 'redirect']),
    })
    .optional(),
  subscription_cancel: subscription.optional(),
  subscription_update: subscription.optional(),
  subscription_update_confirm: z
    .strictObject({
      items: z
        .array(z.strictObject({ id: text, price: text.optional(), quantity: natural.optional() }))
        .min(1),
      subscription: text,
    })
    .optional(),
  type: z.enum([
    'customer_update',
    'payment_method_update',
    'subscription_cancel',
    'subscription_update',
    'subscription_update_confirm',
  ]),
});
export const createPortalSessionParameters = z.strictObject({
  configuration: text.optional(),
  customer: text,
  flow_data: flowData.optional(),
  /** Shown again and without effect: the page is in English. */
  locale: z.enum(portalLocales).optional(),
  return_url: webUrl.optional(),
});

export type CreateConfiguration = z.infer<typeof createConfigurationParameters>;
export type UpdateConfiguration = z.infer<typeof updateConfigurationParameters>;
export type FeatureParameters = z.infer<typeof changedFeatures>;
export type FlowData = z.infer<typeof flowData>;
export type CreatePortalSession = z.infer<typeof createPortalSessionParameters>;
