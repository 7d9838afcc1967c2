import { type EventRecord, eventTable } from '../../state/events.ts';
import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { collectAutomatically } from './invoice-collection.ts';
import { finalizeInvoice } from './invoice-finalization.ts';
import { type Invoice, invoiceTable, renderInvoice } from './invoice-state.ts';

/** How much later a draft is looked at again while its webhook is not acknowledged. */
const holdSeconds = 3_600;

/** Does what is due for an invoice: finalizes a draft, charges again, or tells about the due date. */
export function advanceInvoice(tx: Transaction, invoice: Invoice): void {
  if (invoice.status === 'draft') finalizeOrHold(tx, invoice);
  else if (invoice.collection_method === 'charge_automatically') collectAutomatically(tx, invoice);
  else tellDueDate(tx, invoice);
}

/** Finalizes a draft and, when Stripe is to collect it, makes the first attempt. */
export function finalizeAndCollect(tx: Transaction, draft: Invoice): Invoice {
  const open = finalizeInvoice(tx, draft);
  const isCharged = open.auto_advance && open.collection_method === 'charge_automatically';
  if (open.status === 'open' && isCharged) collectAutomatically(tx, open);
  return tx.get(invoiceTable, draft.id) ?? open;
}

/** A draft waits, hour by hour and not for ever, until every endpoint has acknowledged `invoice.created`. */
function finalizeOrHold(tx: Transaction, draft: Invoice): void {
  const now = timeOf(tx, draft.test_clock);
  const heldUntil = draft.created + tx.account.billing.draftHoldMaxSeconds;
  const isAwaiting = awaitingOf(tx, draft).length > 0;
  if (isAwaiting && now < heldUntil) {
    const held = { ...draft, automatically_finalizes_at: Math.min(now + holdSeconds, heldUntil) };
    tx.emitUpdated('invoice.updated', renderInvoice(draft), renderInvoice(tx.put(invoiceTable, held)));
    return;
  }
  const isTold = !isAwaiting && draft.webhooks_delivered_at === null;
  const told = isTold ? tx.put(invoiceTable, { ...draft, webhooks_delivered_at: now }) : draft;
  tx.emitUpdated('invoice.updated', renderInvoice(draft), renderInvoice(told));
  finalizeAndCollect(tx, told);
}

function awaitingOf(tx: Transaction, draft: Invoice): EventRecord['awaiting'] {
  const { createdEvent } = draft.internals;
  return createdEvent === null ? [] : (tx.get(eventTable, createdEvent)?.awaiting ?? []);
}

function tellDueDate(tx: Transaction, invoice: Invoice): void {
  const { notice } = invoice.internals;
  if (notice === null) return;
  const next = notice === 'will_be_due' ? 'overdue' : null;
  const told = tx.put(invoiceTable, { ...invoice, internals: { ...invoice.internals, notice: next } });
  tx.emit(`invoice.${notice}`, renderInvoice(told));
}

/** The customer is gone: nothing happens to its invoices by itself any more. */
export function leaveInvoicesOf(tx: Transaction, customer: string): void {
  for (const invoice of [
    ...tx.table(invoiceTable).oldestFirst({ index: { name: 'customer', key: customer } }),
  ]) {
    if (invoice.status !== 'draft' && invoice.status !== 'open') continue;
    const left = tx.put(invoiceTable, {
      ...invoice,
      auto_advance: false,
      automatically_finalizes_at: null,
      internals: { ...invoice.internals, notice: null },
      next_payment_attempt: null,
    });
    tx.emitUpdated('invoice.updated', renderInvoice(invoice), renderInvoice(left));
  }
}
