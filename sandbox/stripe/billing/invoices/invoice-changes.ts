import { invalidRequest } from '../../api/errors.ts';
import { mergeMetadata, sent } from '../../api/parameters.ts';
import { customerTable } from '../../resources/customers.ts';
import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { unpaidAmounts } from './invoice-amounts.ts';
import { dueDateOf, finalizesAt } from './invoice-creation.ts';
import { invoiceItemTable } from './invoice-item-state.ts';
import { type InvoiceLine, invoiceItemOf } from './invoice-line-state.ts';
import type { UpdateInvoice } from './invoice-parameters.ts';
import { nextRetryAt } from './invoice-retries.ts';
import { type Invoice, invoiceTable, renderInvoice, subscriptionIdOf } from './invoice-state.ts';

/** What can still be changed of an invoice that has been finalized. */
const editableForEver: ReadonlySet<string> = new Set(['auto_advance', 'default_payment_method', 'metadata']);

/** Changes an invoice, with its event. @throws StripeError 400 for what can't be changed any more */
export function updateInvoice(tx: Transaction, before: Invoice, parameters: UpdateInvoice): Invoice {
  refuseUneditable(before, Object.keys(sent(parameters)));
  const { default_payment_method, description, effective_at, footer, number, statement_descriptor } =
    parameters;
  const changed: Invoice = {
    ...before,
    ...sent({ default_payment_method, description, footer, number, statement_descriptor }),
    ...(effective_at === undefined ? {} : { effective_at: effective_at === '' ? null : effective_at }),
    metadata: mergeMetadata(before.metadata, parameters.metadata),
  };
  const after =
    before.status === 'draft' ? reshaped(tx, changed, parameters) : recollected(tx, changed, parameters);
  tx.put(invoiceTable, after);
  tx.emitUpdated('invoice.updated', renderInvoice(before), renderInvoice(after));
  return after;
}

/** Gives a draft other lines, and the sums that follow; with its event. */
export function changeLines(tx: Transaction, before: Invoice, lines: readonly InvoiceLine[]): Invoice {
  const balance = tx.get(customerTable, before.customer)?.balance ?? 0;
  const after = tx.put(invoiceTable, { ...before, lines, ...unpaidAmounts({ lines, balance }) });
  tx.emitUpdated('invoice.updated', renderInvoice(before), renderInvoice(after));
  return after;
}

/**
 * Deletes a draft that was made by hand, with its event. What it had taken in is pending again.
 * @throws StripeError 400 for any other invoice
 */
export function deleteInvoice(tx: Transaction, invoice: Invoice): object {
  if (invoice.status !== 'draft' || subscriptionIdOf(invoice) !== null) {
    const message =
      'You can only delete one-off invoices that are drafts; other invoices can be voided once they are finalized.';
    throw invalidRequest({ code: 'invoice_not_editable', message });
  }
  for (const line of invoice.lines) {
    const item = tx.get(invoiceItemTable, invoiceItemOf(line) ?? '');
    if (item?.internals.isForOneInvoice) tx.remove(invoiceItemTable, item.id);
    else if (item) tx.put(invoiceItemTable, { ...item, invoice: null });
  }
  tx.remove(invoiceTable, invoice.id);
  tx.emit('invoice.deleted', renderInvoice(invoice));
  return { id: invoice.id, object: 'invoice', deleted: true };
}

function refuseUneditable(invoice: Invoice, keys: readonly string[]): void {
  if (invoice.status === 'draft') return;
  if (invoice.status !== 'open' && keys.includes('auto_advance')) {
    const message = `You can't change auto_advance of an invoice whose status is ${invoice.status}.`;
    throw invalidRequest({ code: 'invoice_not_editable', param: 'auto_advance', message });
  }
  const refused = keys.find((key) => !editableForEver.has(key));
  if (refused === undefined) return;
  const message = `Finalized invoices can't be updated in this way: ${refused} can only be changed on drafts.`;
  throw invalidRequest({ code: 'invoice_not_editable', param: refused, message });
}

/** What decides about how and when a draft is collected. */
function reshaped(tx: Transaction, draft: Invoice, parameters: UpdateInvoice): Invoice {
  const now = timeOf(tx, draft.test_clock);
  const { collection_method: method = draft.collection_method, days_until_due, due_date } = parameters;
  const isDueChanged =
    method !== draft.collection_method || days_until_due !== undefined || due_date !== undefined;
  const due = isDueChanged ? dueDateOf({ method, now, parameters }) : null;
  const { auto_advance: autoAdvance = draft.auto_advance, automatically_finalizes_at: at } = parameters;
  const isMoved = autoAdvance !== draft.auto_advance || at !== undefined;
  return {
    ...draft,
    auto_advance: autoAdvance,
    automatically_finalizes_at: isMoved
      ? finalizesAt(tx, { autoAdvance, now, at })
      : draft.automatically_finalizes_at,
    collection_method: method,
    due_date: due ? due.due_date : draft.due_date,
    internals: { ...draft.internals, daysUntilDue: due ? due.daysUntilDue : draft.internals.daysUntilDue },
  };
}

/** Whether Stripe goes on collecting a finalized invoice. */
function recollected(tx: Transaction, invoice: Invoice, parameters: UpdateInvoice): Invoice {
  const { auto_advance: autoAdvance = invoice.auto_advance } = parameters;
  if (autoAdvance === invoice.auto_advance) return invoice;
  const changed = { ...invoice, auto_advance: autoAdvance };
  if (!autoAdvance) return { ...changed, next_payment_attempt: null };
  if (invoice.collection_method === 'send_invoice') return changed;
  const first = timeOf(tx, invoice.test_clock) + tx.account.billing.draftSeconds;
  return { ...changed, next_payment_attempt: invoice.attempted ? nextRetryAt(tx, changed) : first };
}
