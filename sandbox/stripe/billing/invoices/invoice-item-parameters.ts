import { z } from 'zod';
import {
  boolean,
  clearableText,
  decimal,
  integer,
  metadata,
  natural,
  text,
  timestamp,
} from '../../api/parameters.ts';

/** What describes an invoice item, and a line that shows one. */
export const itemFields = {
  amount: integer.optional(),
  description: clearableText.optional(),
  discountable: boolean.optional(),
  metadata: metadata.optional(),
  period: z.strictObject({ end: timestamp, start: timestamp }).optional(),
  pricing: z.strictObject({ price: text.optional() }).optional(),
  quantity: natural.optional(),
  unit_amount_decimal: decimal.optional(),
};
export const createItemParameters = z.strictObject({
  ...itemFields,
  currency: text.optional(),
  customer: text.optional(),
  invoice: text.optional(),
  subscription: text.optional(),
});
export const updateItemParameters = z.strictObject(itemFields);

export type CreateItem = z.infer<typeof createItemParameters>;
export type UpdateItem = z.infer<typeof updateItemParameters>;
