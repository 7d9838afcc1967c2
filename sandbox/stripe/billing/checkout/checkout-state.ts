import type { Metadata } from '../../api/parameters.ts';
import { defineTable } from '../../state/table.ts';
import type { Transaction } from '../../state/transaction.ts';
import type { CheckoutLine } from './checkout-lines.ts';
import type { CreateSession, SubscriptionData } from './checkout-parameters.ts';

/** What this simulator does not keep; as in a plain session. */
export const inertSession = {
  after_expiration: null,
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
  invoice_creation: null,
  livemode: false,
  managed_payments: null,
  optional_items: null,
  payment_link: null,
  payment_method_configuration_details: null,
  payment_method_options: {},
  permissions: null,
  recovered_from: null,
  saved_payment_method_options: null,
  shipping_address_collection: null,
  shipping_cost: null,
  shipping_options: [],
  total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
  wallet_options: null,
} as const;

export interface BuyerAddress {
  readonly city: string | null;
  readonly country: string | null;
  readonly line1: string | null;
  readonly line2: string | null;
  readonly postal_code: string | null;
  readonly state: string | null;
}

/** What the buyer typed. */
export interface CustomerDetails {
  readonly address: BuyerAddress | null;
  readonly business_name: null;
  readonly email: string | null;
  readonly individual_name: string | null;
  readonly name: string | null;
  readonly phone: string | null;
  readonly tax_exempt: 'none';
  readonly tax_ids: readonly never[];
}

type Shown<Name extends keyof CreateSession> = NonNullable<CreateSession[Name]>;

export interface CheckoutSession extends Readonly<typeof inertSession> {
  readonly id: string;
  readonly object: 'checkout.session';
  readonly adaptive_pricing: { readonly enabled: boolean };
  readonly allow_promotion_codes: boolean | null;
  readonly allowed_payment_method_types: readonly string[] | null;
  /** Minor units; null where nothing is sold. */
  readonly amount_subtotal: number | null;
  readonly amount_total: number | null;
  readonly automatic_tax: {
    readonly enabled: boolean;
    readonly liability: { readonly type: 'self' } | null;
    readonly provider: 'stripe' | null;
    readonly status: 'complete' | 'requires_location_inputs' | null;
  };
  readonly billing_address_collection: Shown<'billing_address_collection'> | null;
  readonly cancel_url: string | null;
  readonly client_reference_id: string | null;
  readonly client_secret: string | null;
  readonly created: number;
  readonly currency: string;
  readonly customer: string | null;
  readonly customer_creation: 'always' | 'if_required' | null;
  readonly customer_details: CustomerDetails | null;
  readonly customer_email: string | null;
  readonly expires_at: number;
  readonly integration_identifier: string | null;
  readonly invoice: string | null;
  readonly locale: string | null;
  readonly metadata: Metadata;
  readonly mode: Shown<'mode'>;
  readonly origin_context: Shown<'origin_context'> | null;
  readonly payment_intent: string | null;
  readonly payment_method_collection: 'always' | 'if_required' | null;
  readonly payment_method_types: readonly string[];
  readonly payment_status: 'paid' | 'unpaid' | 'no_payment_required';
  readonly phone_number_collection: { readonly enabled: boolean };
  readonly redirect_on_completion?: Shown<'redirect_on_completion'>;
  readonly return_url?: string;
  readonly setup_intent: string | null;
  readonly status: 'open' | 'complete' | 'expired';
  readonly submit_type: Shown<'submit_type'> | null;
  readonly subscription: string | null;
  readonly success_url: string | null;
  readonly tax_id_collection?: { readonly enabled: boolean; readonly required: 'if_supported' | 'never' };
  readonly ui_mode: Shown<'ui_mode'>;
  readonly url: string | null;
}

/** What the session is for, beside what is shown of it: kept until a buyer completes it. */
interface CheckoutPlan {
  /** Session metadata is not copied to what is made: this is. */
  readonly subscription: SubscriptionData;
  readonly paymentIntent: NonNullable<CreateSession['payment_intent_data']>;
  readonly setupIntent: NonNullable<CreateSession['setup_intent_data']>;
  readonly updatesCustomerName: boolean;
  readonly updatesCustomerAddress: boolean;
}

/** A session as it is shown, and what only the simulator keeps of it. */
export interface StoredSession {
  readonly id: string;
  readonly session: CheckoutSession;
  readonly lines: readonly CheckoutLine[];
  readonly plan: CheckoutPlan;
}

export const checkoutSessionTable = defineTable<StoredSession>({
  noun: 'checkout.session',
  indexes: {
    customer: (row) => row.session.customer,
    subscription: (row) => row.session.subscription,
    payment_intent: (row) => row.session.payment_intent,
    /** The invoice or the payment intent whose delayed payment a completed session waits for. */
    awaits: ({ session }) =>
      session.status === 'complete' && session.payment_status === 'unpaid'
        ? (session.invoice ?? session.payment_intent)
        : null,
  },
  due: ({ session }) => (session.status === 'open' ? { at: session.expires_at, clock: null } : null),
});

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
  const { session } = changeSession(tx, stored, { client_secret: null, status: 'expired', url: null });
  tx.emit('checkout.session.expired', session);
  return session;
}
