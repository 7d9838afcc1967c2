import { z } from 'zod';
import { invalidRequest, parameterMissing } from '../api/errors.ts';
import { boolean, mergeMetadata, metadata, natural, text, timestamp } from '../api/parameters.ts';
import { customerInParameter } from '../resources/customers.ts';
import type { Transaction } from '../state/transaction.ts';
import { priceInParameter } from './catalog.ts';
import { createInlinePrice } from './catalog-creation.ts';
import { productPriceFields } from './catalog-parameters.ts';
import {
  type CheckoutLine,
  type CheckoutSession,
  checkoutSessionTable,
  inertSession,
  linePrice,
} from './checkout-state.ts';
import { priceAmount } from './price-amount.ts';

const daySeconds = 86_400;
const hourSeconds = 3_600;

/** Accepted and without effect. */
const accepted = {
  allow_promotion_codes: boolean.optional(),
  allowed_payment_method_types: z.array(text).optional(),
  automatic_tax: z.record(z.string(), z.unknown()).optional(),
  billing_address_collection: z.enum(['auto', 'required']).optional(),
  customer_update: z.record(z.string(), z.string()).optional(),
  locale: text.optional(),
  payment_method_collection: z.enum(['always', 'if_required']).optional(),
  tax_id_collection: z.record(z.string(), z.unknown()).optional(),
};
/** What a session is made from. */
export const createSessionParameters = z.strictObject({
  ...accepted,
  cancel_url: text.optional(),
  client_reference_id: text.optional(),
  customer: text.optional(),
  customer_creation: z.enum(['always', 'if_required']).optional(),
  customer_email: text.optional(),
  expires_at: timestamp.optional(),
  line_items: z
    .array(
      z.strictObject({
        adjustable_quantity: z.record(z.string(), z.string()).optional(),
        price: text.optional(),
        price_data: z
          .strictObject({
            ...productPriceFields,
            product: text.optional(),
            product_data: z.strictObject({ name: text, metadata: metadata.optional() }).optional(),
          })
          .optional(),
        quantity: natural.optional(),
      }),
    )
    .min(1),
  metadata: metadata.optional(),
  mode: z.enum(['payment', 'subscription']),
  payment_intent_data: z
    .strictObject({ description: text.optional(), metadata: metadata.optional() })
    .optional(),
  payment_method_types: z.array(text).optional(),
  subscription_data: z
    .strictObject({
      description: text.optional(),
      metadata: metadata.optional(),
      trial_period_days: natural.optional(),
    })
    .optional(),
  success_url: text.optional(),
  ui_mode: z.enum(['hosted_page']).optional(),
});
type CreateParameters = z.infer<typeof createSessionParameters>;

/** Makes an open session; nothing else comes into being before it is paid. @throws StripeError 400 */
export function createSession(tx: Transaction, parameters: CreateParameters): CheckoutSession {
  refuseContradictions(tx, parameters);
  const lines = parameters.line_items.map((line, index) => newLine(tx, parameters, line, index));
  const [first] = lines;
  if (!first) throw parameterMissing('line_items');
  const total = lines.reduce((sum, line) => sum + priceAmount(tx, linePrice(tx, line), line.quantity), 0);
  const id = tx.newId('cs_test');
  const session: CheckoutSession = {
    id,
    object: 'checkout.session',
    ...inertSession,
    amount_subtotal: total,
    amount_total: total,
    cancel_url: parameters.cancel_url ?? null,
    client_reference_id: parameters.client_reference_id ?? null,
    created: tx.now,
    currency: linePrice(tx, first).currency,
    customer: parameters.customer ?? null,
    customer_creation: customerCreation(parameters),
    customer_details: null,
    customer_email: parameters.customer_email ?? null,
    expires_at: parameters.expires_at ?? tx.now + daySeconds,
    invoice: null,
    metadata: mergeMetadata({}, parameters.metadata),
    mode: parameters.mode,
    payment_intent: null,
    payment_status: 'unpaid',
    status: 'open',
    subscription: null,
    success_url: parameters.success_url ?? null,
    url: `${tx.account.publicUrl()}/c/pay/${id}`,
  };
  tx.put(checkoutSessionTable, {
    id,
    session,
    lines,
    subscriptionData: {
      metadata: mergeMetadata({}, parameters.subscription_data?.metadata),
      description: parameters.subscription_data?.description,
      trialPeriodDays: parameters.subscription_data?.trial_period_days,
    },
    paymentIntentMetadata: mergeMetadata({}, parameters.payment_intent_data?.metadata),
  });
  return session;
}

/** @throws StripeError 400 */
function refuseContradictions(tx: Transaction, parameters: CreateParameters): void {
  if (parameters.payment_method_types) {
    throw invalidRequest({
      code: 'payment_method_types_no_longer_supported',
      param: 'payment_method_types',
      message:
        'The `payment_method_types` parameter is no longer supported. Use `allowed_payment_method_types`.',
    });
  }
  if (parameters.customer !== undefined) customerInParameter(tx, parameters.customer, 'customer');
  if (parameters.customer !== undefined && parameters.customer_email !== undefined) {
    throw invalidRequest({
      message: 'You may only specify one of these parameters: customer, customer_email.',
    });
  }
  if (parameters.success_url === undefined) throw parameterMissing('success_url');
  const { expires_at: expiresAt } = parameters;
  // Stripe counts from the moment of the request; a minute is left for clocks that differ.
  if (
    expiresAt !== undefined &&
    (expiresAt < tx.now + hourSeconds / 2 - 60 || expiresAt > tx.now + daySeconds + 60)
  ) {
    throw invalidRequest({
      param: 'expires_at',
      message:
        'The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.',
    });
  }
  if (parameters.mode === 'payment' && parameters.subscription_data) {
    throw invalidRequest({
      param: 'subscription_data',
      message: 'You can not pass `subscription_data` in `payment` mode.',
    });
  }
}

function newLine(
  tx: Transaction,
  parameters: CreateParameters,
  line: CreateParameters['line_items'][number],
  index: number,
): CheckoutLine {
  const param = `line_items[${index}]`;
  const price = line.price_data
    ? createInlinePrice(tx, line.price_data)
    : priceInParameter(tx, line.price ?? missing(`${param}[price]`), `${param}[price]`);
  if (parameters.mode === 'payment' && price.recurring) {
    throw invalidRequest({
      param,
      message:
        'You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices.',
    });
  }
  if (parameters.mode === 'subscription' && !price.recurring) {
    throw invalidRequest({
      param,
      message: 'This simulator takes only recurring prices in `subscription` mode.',
    });
  }
  if (line.quantity === undefined && price.recurring?.usage_type !== 'metered') missing(`${param}[quantity]`);
  return { id: tx.newId('li'), price: price.id, quantity: line.quantity ?? 1 };
}

function missing(param: string): never {
  throw parameterMissing(param);
}

function customerCreation(parameters: CreateParameters): CheckoutSession['customer_creation'] {
  if (parameters.customer !== undefined) return null;
  return parameters.customer_creation ?? (parameters.mode === 'subscription' ? 'always' : 'if_required');
}
