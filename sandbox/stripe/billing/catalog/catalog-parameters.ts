import { z } from 'zod';
import {
  boolean,
  clearableText,
  decimal,
  metadata,
  metadataHash,
  natural,
  text,
} from '../../api/parameters.ts';

const interval = {
  interval: z.enum(['day', 'week', 'month', 'year']),
  interval_count: natural.optional(),
};
const recurring = z.strictObject({
  ...interval,
  meter: text.optional(),
  trial_period_days: natural.optional(),
  usage_type: z.enum(['licensed', 'metered']).optional(),
});
const taxBehavior = z.enum(['exclusive', 'inclusive', 'unspecified']);

/** What describes an amount, wherever a price is made: here, inline in a product, in a Checkout line. */
export const inlinePriceFields = {
  currency: text,
  unit_amount: natural.optional(),
  unit_amount_decimal: decimal.optional(),
  recurring: z.strictObject(interval).optional(),
  tax_behavior: taxBehavior.optional(),
};
const tier = z.strictObject({
  flat_amount: natural.optional(),
  flat_amount_decimal: decimal.optional(),
  unit_amount: natural.optional(),
  unit_amount_decimal: decimal.optional(),
  up_to: z.union([z.literal('inf'), natural]),
});
/** What a product is made from inside a price. */
const productData = z.strictObject({
  id: text.optional(),
  name: text,
  active: boolean.optional(),
  metadata: metadataHash.optional(),
  statement_descriptor: text.optional(),
  tax_code: text.optional(),
  unit_label: text.optional(),
});
export const createPriceParameters = z.strictObject({
  ...inlinePriceFields,
  recurring: recurring.optional(),
  metadata: metadataHash.optional(),
  active: boolean.optional(),
  billing_scheme: z.enum(['per_unit', 'tiered']).optional(),
  lookup_key: text.optional(),
  nickname: text.optional(),
  product: text.optional(),
  product_data: productData.optional(),
  tiers: z.array(tier).optional(),
  tiers_mode: z.enum(['graduated', 'volume']).optional(),
  transfer_lookup_key: boolean.optional(),
  transform_quantity: z
    .strictObject({ divide_by: natural, round: z.enum(['down', 'up']) })
    .refine(({ divide_by }) => divide_by > 0, { path: ['divide_by'], error: 'Invalid positive integer' })
    .optional(),
});
export const updatePriceParameters = z.strictObject({
  active: boolean.optional(),
  lookup_key: clearableText.optional(),
  metadata: metadata.optional(),
  nickname: clearableText.optional(),
  tax_behavior: taxBehavior.optional(),
  transfer_lookup_key: boolean.optional(),
});

const number = decimal.transform(Number);
const dimensions = z.strictObject({ height: number, length: number, weight: number, width: number });
const emptied = z.literal('');
const images = z.array(text);
const marketingFeatures = z.array(z.strictObject({ name: text }));
const productFields = {
  active: boolean.optional(),
  description: clearableText.optional(),
  shippable: boolean.optional(),
  statement_descriptor: clearableText.optional(),
  tax_code: clearableText.optional(),
  tax_details: z
    .union([
      emptied.transform(() => null),
      z.strictObject({ performance_location: text.optional(), tax_code: clearableText.optional() }),
    ])
    .optional(),
  unit_label: clearableText.optional(),
  url: clearableText.optional(),
};
export const createProductParameters = z.strictObject({
  ...productFields,
  id: text.optional(),
  images: images.optional(),
  marketing_features: marketingFeatures.optional(),
  metadata: metadataHash.optional(),
  name: text,
  package_dimensions: dimensions.optional(),
  default_price_data: z.strictObject({ ...inlinePriceFields, metadata: metadataHash.optional() }).optional(),
  /** The only type that this API version makes. */
  type: z.enum(['service']).optional(),
});
export const updateProductParameters = z.strictObject({
  ...productFields,
  default_price: text.optional(),
  images: z.union([emptied.transform(() => []), images]).optional(),
  marketing_features: z.union([emptied.transform(() => []), marketingFeatures]).optional(),
  metadata: metadata.optional(),
  name: text.optional(),
  package_dimensions: z.union([emptied.transform(() => null), dimensions]).optional(),
});

export type CreatePrice = z.infer<typeof createPriceParameters>;
export type UpdatePrice = z.infer<typeof updatePriceParameters>;
export type SentTier = z.infer<typeof tier>;
export type CreateProduct = z.infer<typeof createProductParameters>;
export type UpdateProduct = z.infer<typeof updateProductParameters>;
