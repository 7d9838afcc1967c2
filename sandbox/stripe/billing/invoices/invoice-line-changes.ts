import { z } from 'zod';
import { invalidRequest, noSuchInParameter } from '../../api/errors.ts';
import { metadata, text } from '../../api/parameters.ts';
import type { Transaction } from '../../state/transaction.ts';
import { changeLines } from './invoice-changes.ts';
import { createItem, deleteItem, updateItem } from './invoice-item-changes.ts';
import { itemFields } from './invoice-item-parameters.ts';
import { type InvoiceItem, invoiceItemTable } from './invoice-item-state.ts';
import { invoiceItemOf } from './invoice-line-state.ts';
import { itemLine } from './invoice-lines.ts';
import { type Invoice, invoiceTable } from './invoice-state.ts';

const { unit_amount_decimal: _, ...lineFields } = itemFields;

/** How many lines a request can name. */
const linesMax = 250;

export const addLinesParameters = z.strictObject({
  lines: z.array(z.strictObject({ ...lineFields, invoice_item: text.optional() })).max(linesMax),
});
export const updateLinesParameters = z.strictObject({
  lines: z.array(z.strictObject({ ...lineFields, id: text })).max(linesMax),
});
export const updateLineParameters = z.strictObject({ ...lineFields, metadata: metadata.optional() });
export const removeLinesParameters = z.strictObject({
  lines: z.array(z.strictObject({ behavior: z.enum(['delete', 'unassign']), id: text })).max(linesMax),
});

/** Adds lines to a draft: new ones, or pending invoice items. @throws StripeError 400 */
export function addLines(
  tx: Transaction,
  draft: Invoice,
  { lines }: z.infer<typeof addLinesParameters>,
): Invoice {
  for (const { invoice_item: id, ...line } of lines) {
    if (id === undefined) createItem(tx, { ...line, invoice: draft.id });
    else assign(tx, draft, id);
  }
  return current(tx, draft);
}

/** Changes lines of a draft that show invoice items. @throws StripeError 400 */
export function updateLines(
  tx: Transaction,
  draft: Invoice,
  { lines }: z.infer<typeof updateLinesParameters>,
): Invoice {
  for (const { id, ...line } of lines) updateItem(tx, itemOfLine(tx, draft, id), line);
  return current(tx, draft);
}

/** Takes lines off a draft; what they showed is deleted, or pending again. @throws StripeError 400 */
export function removeLines(
  tx: Transaction,
  draft: Invoice,
  { lines }: z.infer<typeof removeLinesParameters>,
): Invoice {
  for (const { behavior, id } of lines) {
    const item = itemOfLine(tx, draft, id);
    if (behavior === 'delete') deleteItem(tx, item);
    else unassign(tx, current(tx, draft), item);
  }
  return current(tx, draft);
}

function assign(tx: Transaction, draft: Invoice, id: string): void {
  const pending = tx.get(invoiceItemTable, id);
  if (!pending || pending.invoice !== null || pending.customer !== draft.customer) {
    throw noSuchInParameter('invoiceitem', id, 'lines[invoice_item]');
  }
  if (pending.currency !== draft.currency) {
    const message = `The invoice item is in ${pending.currency}, the invoice in ${draft.currency}.`;
    throw invalidRequest({ param: 'lines[invoice_item]', message });
  }
  refuseUnlessDraft(draft);
  const { lines } = current(tx, draft);
  const item = tx.put(invoiceItemTable, { ...pending, invoice: draft.id });
  changeLines(tx, current(tx, draft), [...lines, itemLine(tx, { invoice: draft.id, item, lines })]);
}

function unassign(tx: Transaction, draft: Invoice, item: InvoiceItem): void {
  refuseUnlessDraft(draft);
  const internals = { ...item.internals, isForOneInvoice: false };
  tx.put(invoiceItemTable, { ...item, internals, invoice: null });
  changeLines(
    tx,
    draft,
    draft.lines.filter((line) => invoiceItemOf(line) !== item.id),
  );
}

/** The invoice item that a line shows. @throws StripeError 400 for a subscription's period, which can't be changed */
function itemOfLine(tx: Transaction, draft: Invoice, id: string): InvoiceItem {
  const line = draft.lines.find((one) => one.id === id);
  if (!line) throw noSuchInParameter('invoice line item', id, 'lines[id]');
  const item = tx.get(invoiceItemTable, invoiceItemOf(line) ?? '');
  if (item) return item;
  const message = "The line is for a subscription's period, which this simulator can't change on an invoice.";
  throw invalidRequest({ param: 'lines[id]', message });
}

function refuseUnlessDraft({ status }: Invoice): void {
  if (status === 'draft') return;
  const message = 'The lines of an invoice can only be changed while it is a draft.';
  throw invalidRequest({ code: 'invoice_not_editable', message });
}

function current(tx: Transaction, invoice: Invoice): Invoice {
  return tx.get(invoiceTable, invoice.id) ?? invoice;
}
