import { z } from 'zod';
import { boolean, clearableText, integer, metadata, metadataHash, sent, text } from '../../api/parameters.ts';
import { mandateData, mandateDataOnline, paymentMethodDataSchema } from './payment-method-parameters.ts';

const statementDescriptorLengthMax = 22;
const currencyPattern = /^[a-z]{3}$/i;

const statementDescriptor = text.max(statementDescriptorLengthMax);
/** At least the smallest unit; Stripe's minimum of about half a dollar is not checked. */
const amount = integer.refine((value) => value >= 1, {
  error: 'This value must be greater than or equal to 1.',
});
const currency = text
  .refine((code) => currencyPattern.test(code), { error: (issue) => `Invalid currency: ${issue.input}` })
  .transform((code) => code.toLowerCase());

const shippingFields = z.strictObject({
  address: z.strictObject({
    city: z.string().optional(),
    country: z.string().optional(),
    line1: z.string().optional(),
    line2: z.string().optional(),
    postal_code: z.string().optional(),
    state: z.string().optional(),
  }),
  carrier: z.string().optional(),
  name: text,
  phone: z.string().optional(),
  tracking_number: z.string().optional(),
});
const shipping = z.union([z.literal(''), shippingFields]);

const futureUsage = z.enum(['off_session', 'on_session']);
const captureMethod = z.enum(['automatic', 'automatic_async', 'manual']);
/** What may be changed until the intent is paid. */
const changeable = {
  capture_method: captureMethod.optional(),
  payment_method: text.optional(),
  payment_method_data: paymentMethodDataSchema,
  /** Refused with a code of its own. */
  payment_method_types: z.array(z.string()).optional(),
  receipt_email: clearableText.optional(),
  setup_future_usage: z.union([z.literal(''), futureUsage]).optional(),
  shipping: shipping.optional(),
};
const described = {
  customer: text.optional(),
  description: clearableText.optional(),
  metadata: metadata.optional(),
  statement_descriptor: statementDescriptor.optional(),
  statement_descriptor_suffix: statementDescriptor.optional(),
  transfer_group: text.optional(),
};
/** What is told when it is confirmed. */
const confirming = {
  error_on_requires_action: boolean.optional(),
  /** Both kinds without the customer are the same here. */
  off_session: z.union([z.enum(['one_off', 'recurring']), boolean]).optional(),
  return_url: text.optional(),
  /** Without effect: what is shown to the customer is not simulated. */
  use_stripe_sdk: boolean.optional(),
};

export const createIntentParameters = z.strictObject({
  ...changeable,
  ...described,
  ...confirming,
  metadata: metadataHash.optional(),
  setup_future_usage: futureUsage.optional(),
  shipping: shippingFields.optional(),
  amount,
  automatic_payment_methods: z
    .strictObject({ allow_redirects: z.enum(['always', 'never']).optional(), enabled: boolean })
    .optional(),
  confirm: boolean.optional(),
  confirmation_method: z.literal('automatic').optional(),
  currency,
  mandate_data: mandateData,
});
export const updateIntentParameters = z.strictObject({
  ...changeable,
  ...described,
  amount: amount.optional(),
  currency: currency.optional(),
});
export const confirmIntentParameters = z.strictObject({
  ...changeable,
  ...confirming,
  /** Whoever has the secret may confirm; whoever has the key may, too. */
  client_secret: text.optional(),
  mandate_data: mandateDataOnline,
});
export const captureIntentParameters = z.strictObject({
  amount_to_capture: amount.optional(),
  /** Authorizations are captured once. */
  final_capture: z.enum(['true']).optional(),
  metadata: metadata.optional(),
  statement_descriptor: statementDescriptor.optional(),
  statement_descriptor_suffix: statementDescriptor.optional(),
});

export type CreateIntent = z.infer<typeof createIntentParameters>;
export type UpdateIntent = z.infer<typeof updateIntentParameters>;
export type ConfirmIntent = z.infer<typeof confirmIntentParameters>;

/** The shipping of an intent as it is shown; an empty text clears it. */
export function toShipping(sentShipping: z.infer<typeof shipping>): object | null {
  if (sentShipping === '') return null;
  const { address, ...rest } = sentShipping;
  return {
    address: {
      city: null,
      country: null,
      line1: null,
      line2: null,
      postal_code: null,
      state: null,
      ...sent(address),
    },
    carrier: null,
    phone: null,
    tracking_number: null,
    ...sent(rest),
  };
}
