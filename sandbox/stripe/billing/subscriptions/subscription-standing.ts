import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { payingIntent } from '../invoices/invoice-payment-intent.ts';
import { type Invoice, invoiceTable } from '../invoices/invoice-state.ts';
import type { Subscription } from './subscription-state.ts';

/** How a subscription stands with its invoices; `undecided` while the newest is on its way. */
export type Standing = 'paid' | 'owing' | 'undecided';

/**
 * How a subscription stands, by its most recent invoice that is not void: older ones may be open. A draft in its
 * hour is not looked at; those of an unpaid subscription stay drafts until somebody sees to them, so they are.
 */
export function standingOf(tx: Transaction, subscription: Subscription): Standing {
  const index = { name: 'subscription', key: subscription.id };
  const now = timeOf(tx, subscription.test_clock);
  for (const invoice of tx.table(invoiceTable).newestFirst({ index })) {
    if (invoice.status === 'void' || invoice.id === subscription.internals.pending?.invoice) continue;
    if (invoice.status === 'draft' && subscription.status !== 'unpaid') continue;
    if (invoice.status === 'draft') return 'owing';
    if (invoice.status === 'open') return isOwed(tx, invoice, now) ? 'owing' : 'undecided';
    return 'paid';
  }
  return 'paid';
}

/** Whether an open invoice should have been paid by now. */
function isOwed(tx: Transaction, invoice: Invoice, now: number): boolean {
  if (invoice.collection_method === 'send_invoice')
    return invoice.due_date !== null && invoice.due_date <= now;
  return invoice.attempted && payingIntent(tx, invoice.id)?.intent.status !== 'processing';
}
