import type { Metadata } from '../../api/parameters.ts';
import { defineTable } from '../../state/table.ts';
import type { BillingDetails } from './payment-method-state.ts';

/** What this simulator does not keep: fees, balances, receipts, Connect, Radar; as in a plain charge. */
export const inertCharge = {
  application: null,
  application_fee: null,
  application_fee_amount: null,
  balance_transaction: null,
  failure_balance_transaction: null,
  fraud_details: {},
  livemode: false,
  on_behalf_of: null,
  receipt_number: null,
  receipt_url: null,
  review: null,
  source: null,
  source_transfer: null,
  transfer_data: null,
} as const;

/** How it went at the card's bank. */
export interface ChargeOutcome {
  readonly advice_code: 'confirm_card_data' | 'do_not_try_again' | 'try_again_later' | null;
  readonly network_advice_code: string | null;
  readonly network_decline_code: string | null;
  readonly network_status: 'approved_by_network' | 'declined_by_network' | 'not_sent_to_network';
  /** The decline code; null when it was not declined. */
  readonly reason: string | null;
  readonly risk_level: 'normal' | 'highest' | 'not_assessed';
  readonly risk_score?: number;
  readonly seller_message: string;
  readonly type: 'authorized' | 'issuer_declined' | 'blocked';
}

/** Amounts are minor units. */
export interface Charge extends Readonly<typeof inertCharge> {
  readonly id: string;
  readonly object: 'charge';
  readonly amount: number;
  readonly amount_captured: number;
  /** The sum of all refunds. */
  readonly amount_refunded: number;
  readonly billing_details: BillingDetails;
  readonly calculated_statement_descriptor: string | null;
  readonly captured: boolean;
  readonly created: number;
  readonly currency: string;
  readonly customer: string | null;
  readonly description: string | null;
  readonly disputed: boolean;
  readonly failure_code: string | null;
  readonly failure_message: string | null;
  readonly metadata: Metadata;
  readonly outcome: ChargeOutcome;
  readonly paid: boolean;
  readonly payment_intent: string;
  readonly payment_method: string;
  readonly payment_method_details: object;
  readonly receipt_email: string | null;
  /** Only when all of it was. */
  readonly refunded: boolean;
  readonly shipping: object | null;
  readonly statement_descriptor: string | null;
  readonly statement_descriptor_suffix: string | null;
  readonly status: 'succeeded' | 'pending' | 'failed';
  readonly transfer_group: string | null;
}

export const chargeTable = defineTable<Charge>({
  noun: 'charge',
  indexes: { customer: (row) => row.customer, payment_intent: (row) => row.payment_intent },
});
