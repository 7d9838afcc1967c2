import type Stripe from 'stripe';
import { z } from 'zod';
import type { CheckoutSession } from '../domain/checkout-session.ts';
import { stripeCustomerIdSchema, stripeSubscriptionIdSchema } from '../domain/ids.ts';
import { expandableId, metadata, optionalText, readAnswer } from './answers.ts';
import { isResourceMissing, stripeFailure } from './errors.ts';

const optionalId = expandableId.nullish().transform((id) => id ?? null);

/** The subscription is expanded for its metadata, where a store keeps the organisation's name. */
const EXPAND = ['line_items', 'subscription', 'customer'];

const named = z.object({ name: optionalText, email: optionalText }).nullish().catch(null);

const sessionSchema = z
  .object({
    id: z.string(),
    mode: z.enum(['payment', 'setup', 'subscription']),
    payment_status: z.enum(['paid', 'unpaid', 'no_payment_required']),
    customer: z.unknown(),
    customer_details: z
      .object({ email: optionalText, name: optionalText, business_name: optionalText })
      .nullish(),
    customer_email: optionalText,
    subscription: z.unknown(),
    metadata,
    line_items: z
      .object({
        data: z.array(
          z.object({ price: z.object({ id: z.string() }).nullish(), quantity: z.int().nullish() }),
        ),
      })
      .optional(),
  })
  .transform((session): CheckoutSession => {
    const customer = readAnswer(named, session.customer);
    const subscription = z.object({ metadata }).nullish().catch(null).parse(session.subscription);
    return {
      id: session.id,
      mode: session.mode,
      paymentStatus: session.payment_status,
      customerId: readAnswer(optionalId.pipe(stripeCustomerIdSchema.nullable()), session.customer),
      subscriptionId: readAnswer(
        optionalId.pipe(stripeSubscriptionIdSchema.nullable()),
        session.subscription,
      ),
      lineItems: (session.line_items?.data ?? []).flatMap((item) =>
        item.price ? [{ priceId: item.price.id, quantity: item.quantity ?? null }] : [],
      ),
      email: session.customer_details?.email ?? customer?.email ?? session.customer_email,
      names: [
        subscription?.metadata.client_name,
        session.metadata.client_name,
        session.customer_details?.business_name,
        session.customer_details?.name,
        customer?.name,
      ],
    };
  });

/** @returns null when Stripe doesn't know the id */
export async function retrieveCheckoutSession(stripe: Stripe, id: string): Promise<CheckoutSession | null> {
  try {
    return readAnswer(sessionSchema, await stripe.checkout.sessions.retrieve(id, { expand: EXPAND }));
  } catch (error) {
    if (isResourceMissing(error)) return null;
    throw stripeFailure(error);
  }
}
