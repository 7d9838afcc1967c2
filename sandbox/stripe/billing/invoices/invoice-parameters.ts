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

const collectionMethod = z.enum(['charge_automatically', 'send_invoice']);

const fields = {
  auto_advance: boolean.optional(),
  automatically_finalizes_at: timestamp.optional(),
  collection_method: collectionMethod.optional(),
  days_until_due: natural.optional(),
  default_payment_method: text.optional(),
  description: clearableText.optional(),
  due_date: timestamp.optional(),
  footer: clearableText.optional(),
  metadata: metadata.optional(),
  statement_descriptor: clearableText.optional(),
};

export const createInvoiceParameters = z.strictObject({
  ...fields,
  currency: text.optional(),
  customer: text.optional(),
  effective_at: timestamp.optional(),
  number: text.optional(),
  pending_invoice_items_behavior: z.enum(['exclude', 'include']).optional(),
  subscription: text.optional(),
});
export const updateInvoiceParameters = z.strictObject({
  ...fields,
  effective_at: z.union([z.literal(''), timestamp]).optional(),
  number: clearableText.optional(),
});
export const listInvoicesParameters = z.strictObject({
  ...listParameters,
  collection_method: collectionMethod.optional(),
  created: createdFilter,
  customer: text.optional(),
  due_date: createdFilter,
  status: z.enum(['draft', 'open', 'paid', 'uncollectible', 'void']).optional(),
  subscription: text.optional(),
});
export const payInvoiceParameters = z.strictObject({
  // Only sources that were paid into beforehand can hold too little; there are none here.
  forgive: boolean.optional(),
  off_session: boolean.optional(),
  paid_out_of_band: boolean.optional(),
  payment_method: text.optional(),
});

export type CreateInvoice = z.infer<typeof createInvoiceParameters>;
export type UpdateInvoice = z.infer<typeof updateInvoiceParameters>;
export type ListInvoices = z.infer<typeof listInvoicesParameters>;
export type PayInvoice = z.infer<typeof payInvoiceParameters>;
