import { invalidRequest } from '../../api/errors.ts';
import type { Metadata } from '../../api/parameters.ts';
import { defineTable } from '../../state/table.ts';
import type { Transaction } from '../../state/transaction.ts';
import { disputeTable } from './charge-disputes.ts';
import { type Charge, chargeTable } from './charge-state.ts';

export interface Refund {
  readonly id: string;
  readonly object: 'refund';
  /** Minor units. */
  readonly amount: number;
  readonly balance_transaction: null;
  readonly charge: string;
  readonly created: number;
  readonly currency: string;
  readonly customer: string | null;
  readonly customer_account: null;
  readonly destination_details?: object;
  readonly metadata: Metadata;
  readonly payment_intent: string;
  readonly payment_method: string;
  readonly reason: 'duplicate' | 'fraudulent' | 'requested_by_customer' | null;
  readonly receipt_number: null;
  readonly source_transfer_reversal: null;
  readonly status: 'succeeded' | 'pending';
  readonly transfer_reversal: null;
}

export const refundTable = defineTable<Refund>({
  noun: 'refund',
  indexes: { charge: (row) => row.charge, payment_intent: (row) => row.payment_intent },
});

/**
 * Gives back what a charge took, or a part of it; with the events. An invoice that the charge paid stays paid.
 * @param refund.amount minor units; all that is left when not given
 * @throws StripeError 400 when there is less left, or nothing was taken
 */
export function refundCharge(
  tx: Transaction,
  charge: Charge,
  refund: { amount?: number | undefined; reason?: Refund['reason'] | undefined; metadata: Metadata },
): Refund {
  const left = refundableOf(tx, charge);
  const amount = refund.amount ?? left;
  if (amount > left) throw tooMuch(charge, amount, left);
  const isCard = charge.id.startsWith('ch_');
  const created = tx.put(refundTable, {
    id: tx.newId(isCard ? 're' : 'pyr'),
    object: 'refund',
    amount,
    balance_transaction: null,
    charge: charge.id,
    created: tx.now,
    currency: charge.currency,
    customer: charge.customer,
    customer_account: null,
    ...(isCard ? { destination_details: destination('pending') } : {}),
    metadata: refund.metadata,
    payment_intent: charge.payment_intent,
    payment_method: charge.payment_method,
    reason: refund.reason ?? null,
    receipt_number: null,
    source_transfer_reversal: null,
    status: 'succeeded',
    transfer_reversal: null,
  });
  tx.emit('refund.created', created);
  const refunded = charge.amount_refunded + amount;
  const after = tx.put(chargeTable, {
    ...charge,
    amount_refunded: refunded,
    refunded: refunded === charge.amount_captured,
  });
  tx.emitUpdated('charge.refunded', charge, after);
  return isCard ? acquire(tx, created) : created;
}

/** The bank's reference arrives, of which Stripe tells twice. */
function acquire(tx: Transaction, before: Refund): Refund {
  const reference = tx.account.ids.characters(23);
  return changeRefund(tx, before, { destination_details: destination('available', reference) });
}

/** Writes a changed refund and its events. */
export function changeRefund(tx: Transaction, before: Refund, changes: Partial<Refund>): Refund {
  const after = tx.put(refundTable, { ...before, ...changes });
  tx.emitUpdated('refund.updated', before, after);
  tx.emitUpdated('charge.refund.updated', before, after);
  return after;
}

function destination(status: 'pending' | 'available', reference?: string): object {
  return {
    card: {
      ...(reference === undefined ? {} : { reference }),
      reference_status: status,
      reference_type: 'acquirer_reference_number',
      type: 'refund',
    },
    type: 'card',
  };
}

function refundableOf(tx: Transaction, charge: Charge): number {
  if (charge.refunded) {
    const message = `Charge ${charge.id} has already been refunded.`;
    throw invalidRequest({ code: 'charge_already_refunded', message });
  }
  const [dispute] = tx.table(disputeTable).newestFirst({ index: { name: 'charge', key: charge.id } });
  if (dispute?.is_charge_refundable === false) {
    const message = `Charge ${charge.id} has been charged back; cannot issue a refund.`;
    throw invalidRequest({ code: 'charge_disputed', message });
  }
  if (charge.status === 'succeeded' && charge.captured)
    return charge.amount_captured - charge.amount_refunded;
  const message =
    charge.status === 'succeeded'
      ? 'You cannot refund a charge that has not been captured. Cancel the PaymentIntent instead.'
      : `This charge can't be refunded because its status is ${charge.status}.`;
  throw invalidRequest({ message });
}

function tooMuch(charge: Charge, amount: number, left: number): Error {
  const message = `Refund amount (${money(amount, charge.currency)}) is greater than unrefunded amount on charge (${money(left, charge.currency)})`;
  return invalidRequest({ param: 'amount', message });
}

/** As Stripe writes amounts in its messages, such as `$5.00`. */
function money(minor: number, currency: string): string {
  const format = new Intl.NumberFormat('en-US', { style: 'currency', currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 0;
  return format.format(minor / 10 ** digits);
}
