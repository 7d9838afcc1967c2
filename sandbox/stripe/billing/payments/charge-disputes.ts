import { invalidRequest } from '../../api/errors.ts';
import type { Metadata } from '../../api/parameters.ts';
import { defineTable } from '../../state/table.ts';
import type { Transaction } from '../../state/transaction.ts';
import { type Charge, chargeTable } from './charge-state.ts';

/** The bank wants an answer so many days after the dispute, at the end of the day. */
const answerDays = 8;
const daySeconds = 86_400;

/** What a merchant can say in writing; documents are files, which this simulator does not keep. */
export const evidenceTexts = [
  'access_activity_log',
  'billing_address',
  'cancellation_policy_disclosure',
  'cancellation_rebuttal',
  'customer_email_address',
  'customer_name',
  'customer_purchase_ip',
  'duplicate_charge_explanation',
  'duplicate_charge_id',
  'product_description',
  'refund_policy_disclosure',
  'refund_refusal_explanation',
  'service_date',
  'shipping_address',
  'shipping_carrier',
  'shipping_date',
  'shipping_tracking_number',
  'uncategorized_text',
] as const;
const evidenceFiles = [
  'cancellation_policy',
  'customer_communication',
  'customer_signature',
  'duplicate_charge_documentation',
  'receipt',
  'refund_policy',
  'service_documentation',
  'shipping_documentation',
  'uncategorized_file',
] as const;

/** By reason, the network's code for it. */
const reasonCodes = { fraudulent: '10.4', product_not_received: '13.1' } as const;
export type DisputeReason = keyof typeof reasonCodes;

export interface Dispute {
  readonly id: string;
  readonly object: 'dispute';
  /** Minor units. */
  readonly amount: number;
  /** Balances are not kept. */
  readonly balance_transactions: readonly never[];
  readonly charge: string;
  readonly created: number;
  readonly currency: string;
  readonly enhanced_eligibility_types: readonly never[];
  readonly evidence: Readonly<Record<string, string | object | null>>;
  readonly evidence_details: {
    readonly due_by: number | null;
    readonly enhanced_eligibility: object;
    readonly has_evidence: boolean;
    readonly past_due: boolean;
    readonly submission_count: number;
  };
  readonly is_charge_refundable: boolean;
  readonly livemode: false;
  readonly metadata: Metadata;
  readonly payment_intent: string;
  readonly payment_method_details: object;
  readonly reason: DisputeReason;
  readonly status: 'needs_response' | 'under_review' | 'won' | 'lost';
}

export const disputeTable = defineTable<Dispute>({
  noun: 'dispute',
  indexes: { charge: (row) => row.charge, payment_intent: (row) => row.payment_intent },
});

/** The customer takes a payment back through their bank; with the events. */
export function openDispute(tx: Transaction, charge: Charge, reason: DisputeReason): Dispute {
  const blank = [...evidenceTexts, ...evidenceFiles].map((name) => [name, null]);
  const answerBy = (Math.floor(tx.now / daySeconds) + answerDays + 1) * daySeconds - 1;
  const dispute = tx.put(disputeTable, {
    id: tx.newId('du'),
    object: 'dispute',
    amount: charge.amount_captured,
    balance_transactions: [],
    charge: charge.id,
    created: tx.now,
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: { ...Object.fromEntries(blank), enhanced_evidence: {} },
    evidence_details: {
      due_by: answerBy,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
    },
    is_charge_refundable: false,
    livemode: false,
    metadata: {},
    payment_intent: charge.payment_intent,
    payment_method_details: {
      card: {
        brand: 'visa',
        case_type: 'chargeback',
        network: 'visa',
        network_reason_code: reasonCodes[reason],
      },
      type: 'card',
    },
    reason,
    status: 'needs_response',
  });
  tx.put(chargeTable, { ...charge, disputed: true });
  tx.emit('charge.dispute.created', dispute);
  tx.emit('charge.dispute.funds_withdrawn', dispute);
  return dispute;
}

/**
 * Writes a changed dispute and its event.
 * @throws StripeError 400 when it is closed
 */
export function changeDispute(tx: Transaction, before: Dispute, changes: Partial<Dispute>): Dispute {
  requireOpen(before);
  const after = tx.put(disputeTable, { ...before, ...changes });
  tx.emitUpdated('charge.dispute.updated', before, after);
  return after;
}

/**
 * The bank decides, or the merchant gives in; with the events.
 * @throws StripeError 400 when it is closed
 */
export function closeDispute(tx: Transaction, dispute: Dispute, status: 'won' | 'lost'): Dispute {
  requireOpen(dispute);
  const closed = tx.put(disputeTable, { ...dispute, is_charge_refundable: status === 'won', status });
  tx.emit('charge.dispute.closed', closed);
  if (status === 'won') tx.emit('charge.dispute.funds_reinstated', closed);
  return closed;
}

function requireOpen(dispute: Dispute): void {
  if (dispute.status !== 'won' && dispute.status !== 'lost') return;
  throw invalidRequest({ message: 'This dispute is already closed' });
}
