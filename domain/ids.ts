import { z } from 'zod';

/** Stripe ids are at most this long (Stripe: «up to 255 characters»). */
const STRIPE_ID_LENGTH_MAX = 255;

const stripeId = (prefix: string) =>
  z
    .string()
    .max(STRIPE_ID_LENGTH_MAX)
    .regex(new RegExp(`^${prefix}_[A-Za-z0-9]+$`), `must be a Stripe id that begins with ${prefix}_`);

/** A Stripe customer's id; the customer is a tenant's identity in Stripe. */
export const stripeCustomerIdSchema = stripeId('cus').brand<'StripeCustomerId'>();
export const stripeSubscriptionIdSchema = stripeId('sub').brand<'StripeSubscriptionId'>();
export const stripeInvoiceIdSchema = stripeId('in').brand<'StripeInvoiceId'>();
export const stripeProductIdSchema = z.string().min(1).max(STRIPE_ID_LENGTH_MAX).brand<'StripeProductId'>();
export const stripePriceIdSchema = z.string().min(1).max(STRIPE_ID_LENGTH_MAX).brand<'StripePriceId'>();
export const tenantIdSchema = z.uuid().brand<'TenantId'>();

export type StripeCustomerId = z.infer<typeof stripeCustomerIdSchema>;
export type StripeSubscriptionId = z.infer<typeof stripeSubscriptionIdSchema>;
export type StripeInvoiceId = z.infer<typeof stripeInvoiceIdSchema>;
export type StripeProductId = z.infer<typeof stripeProductIdSchema>;
export type StripePriceId = z.infer<typeof stripePriceIdSchema>;

/** What a subject of the inbox names: the customer or product that is to be synced, or what leads to one. */
export type SubjectKind =
  | 'customer'
  | 'subscription'
  | 'invoice'
  | 'session'
  | 'product'
  | 'price'
  | 'unknown';

/** Tells from its prefix what the subject of an event is. A product or price may carry any id its owner chose. */
export function subjectKind(subject: string): SubjectKind {
  if (stripeCustomerIdSchema.safeParse(subject).success) return 'customer';
  if (stripeSubscriptionIdSchema.safeParse(subject).success) return 'subscription';
  if (stripeInvoiceIdSchema.safeParse(subject).success) return 'invoice';
  if (subject.startsWith(SESSION_ID_PREFIX)) return 'session';
  if (subject.startsWith(PRODUCT_SUBJECT_PREFIX)) return 'product';
  if (subject.startsWith(PRICE_SUBJECT_PREFIX)) return 'price';
  return 'unknown';
}

/** Checkout sessions: `cs_test_…` and `cs_live_…`. */
const SESSION_ID_PREFIX = 'cs_';

/** Product ids are free-form in Stripe, as are those of prices that were made as plans, so their subjects are marked. */
const PRODUCT_SUBJECT_PREFIX = 'product:';
const PRICE_SUBJECT_PREFIX = 'price:';

export function productSubject(productId: string): string {
  return `${PRODUCT_SUBJECT_PREFIX}${productId}`;
}

/** The product id of a subject made by `productSubject`. */
export function productOfSubject(subject: string): StripeProductId {
  return stripeProductIdSchema.parse(subject.slice(PRODUCT_SUBJECT_PREFIX.length));
}

export function priceSubject(priceId: string): string {
  return `${PRICE_SUBJECT_PREFIX}${priceId}`;
}

/** The price id of a subject made by `priceSubject`. */
export function priceOfSubject(subject: string): StripePriceId {
  return stripePriceIdSchema.parse(subject.slice(PRICE_SUBJECT_PREFIX.length));
}
