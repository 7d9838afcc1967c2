import type Stripe from 'stripe';
import { z } from 'zod';
import { type StripeCustomerId, stripeCustomerIdSchema } from '../domain/ids.ts';
import type { Customer } from '../domain/subscription.ts';
import { expandableId, metadata, optionalText, readAnswer } from './answers.ts';
import { isResourceMissing, stripeFailure } from './errors.ts';

/** A customer as Stripe answers it, by itself or expanded in another object. */
export const customerSchema = z.union([
  z.object({ id: stripeCustomerIdSchema, deleted: z.literal(true) }),
  z
    .object({
      id: stripeCustomerIdSchema,
      email: optionalText,
      name: optionalText,
      metadata,
      default_source: expandableId.nullish(),
      invoice_settings: z.object({ default_payment_method: expandableId.nullish() }).nullish(),
    })
    .transform(({ default_source: source, invoice_settings: settings, ...customer }) => ({
      ...customer,
      hasPaymentMethod: Boolean(settings?.default_payment_method ?? source),
      deleted: false as const,
    })),
]);

/**
 * Reads a customer. One that was deleted is answered as such.
 *
 * @returns null when Stripe doesn't know the id
 */
export async function retrieveCustomer(stripe: Stripe, id: StripeCustomerId): Promise<Customer | null> {
  try {
    return readAnswer(customerSchema, await stripe.customers.retrieve(id));
  } catch (error) {
    if (isResourceMissing(error)) return null;
    throw stripeFailure(error);
  }
}
