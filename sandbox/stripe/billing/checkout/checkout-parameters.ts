import { z } from 'zod';
import { listParameters } from '../../api/lists.ts';
import {
  boolean,
  createdFilter,
  metadata,
  metadataHash,
  natural,
  text,
  timestamp,
  webUrl,
} from '../../api/parameters.ts';
import { inlinePriceFields } from '../catalog/catalog-parameters.ts';
import { checkoutLocales } from '../locales.ts';

const enabled = z.strictObject({ enabled: boolean });

/** Shown again, and without effect on what a completed session makes. */
const shownOnly = {
  adaptive_pricing: z.strictObject({ enabled: boolean.optional() }).optional(),
  /** There are no codes that a buyer could type in. */
  allow_promotion_codes: boolean.optional(),
  allowed_payment_method_types: z.array(text).optional(),
  billing_address_collection: z.enum(['auto', 'required']).optional(),
  integration_identifier: text.optional(),
  locale: z.enum(checkoutLocales).optional(),
  origin_context: z.enum(['mobile_app', 'web']).optional(),
  phone_number_collection: enabled.optional(),
  redirect_on_completion: z.enum(['always', 'if_required', 'never']).optional(),
  submit_type: z.enum(['auto', 'book', 'donate', 'pay', 'subscribe']).optional(),
  tax_id_collection: z
    .strictObject({ enabled: boolean, required: z.enum(['if_supported', 'never']).optional() })
    .optional(),
};

const line = z.strictObject({
  adjustable_quantity: z
    .strictObject({ enabled: boolean, maximum: natural.optional(), minimum: natural.optional() })
    .optional(),
  metadata: metadataHash.optional(),
  price: text.optional(),
  price_data: z
    .strictObject({
      ...inlinePriceFields,
      product: text.optional(),
      product_data: z
        .strictObject({
          description: text.optional(),
          images: z.array(text).optional(),
          metadata: metadataHash.optional(),
          name: text,
          tax_code: text.optional(),
          unit_label: text.optional(),
        })
        .optional(),
    })
    .optional(),
  quantity: natural.optional(),
});

const subscriptionData = z.strictObject({
  billing_cycle_anchor: timestamp.optional(),
  billing_mode: z
    .strictObject({
      flexible: z
        .strictObject({ proration_discounts: z.enum(['included', 'itemized']).optional() })
        .optional(),
      type: z.enum(['classic', 'flexible']),
    })
    .optional(),
  description: text.optional(),
  metadata: metadataHash.optional(),
  proration_behavior: z.enum(['create_prorations', 'none']).optional(),
  trial_end: timestamp.optional(),
  trial_period_days: natural.optional(),
  trial_settings: z
    .strictObject({
      end_behavior: z.strictObject({
        missing_payment_method: z.enum(['cancel', 'create_invoice', 'pause']),
      }),
    })
    .optional(),
});

const paymentIntentData = z.strictObject({
  description: text.optional(),
  metadata: metadataHash.optional(),
  receipt_email: text.optional(),
  setup_future_usage: z.enum(['off_session', 'on_session']).optional(),
  statement_descriptor: text.optional(),
  statement_descriptor_suffix: text.optional(),
  transfer_group: text.optional(),
});

/** What a session is made from. */
export const createSessionParameters = z.strictObject({
  ...shownOnly,
  /** Taxes are not simulated: they are always 0. */
  automatic_tax: enabled.optional(),
  cancel_url: webUrl.optional(),
  client_reference_id: text.optional(),
  currency: text.optional(),
  customer: text.optional(),
  customer_creation: z.enum(['always', 'if_required']).optional(),
  customer_email: text.optional(),
  customer_update: z
    .strictObject({
      address: z.enum(['auto', 'never']).optional(),
      name: z.enum(['auto', 'never']).optional(),
      shipping: z.enum(['auto', 'never']).optional(),
    })
    .optional(),
  expires_at: timestamp.optional(),
  line_items: z.array(line).min(1).optional(),
  metadata: metadataHash.optional(),
  mode: z.enum(['payment', 'setup', 'subscription']).optional(),
  payment_intent_data: paymentIntentData.optional(),
  payment_method_collection: z.enum(['always', 'if_required']).optional(),
  /** Refused with a code of its own. */
  payment_method_types: z.array(z.string()).optional(),
  return_url: webUrl.optional(),
  setup_intent_data: z
    .strictObject({ description: text.optional(), metadata: metadataHash.optional() })
    .optional(),
  subscription_data: subscriptionData.optional(),
  success_url: webUrl.optional(),
  ui_mode: z.enum(['elements', 'embedded_page', 'form', 'hosted_page']).optional(),
});
export const updateSessionParameters = z.strictObject({ metadata: metadata.optional() });
export const listSessionsParameters = z.strictObject({
  ...listParameters,
  created: createdFilter,
  customer: text.optional(),
  customer_details: z.strictObject({ email: text }).optional(),
  payment_intent: text.optional(),
  status: z.enum(['open', 'complete', 'expired']).optional(),
  subscription: text.optional(),
});

export type CreateSession = z.infer<typeof createSessionParameters>;
export type SentLine = z.infer<typeof line>;
export type SubscriptionData = z.infer<typeof subscriptionData>;
export type ListSessions = z.infer<typeof listSessionsParameters>;
