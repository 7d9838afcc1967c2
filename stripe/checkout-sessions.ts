import type Stripe from 'stripe';
import { z } from 'zod';
import type { CheckoutSession } from '../domain/checkout-session.ts';
import { stripeCustomerIdSchema, stripeSubscriptionIdSchema } from '../domain/ids.ts';
import { expandableId, metadata, optionalText, readAnswer } from './answers.ts';
import { isResourceMissing, stripeFailure } from './errors.ts';

const optionalId = expandableId.nullish().transform((id) => id ?? null);

/** The subscription is expanded for its metadata, where a store keeps the organisation's name. */
const EXPAND = ['line_items', 'subscription', 'customer'];

/** Stripe's page limit. */
const PAGE_SIZE = 100;
/** Stripe allows 20 lines that recur and 20 that don't. */
const LINES_PER_SESSION_MAX = 100;

const lineSchema = z.object({
  price: z.object({ id: z.string() }).nullish(),
  quantity: z.int().nullish(),
});

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
    line_items: z.object({ data: z.array(lineSchema), has_more: z.boolean().default(false) }).optional(),
  })
  .transform((session) => {
    const customer = readAnswer(named, session.customer);
    const subscription = z.object({ metadata }).nullish().catch(null).parse(session.subscription);
    const answer: CheckoutSession = {
      id: session.id,
      mode: session.mode,
      paymentStatus: session.payment_status,
      customerId: readAnswer(optionalId.pipe(stripeCustomerIdSchema.nullable()), session.customer),
      subscriptionId: readAnswer(
        optionalId.pipe(stripeSubscriptionIdSchema.nullable()),
        session.subscription,
      ),
      lineItems: (session.line_items?.data ?? []).flatMap(lineItem),
      email: session.customer_details?.email ?? customer?.email ?? session.customer_email,
      names: [
        subscription?.metadata.client_name,
        session.metadata.client_name,
        session.customer_details?.business_name,
        session.customer_details?.name,
        customer?.name,
      ],
    };
    return { session: answer, hasMoreLines: session.line_items?.has_more ?? false };
  });

function lineItem(line: z.infer<typeof lineSchema>): CheckoutSession['lineItems'] {
  return line.price ? [{ priceId: line.price.id, quantity: line.quantity ?? null }] : [];
}

/** @returns null when Stripe doesn't know the id */
export async function retrieveCheckoutSession(stripe: Stripe, id: string): Promise<CheckoutSession | null> {
  try {
    const answer = await stripe.checkout.sessions.retrieve(id, { expand: EXPAND });
    const { session, hasMoreLines } = readAnswer(sessionSchema, answer);
    // The list embedded in a session is cut, and the licence may stand beyond the cut.
    return hasMoreLines ? { ...session, lineItems: await listLineItems(stripe, id) } : session;
  } catch (error) {
    if (isResourceMissing(error)) return null;
    throw stripeFailure(error);
  }
}

async function listLineItems(stripe: Stripe, id: string): Promise<CheckoutSession['lineItems']> {
  const lines = await stripe.checkout.sessions
    .listLineItems(id, { limit: PAGE_SIZE })
    .autoPagingToArray({ limit: LINES_PER_SESSION_MAX });
  return lines.flatMap((line) => lineItem(readAnswer(lineSchema, line)));
}
