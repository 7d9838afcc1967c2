import type { Metadata } from '../api/parameters.ts';
import { defineTable } from '../state/table.ts';
import type { Transaction } from '../state/transaction.ts';

/** What this simulator does not keep yet; as in a plain payment intent. */
const inertIntent = {
  allowed_payment_method_types: null,
  amount_capturable: 0,
  application: null,
  application_fee_amount: null,
  automatic_payment_methods: null,
  canceled_at: null,
  cancellation_reason: null,
  capture_method: 'automatic',
  confirmation_method: 'automatic',
  customer_account: null,
  description: null,
  excluded_payment_method_types: null,
  last_payment_error: null,
  livemode: false,
  managed_payments: null,
  next_action: null,
  on_behalf_of: null,
  payment_method_configuration_details: null,
  payment_method_options: null,
  payment_method_types: ['card'],
  payment_record: null,
  processing: null,
  receipt_email: null,
  review: null,
  setup_future_usage: null,
  shipping: null,
  source: null,
  statement_descriptor: null,
  statement_descriptor_suffix: null,
  transfer_data: null,
  transfer_group: null,
} as const;

export interface PaymentIntent extends Readonly<typeof inertIntent> {
  readonly id: string;
  readonly object: 'payment_intent';
  /** Minor units. */
  readonly amount: number;
  readonly amount_received: number;
  readonly client_secret: string;
  readonly created: number;
  readonly currency: string;
  readonly customer: string | null;
  readonly latest_charge: string | null;
  readonly metadata: Metadata;
  readonly payment_method: string | null;
  readonly status: 'requires_payment_method' | 'processing' | 'succeeded';
}

/** What this simulator does not keep yet; as in a plain charge. */
const inertCharge = {
  amount_refunded: 0,
  application: null,
  application_fee: null,
  application_fee_amount: null,
  balance_transaction: null,
  billing_details: { address: null, email: null, name: null, phone: null, tax_id: null },
  calculated_statement_descriptor: null,
  description: null,
  disputed: false,
  failure_balance_transaction: null,
  failure_code: null,
  failure_message: null,
  fraud_details: {},
  livemode: false,
  on_behalf_of: null,
  outcome: {
    advice_code: null,
    network_advice_code: null,
    network_decline_code: null,
    network_status: 'approved_by_network',
    reason: null,
    risk_level: 'normal',
    seller_message: 'Payment complete.',
    type: 'authorized',
  },
  payment_method_details: null,
  receipt_email: null,
  receipt_number: null,
  receipt_url: null,
  refunded: false,
  review: null,
  shipping: null,
  source: null,
  source_transfer: null,
  statement_descriptor: null,
  statement_descriptor_suffix: null,
  transfer_data: null,
  transfer_group: null,
} as const;

export interface Charge extends Readonly<typeof inertCharge> {
  readonly id: string;
  readonly object: 'charge';
  /** Minor units. */
  readonly amount: number;
  readonly amount_captured: number;
  readonly captured: boolean;
  readonly created: number;
  readonly currency: string;
  readonly customer: string | null;
  readonly metadata: Metadata;
  readonly paid: boolean;
  readonly payment_intent: string;
  readonly payment_method: string | null;
  readonly status: 'succeeded';
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
export const chargeTable = defineTable<Charge>({
  noun: 'charge',
  indexes: { customer: (row) => row.customer, payment_intent: (row) => row.payment_intent },
});
export const invoicePaymentTable = defineTable<InvoicePayment>({
  noun: 'invoice_payment',
  indexes: { invoice: (row) => row.invoice, payment_intent: (row) => row.payment.payment_intent },
});

/** Stores an intent that has not been paid; nothing is emitted. @param intent.amount minor units */
export function startPaymentIntent(
  tx: Transaction,
  intent: {
    amount: number;
    currency: string;
    customer: string | null;
    status: PaymentIntent['status'];
    metadata?: Metadata;
  },
): PaymentIntent {
  const id = tx.newId('pi');
  return tx.put(paymentIntentTable, {
    id,
    object: 'payment_intent',
    ...inertIntent,
    amount: intent.amount,
    amount_received: 0,
    client_secret: `${id}_secret_${tx.account.ids.characters(25)}`,
    created: tx.now,
    currency: intent.currency,
    customer: intent.customer,
    latest_charge: null,
    metadata: intent.metadata ?? {},
    payment_method: null,
    status: intent.status,
  });
}

/** Stores the successful charge of an intent; nothing is emitted. */
export function chargeIntent(
  tx: Transaction,
  intent: PaymentIntent,
): { intent: PaymentIntent; charge: Charge } {
  const paymentMethod = intent.payment_method ?? tx.newId('pm');
  const charge = tx.put(chargeTable, {
    id: tx.newId('ch'),
    object: 'charge',
    ...inertCharge,
    amount: intent.amount,
    amount_captured: intent.amount,
    captured: true,
    created: tx.now,
    currency: intent.currency,
    customer: intent.customer,
    metadata: intent.metadata,
    paid: true,
    payment_intent: intent.id,
    payment_method: paymentMethod,
    status: 'succeeded',
  });
  const succeeded = tx.put(paymentIntentTable, {
    ...intent,
    amount_received: intent.amount,
    latest_charge: charge.id,
    payment_method: paymentMethod,
    status: 'succeeded',
  });
  return { intent: succeeded, charge };
}
