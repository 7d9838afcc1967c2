import type { Transaction } from '../../state/transaction.ts';
import { type Subscription, subscriptionTable } from '../subscriptions/subscription-state.ts';
import { finalizeUncollected } from './invoice-finalization.ts';
import { markUncollectible, voidInvoice } from './invoice-settlement.ts';
import { type Invoice, invoiceTable, renderInvoice, subscriptionIdOf } from './invoice-state.ts';

/**
 * Writes `invoice.created` for a draft that waits. While its subscription's collection is paused, it goes the way
 * that was chosen for such invoices. @returns it as it is then
 */
export function announceDraft(tx: Transaction, draft: Invoice): Invoice {
  const pause = pauseOf(tx, draft);
  const held =
    pause?.behavior === 'keep_as_draft'
      ? { ...draft, auto_advance: false, automatically_finalizes_at: null }
      : draft;
  const { id } = tx.emit('invoice.created', renderInvoice(held));
  const announced = tx.put(invoiceTable, { ...held, internals: { ...held.internals, createdEvent: id } });
  if (pause?.behavior === 'void') return voidInvoice(tx, finalizeUncollected(tx, announced));
  if (pause?.behavior === 'mark_uncollectible') {
    return markUncollectible(tx, finalizeUncollected(tx, announced), 'subscription_paused');
  }
  return announced;
}

function pauseOf(tx: Transaction, draft: Invoice): Subscription['pause_collection'] {
  const id = draft.billing_reason === 'manual' ? null : subscriptionIdOf(draft);
  const subscription = id === null ? undefined : tx.get(subscriptionTable, id);
  return subscription?.pause_collection ?? null;
}
