import { z } from 'zod';
import { listParameters } from '../../api/lists.ts';
import {
  boolean,
  clearableText,
  createdFilter,
  metadata,
  natural,
  text,
  timestamp,
} from '../../api/parameters.ts';
import { paymentMethodTypes } from '../payments/payments.ts';
import { changedItemParameters, itemParameters } from './subscription-item-changes.ts';
import { subscriptionStatuses } from './subscription-state.ts';

const paymentBehaviors = [
  'allow_incomplete',
  'default_incomplete',
  'error_if_incomplete',
  'pending_if_incomplete',
] as const;
const prorationBehaviors = ['always_invoice', 'create_prorations', 'none'] as const;
const collectionMethods = ['charge_automatically', 'send_invoice'] as const;

const cancellationDetails = z.strictObject({
  comment: clearableText.optional(),
  feedback: z
    .union([
      z.literal('').transform(() => null),
      z.enum([
        'customer_service',
        'low_quality',
        'missing_features',
        'other',
        'switched_service',
        'too_complex',
        'too_expensive',
        'unused',
      ]),
    ])
    .optional(),
});
const billingMode = z.strictObject({
  type: z.enum(['classic', 'flexible']),
  flexible: z.strictObject({ proration_discounts: z.enum(['included', 'itemized']).optional() }).optional(),
});
const anchorChange = z.strictObject({ type: z.enum(['now', 'unchanged']) });

/** How a change is billed and paid. */
export const billingParameters = {
  payment_behavior: z.enum(paymentBehaviors).optional(),
  proration_behavior: z.enum(prorationBehaviors).optional(),
  proration_date: timestamp.optional(),
};
const fields = {
  automatic_tax: z.strictObject({ enabled: boolean }).optional(),
  cancel_at_period_end: boolean.optional(),
  collection_method: z.enum(collectionMethods).optional(),
  days_until_due: natural.optional(),
  default_payment_method: clearableText.optional(),
  description: clearableText.optional(),
  metadata: metadata.optional(),
  off_session: boolean.optional(),
  payment_behavior: billingParameters.payment_behavior,
  payment_settings: z
    .strictObject({
      payment_method_types: z
        .union([z.literal('').transform(() => null), z.array(z.enum(paymentMethodTypes))])
        .optional(),
      save_default_payment_method: z.enum(['off', 'on_subscription']).optional(),
    })
    .optional(),
  proration_behavior: billingParameters.proration_behavior,
  trial_end: z.union([z.literal('now'), timestamp]).optional(),
  trial_settings: z
    .strictObject({
      end_behavior: z.strictObject({
        missing_payment_method: z.enum(['cancel', 'create_invoice', 'pause']),
      }),
    })
    .optional(),
};
const cancelAt = z.union([z.enum(['min_period_end', 'max_period_end']), timestamp]);
/** What a subscription is made from; Checkout makes one from the same. */
export const createSubscriptionParameters = z.strictObject({
  ...fields,
  billing_cycle_anchor: timestamp.optional(),
  billing_mode: billingMode.optional(),
  cancel_at: cancelAt.optional(),
  currency: text.optional(),
  customer: text,
  items: z.array(z.strictObject(itemParameters)).min(1),
  trial_period_days: natural.optional(),
});
export const updateSubscriptionParameters = z.strictObject({
  ...fields,
  ...billingParameters,
  billing_cycle_anchor: anchorChange.optional(),
  cancel_at: z.union([z.literal(''), cancelAt]).optional(),
  cancellation_details: cancellationDetails.optional(),
  items: z.array(z.strictObject(changedItemParameters)).optional(),
  pause_collection: z
    .union([
      z.literal(''),
      z.strictObject({
        behavior: z.enum(['keep_as_draft', 'mark_uncollectible', 'void']),
        resumes_at: timestamp.optional(),
      }),
    ])
    .optional(),
});
export const cancelSubscriptionParameters = z.strictObject({
  cancellation_details: cancellationDetails.optional(),
  invoice_now: boolean.optional(),
  prorate: boolean.optional(),
});
export const migrateSubscriptionParameters = z.strictObject({
  billing_mode: billingMode.extend({ type: z.literal('flexible') }),
});
/** Usage is not kept, so that what is billed for it has no effect. */
export const pauseSubscriptionParameters = z.strictObject({
  bill_for: z
    .strictObject({
      outstanding_usage_through: z.strictObject({ type: z.enum(['none', 'now']) }).optional(),
      unused_time_from: z
        .strictObject({ type: z.enum(['item_current_period_start', 'none', 'now']) })
        .optional(),
    })
    .optional(),
  invoicing_behavior: z.enum(['invoice', 'pending_invoice_item']).optional(),
  type: z.literal('subscription').optional(),
});
export const resumeSubscriptionParameters = z.strictObject({
  billing_cycle_anchor: anchorChange.optional(),
  payment_behavior: z.enum(['resume_on_payment_attempt', 'resume_on_payment_success']).optional(),
  proration_behavior: z.enum(prorationBehaviors).optional(),
  proration_date: timestamp.optional(),
});
export const listSubscriptionsParameters = z.strictObject({
  ...listParameters,
  automatic_tax: z.strictObject({ enabled: boolean }).optional(),
  collection_method: z.enum(collectionMethods).optional(),
  created: createdFilter,
  current_period_end: createdFilter,
  current_period_start: createdFilter,
  customer: text.optional(),
  price: text.optional(),
  status: z.enum([...subscriptionStatuses, 'all', 'ended']).optional(),
  test_clock: text.optional(),
});

export type CreateSubscription = z.infer<typeof createSubscriptionParameters>;
export type UpdateSubscription = z.infer<typeof updateSubscriptionParameters>;
export type CancelSubscription = z.infer<typeof cancelSubscriptionParameters>;
export type MigrateSubscription = z.infer<typeof migrateSubscriptionParameters>;
export type PauseSubscription = z.infer<typeof pauseSubscriptionParameters>;
export type ResumeSubscription = z.infer<typeof resumeSubscriptionParameters>;
export type ListSubscriptions = z.infer<typeof listSubscriptionsParameters>;
