import { z } from 'zod';
import { stripeCustomerIdSchema, stripeSubscriptionIdSchema } from './ids.ts';
import { read } from './read.ts';

export const CLIENT_NAME_LENGTH_MAX = 200;
/** RFC 5321's limit on a forward path, less the angle brackets. */
const EMAIL_LENGTH_MAX = 254;
const LICENSE_COUNT_MAX = 1_000_000;

/** How a customer came to us; kept in `stripe_customers.metadata.source`. */
const PURCHASE_SOURCES = ['nm_store_checkout', 'stripe_checkout', 'migration_import'] as const;

/**
 * Deliberately wider than zod's own e-mail rule: whoever could pay in Stripe must be able to get a tenant.
 * One `@` with something on both sides, and no white space or control character that could break a mail header.
 */
export const emailSchema = z
  .string()
  .max(EMAIL_LENGTH_MAX)
  .regex(/^[^\s@\p{Cc}\p{Cs}<>,;]+@[^\s@\p{Cc}\p{Cs}<>,;]+$/u, 'must be an e-mail address');

export const clientNameSchema = z
  .string()
  .trim()
  .min(1)
  .max(CLIENT_NAME_LENGTH_MAX)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not contain control characters or halves of characters');

export const licenseCountSchema = z.int().min(0).max(LICENSE_COUNT_MAX);

const purchase = {
  email: emailSchema,
  client_name: clientNameSchema,
  stripe_customer_id: stripeCustomerIdSchema.optional(),
  stripe_subscription_id: stripeSubscriptionIdSchema.optional(),
  initial_license_count: licenseCountSchema.optional(),
};

const subscriptionNeedsCustomer = (input: {
  stripe_customer_id?: string | undefined;
  stripe_subscription_id?: string | undefined;
}) => input.stripe_subscription_id === undefined || input.stripe_customer_id !== undefined;

const SUBSCRIPTION_NEEDS_CUSTOMER = {
  path: ['stripe_customer_id'],
  message: 'is needed when stripe_subscription_id is given',
  // Also when other fields are wrong: all of them are to be named at once.
  when: ({ value }: { value: unknown }) => typeof value === 'object' && value !== null,
};

/** The body of `POST /checkouts`: unknown fields are refused. */
export const checkoutSchema = z
  .strictObject(purchase)
  .refine(subscriptionNeedsCustomer, SUBSCRIPTION_NEEDS_CUSTOMER);

/** What `createTenantWorkflow` takes: unknown fields of a direct start are ignored. */
export const createTenantInputSchema = z
  .object({ ...purchase, source: z.enum(PURCHASE_SOURCES).default('nm_store_checkout') })
  .refine(subscriptionNeedsCustomer, SUBSCRIPTION_NEEDS_CUSTOMER);

export type Checkout = z.infer<typeof checkoutSchema>;
/** As a starter sends it, ids not yet branded. */
export type CreateTenantInput = z.input<typeof createTenantInputSchema>;
/** As the workflow works with it, validated. */
export type Purchase = z.output<typeof createTenantInputSchema>;

/** @throws Failure InvalidInput naming every wrong field */
export function readPurchase(input: unknown): Purchase {
  return read(createTenantInputSchema, input);
}
