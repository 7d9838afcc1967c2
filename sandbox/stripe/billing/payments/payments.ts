import type { Metadata } from '../../api/parameters.ts';
import { defineTable } from '../../state/table.ts';
import type { Transaction } from '../../state/transaction.ts';
import type { PaymentError } from './payment-declines.ts';

/** What this simulator does not keep; as in a plain payment intent. */
const inertIntent = {
  allowed_payment_method_types: null,
  application: null,
  application_fee_amount: null,
  confirmation_method: 'automatic',
  customer_account: null,
  excluded_payment_method_types: null,
  livemode: false,
  managed_payments: null,
  on_behalf_of: null,
  payment_method_configuration_details: null,
  payment_record: null,
  processing: null,
  review: null,
  source: null,
  transfer_data: null,
} as const;

/** Types of payment methods that every intent takes. */
export const paymentMethodTypes = ['card', 'us_bank_account'] as const;

const cardOptions = {
  installments: null,
  mandate_options: null,
  network: null,
  request_three_d_secure: 'automatic',
} as const;

/** What the customer has to do so that the payment goes on. */
export type NextAction =
  | {
      readonly type: 'redirect_to_url';
      readonly redirect_to_url: { readonly return_url: string; readonly url: string };
    }
  | {
      readonly type: 'use_stripe_sdk';
      readonly use_stripe_sdk: {
        readonly type: 'three_d_secure_redirect';
        readonly source: string;
        readonly stripe_js: string;
      };
    };

export type CancellationReason =
  | 'abandoned'
  | 'automatic'
  | 'duplicate'
  | 'expired'
  | 'failed_invoice'
  | 'fraudulent'
  | 'requested_by_customer'
  | 'void_invoice';

export interface PaymentIntent extends Readonly<typeof inertIntent> {
  readonly id: string;
  readonly object: 'payment_intent';
  /** Minor units. */
  readonly amount: number;
  readonly amount_capturable: number;
  readonly amount_received: number;
  readonly automatic_payment_methods: {
    readonly allow_redirects: 'always' | 'never';
    readonly enabled: boolean;
  } | null;
  readonly canceled_at: number | null;
  readonly cancellation_reason: CancellationReason | null;
  readonly capture_method: 'automatic' | 'automatic_async' | 'manual';
  readonly client_secret: string;
  readonly created: number;
  readonly currency: string;
  readonly customer: string | null;
  readonly description: string | null;
  readonly last_payment_error: PaymentError | null;
  readonly latest_charge: string | null;
  readonly metadata: Metadata;
  readonly next_action: NextAction | null;
  /** Null again after a decline. */
  readonly payment_method: string | null;
  readonly payment_method_options: { readonly card: typeof cardOptions };
  readonly payment_method_types: readonly string[];
  readonly receipt_email: string | null;
  readonly setup_future_usage: 'off_session' | 'on_session' | null;
  readonly shipping: object | null;
  readonly statement_descriptor: string | null;
  readonly statement_descriptor_suffix: string | null;
  readonly status:
    | 'requires_payment_method'
    | 'requires_confirmation'
    | 'requires_action'
    | 'processing'
    | 'requires_capture'
    | 'canceled'
    | 'succeeded';
  readonly transfer_group: string | null;
}

export interface InvoicePayment {
  readonly id: string;
  readonly object: 'invoice_payment';
  readonly amount_paid: number | null;
  readonly amount_requested: number;
  readonly created: number;
  readonly currency: string;
  readonly invoice: string;
  readonly is_default: boolean;
  readonly livemode: false;
  readonly payment: { readonly payment_intent: string; readonly type: 'payment_intent' };
  readonly status: 'open' | 'paid' | 'canceled';
  readonly status_transitions: { readonly canceled_at: number | null; readonly paid_at: number | null };
}

export const paymentIntentTable = defineTable<PaymentIntent>({
  noun: 'payment_intent',
  indexes: { customer: (row) => row.customer },
});
export const invoicePaymentTable = defineTable<InvoicePayment>({
  noun: 'invoice_payment',
  indexes: { invoice: (row) => row.invoice, payment_intent: (row) => row.payment.payment_intent },
});

/** What is chosen about a new intent; what is not given is as in a plain one. */
export type NewPaymentIntent = Pick<PaymentIntent, 'amount' | 'currency' | 'customer'> &
  Partial<
    Pick<
      PaymentIntent,
      | 'automatic_payment_methods'
      | 'capture_method'
      | 'description'
      | 'metadata'
      | 'payment_method'
      | 'receipt_email'
      | 'setup_future_usage'
      | 'shipping'
      | 'statement_descriptor'
      | 'statement_descriptor_suffix'
      | 'status'
      | 'transfer_group'
    >
  >;

/**
 * Stores an intent that has not been paid; nothing is emitted.
 * @param intent.amount minor units
 * @param intent.status `requires_payment_method` when not given
 */
export function startPaymentIntent(tx: Transaction, intent: NewPaymentIntent): PaymentIntent {
  const id = tx.newId('pi');
  return tx.put(paymentIntentTable, {
    id,
    object: 'payment_intent',
    ...inertIntent,
    amount_capturable: 0,
    amount_received: 0,
    automatic_payment_methods: null,
    canceled_at: null,
    cancellation_reason: null,
    capture_method: 'automatic',
    client_secret: `${id}_secret_${tx.account.ids.characters(25)}`,
    created: tx.now,
    description: null,
    last_payment_error: null,
    latest_charge: null,
    metadata: {},
    next_action: null,
    payment_method: null,
    payment_method_options: { card: cardOptions },
    payment_method_types: paymentMethodTypes,
    receipt_email: null,
    setup_future_usage: null,
    shipping: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: 'requires_payment_method',
    transfer_group: null,
    ...intent,
  });
}
