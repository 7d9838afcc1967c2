import { z } from 'zod';
import { boolean, clearableText, integer, metadata, natural, text, timestamp } from '../../api/parameters.ts';

/** What would be added to the previewed invoice. */
const invoiceItem = z.strictObject({
  amount: integer.optional(),
  currency: text.optional(),
  description: clearableText.optional(),
  metadata: metadata.optional(),
  price: text.optional(),
  quantity: natural.optional(),
});
const item = z.strictObject({
  clear_usage: boolean.optional(),
  deleted: boolean.optional(),
  id: text.optional(),
  metadata: metadata.optional(),
  price: text.optional(),
  quantity: natural.optional(),
});
const subscriptionDetails = z.strictObject({
  billing_cycle_anchor: z.enum(['now', 'unchanged']).optional(),
  cancel_at: z.union([z.literal(''), timestamp]).optional(),
  cancel_at_period_end: boolean.optional(),
  cancel_now: boolean.optional(),
  items: z.array(item).optional(),
  metadata: metadata.optional(),
  proration_behavior: z.enum(['always_invoice', 'create_prorations', 'none']).optional(),
  proration_date: timestamp.optional(),
  trial_end: z.union([z.literal('now'), timestamp]).optional(),
});

export const previewParameters = z.strictObject({
  currency: text.optional(),
  customer: text.optional(),
  invoice_items: z.array(invoiceItem).optional(),
  subscription: text.optional(),
  subscription_details: subscriptionDetails.optional(),
});

export type PreviewInvoice = z.infer<typeof previewParameters>;
export type PreviewDetails = z.infer<typeof subscriptionDetails>;
