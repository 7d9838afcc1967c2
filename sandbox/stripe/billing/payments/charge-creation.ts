import type { Transaction } from '../../state/transaction.ts';
import { type Charge, type ChargeOutcome, chargeTable, inertCharge } from './charge-state.ts';
import type { Decline } from './payment-decline-codes.ts';
import { declinedOutcome } from './payment-declines.ts';
import type { PaymentMethod } from './payment-method-state.ts';
import type { PaymentIntent } from './payments.ts';

const authorized: ChargeOutcome = {
  advice_code: null,
  network_advice_code: null,
  network_decline_code: null,
  network_status: 'approved_by_network',
  reason: null,
  risk_level: 'normal',
  seller_message: 'Payment complete.',
  type: 'authorized',
};

/** What comes of asking the bank. */
export interface ChargeRequest {
  readonly intent: PaymentIntent;
  readonly paymentMethod: PaymentMethod;
  /** `authorized` waits for its capture, `pending` for the bank. */
  readonly result: 'succeeded' | 'authorized' | 'pending' | Decline;
  readonly isAuthenticated: boolean;
}

/** Stores the charge of an intent; nothing is emitted. */
export function storeCharge(tx: Transaction, request: ChargeRequest): Charge {
  const { intent, paymentMethod, result } = request;
  const decline = typeof result === 'object' ? result : undefined;
  const isPaid = result === 'succeeded' || result === 'authorized';
  return tx.put(chargeTable, {
    id: tx.newId(paymentMethod.type === 'card' ? 'ch' : 'py'),
    object: 'charge',
    ...inertCharge,
    amount: intent.amount,
    amount_captured: result === 'succeeded' ? intent.amount : 0,
    amount_refunded: 0,
    billing_details: paymentMethod.billing_details,
    calculated_statement_descriptor: 'SIMULATED ACCOUNT',
    captured: result === 'succeeded' || result === 'pending',
    created: tx.now,
    currency: intent.currency,
    customer: intent.customer,
    description: intent.description,
    disputed: false,
    failure_code: decline?.code ?? null,
    failure_message: decline?.message ?? null,
    metadata: intent.metadata,
    outcome: decline
      ? declinedOutcome(decline)
      : { ...authorized, ...(paymentMethod.type === 'card' ? {} : { risk_level: 'not_assessed' }) },
    paid: isPaid,
    payment_intent: intent.id,
    payment_method: paymentMethod.id,
    payment_method_details: detailsOf(request),
    receipt_email: intent.receipt_email,
    refunded: false,
    shipping: intent.shipping,
    statement_descriptor: intent.statement_descriptor,
    statement_descriptor_suffix: intent.statement_descriptor_suffix,
    status: decline ? 'failed' : isPaid ? 'succeeded' : 'pending',
    transfer_group: intent.transfer_group,
  });
}

function detailsOf({ intent, paymentMethod, result, isAuthenticated }: ChargeRequest): object {
  if (paymentMethod.type === 'us_bank_account') {
    const { account_holder_type, account_type, bank_name, fingerprint, last4, routing_number } =
      paymentMethod.us_bank_account;
    const shown = { account_holder_type, account_type, bank_name, fingerprint, last4, routing_number };
    return {
      type: 'us_bank_account',
      us_bank_account: { ...shown, payment_reference: null },
    };
  }
  const { brand, checks, country, exp_month, exp_year, fingerprint, funding, last4, wallet } =
    paymentMethod.card;
  const isApproved = typeof result === 'string';
  return {
    type: 'card',
    card: {
      amount_authorized: isApproved ? intent.amount : null,
      authorization_code: isApproved ? '123456' : null,
      brand,
      checks,
      country,
      exp_month,
      exp_year,
      extended_authorization: { status: 'disabled' },
      fingerprint,
      funding,
      incremental_authorization: { status: 'unavailable' },
      installments: null,
      last4,
      mandate: null,
      multicapture: { status: 'unavailable' },
      network: brand,
      network_token: { used: false },
      network_transaction_id: null,
      overcapture: { maximum_amount_capturable: intent.amount, status: 'unavailable' },
      regulated_status: 'unregulated',
      three_d_secure: isAuthenticated ? authenticated : null,
      transaction_link_id: null,
      wallet,
    },
  };
}

const authenticated = {
  authentication_flow: 'challenge',
  electronic_commerce_indicator: '05',
  exemption_indicator: null,
  result: 'authenticated',
  result_reason: null,
  transaction_id: null,
  version: '2.2.0',
} as const;
