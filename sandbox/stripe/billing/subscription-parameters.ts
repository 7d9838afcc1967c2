import { z } from 'zod';
import { listParameters } from '../api/lists.ts';
import {
  boolean,
  clearableText,
  createdFilter,
  metadata,
  natural,
  text,
  timestamp,
} from '../api/parameters.ts';
import { itemParameters } from './subscription-item-changes.ts';
import { subscriptionStatuses } from './subscription-state.ts';

const cancellationDetails = z.strictObject({
  comment: clearableText.optional(),
  feedback: clearableText.optional(),
});

/** Accepted and without effect until payments are simulated. */
const accepted = {
  automatic_tax: z.record(z.string(), z.unknown()).optional(),
  billing_mode: z.strictObject({ type: z.enum(['classic', 'flexible']) }).optional(),
  off_session: boolean.optional(),
  payment_behavior: z
    .enum(['allow_incomplete', 'default_incomplete', 'error_if_incomplete', 'pending_if_incomplete'])
    .optional(),
  payment_settings: z.record(z.string(), z.unknown()).optional(),
  proration_behavior: z.enum(['always_invoice', 'create_prorations', 'none']).optional(),
  proration_date: timestamp.optional(),
};
const fields = {
  ...accepted,
  cancel_at: z.union([z.literal(''), z.enum(['min_period_end', 'max_period_end']), timestamp]).optional(),
  cancel_at_period_end: boolean.optional(),
  collection_method: z.enum(['charge_automatically', 'send_invoice']).optional(),
  days_until_due: natural.optional(),
  default_payment_method: clearableText.optional(),
  description: clearableText.optional(),
  metadata: metadata.optional(),
  trial_end: z.union([z.literal('now'), timestamp]).optional(),
};
/** What a subscription is made from; Checkout makes one from the same. */
export const createSubscriptionParameters = z.strictObject({
  ...fields,
  currency: text.optional(),
  customer: text,
  items: z.array(z.strictObject(itemParameters)).min(1),
  trial_period_days: natural.optional(),
});
export const updateSubscriptionParameters = z.strictObject({
  ...fields,
  cancellation_details: cancellationDetails.optional(),
  items: z
    .array(z.strictObject({ ...itemParameters, id: text.optional(), deleted: boolean.optional() }))
    .optional(),
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
export const listSubscriptionsParameters = z.strictObject({
  ...listParameters,
  collection_method: z.enum(['charge_automatically', 'send_invoice']).optional(),
  created: createdFilter,
  customer: text.optional(),
  price: text.optional(),
  status: z.enum([...subscriptionStatuses, 'all', 'ended']).optional(),
  test_clock: text.optional(),
});

export type CreateSubscription = z.infer<typeof createSubscriptionParameters>;
export type UpdateSubscription = z.infer<typeof updateSubscriptionParameters>;
export type CancelSubscription = z.infer<typeof cancelSubscriptionParameters>;
export type ListSubscriptions = z.infer<typeof listSubscriptionsParameters>;
