import type { Transaction } from '../state/transaction.ts';
import { type CreditedItems, type InvoiceItem, invoiceItemTable } from './invoice-item-state.ts';
import { invoiceItemOf, type LinePeriod, type LinePricing } from './invoice-line-state.ts';
import { invoiceTable } from './invoice-state.ts';

/** What was charged for a subscription's item and has not been given back. */
export interface Debit {
  /** The id of its invoice item, or of its line when it never was one. */
  readonly key: string;
  /** Minor units; for the whole period. */
  readonly amount: number;
  readonly period: LinePeriod;
  readonly pricing: LinePricing;
  readonly quantity: number;
  /** How a credit refers to it. */
  readonly reference: CreditedItems;
}

/**
 * The debits of a subscription's item that reach beyond a moment, oldest first. Nothing counts that stands on a
 * voided invoice; whether an invoice has been paid makes no difference.
 * @param of.at unix seconds
 */
export function outstandingDebits(
  tx: Transaction,
  of: { subscription: string; item: string; at: number },
): readonly Debit[] {
  const prorations = prorationsOf(tx, of.item);
  const credited = new Set(prorations.map(({ internals }) => internals.creditedDebit));
  return [...periodDebits(tx, of), ...prorationDebits(tx, prorations)].filter(
    ({ amount, key, period }) => period.end > of.at && amount > 0 && !credited.has(key),
  );
}

function periodDebits(tx: Transaction, of: { subscription: string; item: string }): Debit[] {
  const found: Debit[] = [];
  for (const invoice of tx
    .table(invoiceTable)
    .oldestFirst({ index: { name: 'subscription', key: of.subscription } })) {
    if (invoice.status === 'void') continue;
    for (const line of invoice.lines) {
      const isOwn = line.parent.subscription_item_details?.subscription_item === of.item;
      if (!isOwn || invoiceItemOf(line) !== null) continue;
      const { amount, period, pricing } = line;
      const reference = lineReference(invoice.id, line.id);
      found.push({ key: line.id, amount, period, pricing, quantity: line.quantity ?? 0, reference });
    }
  }
  return found;
}

function prorationDebits(tx: Transaction, prorations: readonly InvoiceItem[]): Debit[] {
  return prorations.map(({ amount, id, invoice, period, pricing, quantity }) => {
    const billed = invoice === null ? undefined : tx.get(invoiceTable, invoice);
    const line = billed?.lines.find((one) => invoiceItemOf(one) === id);
    const reference: CreditedItems =
      billed && line ? lineReference(billed.id, line.id) : { type: 'invoice_item', invoice_item: id };
    return { key: id, amount, period, pricing, quantity, reference };
  });
}

function prorationsOf(tx: Transaction, item: string): readonly InvoiceItem[] {
  const all = [
    ...tx.table(invoiceItemTable).oldestFirst({ index: { name: 'subscription_item', key: item } }),
  ];
  return all.filter(
    ({ invoice, proration }) =>
      proration && (invoice === null || tx.get(invoiceTable, invoice)?.status !== 'void'),
  );
}

function lineReference(invoice: string, line: string): CreditedItems {
  return {
    type: 'invoice_line_items',
    invoice_line_item_details: { invoice, invoice_line_items: [line] },
  };
}
