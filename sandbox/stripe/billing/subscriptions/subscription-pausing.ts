import { invalidRequest } from '../../api/errors.ts';
import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { billSubscription, emitBill, emitBillCharge } from '../invoices/invoice-billing.ts';
import type { InvoiceItem } from '../invoices/invoice-item-state.ts';
import { createProrations, emitProrations } from '../invoices/prorations.ts';
import type { PauseSubscription } from './subscription-parameters.ts';
import { attemptFor } from './subscription-payment-method.ts';
import { dropPendingUpdate } from './subscription-pending-update.ts';
import type { PauseReason } from './subscription-shape.ts';
import {
  emitUpdate,
  renderSubscription,
  type Subscription,
  storeSubscription,
} from './subscription-state.ts';

/** Whether a subscription is one that can be paused: one that is billed flexibly, and charged. */
export function isPausable(row: Subscription): boolean {
  return row.billing_mode.type === 'flexible' && row.collection_method === 'charge_automatically';
}

/** Pauses a subscription: until it is resumed it has no invoices and no further periods. Writes the events. */
export function pauseSubscription(
  tx: Transaction,
  before: Subscription,
  pause: { reason: PauseReason; changes?: Partial<Subscription> },
): Subscription {
  const after = storeSubscription(tx, {
    ...before,
    ...pause.changes,
    status: 'paused',
    status_details: {
      paused: {
        subscription: { type: pause.reason },
        transitioned_at: timeOf(tx, before.test_clock),
        type: 'subscription',
      },
    },
  });
  tx.emit('customer.subscription.paused', renderSubscription(tx, after));
  emitUpdate(tx, before, after);
  return after;
}

/**
 * Pauses a subscription because somebody asks for it: its periods end now, and what is left of them is given back.
 * @throws StripeError 400 for one that can't be paused
 */
export function pauseAsAsked(
  tx: Transaction,
  asked: Subscription,
  parameters: PauseSubscription,
): Subscription {
  refuseUnpausable(asked);
  const before = asked.pending_update ? dropPendingUpdate(tx, asked) : asked;
  const now = timeOf(tx, before.test_clock);
  const credits = creditsOf(tx, before, parameters.bill_for?.unused_time_from?.type ?? 'now');
  const items = before.items.map((item) => ({ ...item, current_period_end: now }));
  const isInvoiced = parameters.invoicing_behavior === 'invoice' && credits.length > 0;
  const bill = isInvoiced
    ? billSubscription(tx, {
        subscription: before,
        reason: 'subscription_update',
        items: [],
        attempt: attemptFor(tx, before),
      })
    : null;
  const after = pauseSubscription(tx, before, {
    reason: 'pause_requested',
    changes: { items, ...(bill ? { latest_invoice: bill.invoice.id } : {}) },
  });
  emitProrations(tx, credits);
  if (bill) {
    emitBillCharge(tx, bill);
    emitBill(tx, bill);
  }
  return after;
}

type UnusedFrom = 'item_current_period_start' | 'none' | 'now';

function creditsOf(tx: Transaction, row: Subscription, from: UnusedFrom): readonly InvoiceItem[] {
  if (from === 'none') return [];
  const now = timeOf(tx, row.test_clock);
  return row.items.flatMap((item) => {
    const at = from === 'now' ? now : item.current_period_start;
    return createProrations(tx, { before: { ...row, items: [item] }, after: { ...row, items: [] }, at });
  });
}

function refuseUnpausable(row: Subscription): void {
  const refused = (message: string): Error => invalidRequest({ message });
  if (row.status !== 'active' && row.status !== 'past_due') {
    throw refused(`You can't pause a subscription whose status is ${row.status}.`);
  }
  if (row.billing_mode.type !== 'flexible') {
    throw refused("You can't pause a subscription whose billing mode is not `flexible`.");
  }
  if (row.collection_method !== 'charge_automatically') {
    throw refused("You can't pause a subscription whose `collection_method` is not `charge_automatically`.");
  }
}
