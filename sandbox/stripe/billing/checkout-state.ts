import type { Metadata } from '../api/parameters.ts';
import { defineTable } from '../state/table.ts';
import type { Transaction } from '../state/transaction.ts';
import { type Price, priceTable, productTable } from './catalog.ts';
import { priceAmount } from './price-amount.ts';

/** What this simulator does not keep; as in a plain session. */
export const inertSession = {
  adaptive_pricing: { enabled: false },
  after_expiration: null,
  allow_promotion_codes: null,
  allowed_payment_method_types: null,
  automatic_tax: { enabled: false, liability: null, provider: null, status: null },
  billing_address_collection: null,
  client_secret: null,
  collected_information: { business_name: null, individual_name: null, shipping_details: null },
  consent: null,
  consent_collection: null,
  currency_conversion: null,
  custom_fields: [],
  custom_text: {
    after_submit: null,
    shipping_address: null,
    submit: null,
    terms_of_service_acceptance: null,
  },
  customer_account: null,
  discounts: [],
  integration_identifier: null,
  invoice_creation: null,
  livemode: false,
  locale: null,
  managed_payments: null,
  origin_context: null,
  payment_method_collection: 'always',
  payment_method_configuration_details: null,
  payment_method_options: {},
  payment_method_types: ['card'],
  permissions: null,
  phone_number_collection: { enabled: false },
  recovered_from: null,
  saved_payment_method_options: null,
  setup_intent: null,
  shipping_address_collection: null,
  shipping_cost: null,
  shipping_options: [],
  submit_type: null,
  total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
  ui_mode: 'hosted_page',
  wallet_options: null,
} as const;

/** One thing in the basket, as stored; shown with its price in place of the id. */
export interface CheckoutLine {
  readonly id: string;
  readonly price: string;
  readonly quantity: number;
}

interface CustomerDetails {
  readonly address: null;
  readonly business_name: null;
  readonly email: string | null;
  readonly individual_name: string | null;
  readonly name: string | null;
  readonly phone: null;
  readonly tax_exempt: 'none';
  readonly tax_ids: readonly never[];
}

export interface CheckoutSession extends Readonly<typeof inertSession> {
  readonly id: string;
  readonly object: 'checkout.session';
  /** Minor units. */
  readonly amount_subtotal: number;
  readonly amount_total: number;
  readonly cancel_url: string | null;
  readonly client_reference_id: string | null;
  readonly created: number;
  readonly currency: string;
  readonly customer: string | null;
  readonly customer_creation: 'always' | 'if_required' | null;
  readonly customer_details: CustomerDetails | null;
  readonly customer_email: string | null;
  readonly expires_at: number;
  readonly invoice: string | null;
  readonly metadata: Metadata;
  readonly mode: 'payment' | 'subscription';
  readonly payment_intent: string | null;
  readonly payment_status: 'paid' | 'unpaid' | 'no_payment_required';
  readonly status: 'open' | 'complete' | 'expired';
  readonly subscription: string | null;
  readonly success_url: string | null;
  readonly url: string | null;
}

/** A session as it is shown, and what only the simulator keeps of it. */
export interface StoredSession {
  readonly id: string;
  readonly session: CheckoutSession;
  readonly lines: readonly CheckoutLine[];
  /** For the subscription that completion makes: session metadata is not copied to it. */
  readonly subscriptionData: {
    readonly metadata: Metadata;
    readonly description: string | undefined;
    readonly trialPeriodDays: number | undefined;
  };
  /** For the payment intent that completion makes. */
  readonly paymentIntentMetadata: Metadata;
}

export const checkoutSessionTable = defineTable<StoredSession>({
  noun: 'checkout.session',
  indexes: {
    customer: (row) => row.session.customer,
    subscription: (row) => row.session.subscription,
    payment_intent: (row) => row.session.payment_intent,
  },
  due: ({ session }) => (session.status === 'open' ? { at: session.expires_at, clock: null } : null),
});

/** The session's line as the API shows it. */
export function renderLine(tx: Transaction, line: CheckoutLine): object {
  const price = linePrice(tx, line);
  const amount = priceAmount(tx, price, line.quantity);
  return {
    id: line.id,
    object: 'item',
    adjustable_quantity: null,
    amount_discount: 0,
    amount_subtotal: amount,
    amount_tax: 0,
    amount_total: amount,
    currency: price.currency,
    description: tx.get(productTable, price.product)?.name ?? null,
    metadata: {},
    price,
    quantity: line.quantity,
  };
}

/** The price of a line; prices are never deleted. */
export function linePrice(tx: Transaction, line: Pick<CheckoutLine, 'price'>): Price {
  const price = tx.get(priceTable, line.price);
  if (!price) throw new Error(`price ${line.price} is gone`);
  return price;
}

/** Stores changes of the shown part. */
export function changeSession(
  tx: Transaction,
  stored: StoredSession,
  changes: Partial<CheckoutSession>,
): StoredSession {
  return tx.put(checkoutSessionTable, { ...stored, session: { ...stored.session, ...changes } });
}

/** Closes an open session that nobody completed. */
export function expireSession(tx: Transaction, stored: StoredSession): CheckoutSession {
  const { session } = changeSession(tx, stored, { status: 'expired', url: null });
  tx.emit('checkout.session.expired', session);
  return session;
}
