import { z } from 'zod';
import { boolean, clearableText, metadata, metadataHash, text } from '../../api/parameters.ts';
import { mandateData, mandateDataOnline, paymentMethodDataSchema } from './payment-method-parameters.ts';

const method = { payment_method: text.optional(), payment_method_data: paymentMethodDataSchema };
const fields = {
  ...method,
  customer: text.optional(),
  description: clearableText.optional(),
  metadata: metadata.optional(),
  /** Refused with a code of its own. */
  payment_method_types: z.array(z.string()).optional(),
};
const confirming = {
  return_url: text.optional(),
  /** Without effect: what is shown to the customer is not simulated. */
  use_stripe_sdk: boolean.optional(),
};
export const createSetupParameters = z.strictObject({
  ...fields,
  ...confirming,
  mandate_data: mandateData,
  metadata: metadataHash.optional(),
  automatic_payment_methods: z
    .strictObject({ allow_redirects: z.enum(['always', 'never']).optional(), enabled: boolean })
    .optional(),
  confirm: boolean.optional(),
  usage: z.enum(['off_session', 'on_session']).optional(),
});
export const updateSetupParameters = z.strictObject(fields);
export const confirmSetupParameters = z.strictObject({
  ...method,
  ...confirming,
  client_secret: text.optional(),
  mandate_data: mandateDataOnline,
});
export const cancelSetupParameters = z.strictObject({
  cancellation_reason: z.enum(['abandoned', 'duplicate', 'requested_by_customer']).optional(),
});
