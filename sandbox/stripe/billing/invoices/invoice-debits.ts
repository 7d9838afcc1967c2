import type { Transaction } from '../../state/transaction.ts';
import { type CreditedItems, type InvoiceItem, invoiceItemTable } from './invoice-item-state.ts';
import { invoiceItemOf, type LinePeriod, type LinePricing } from './invoice-line-state.ts';
import { invoiceTable } from './invoice-state.ts';

/** What was charged for a subscription's item, as far as it has not been given back. */
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
  return [...periodDebits(tx, of), ...prorationDebits(tx, prorations)]
    .map((debit) => withoutCredits(debit, prorations))
    .filter(({ amount, period: { start, end } }) => amount > 0 && end > Math.max(of.at, start));
}

/** A credit takes the end off a debit; what comes before it has still been charged. */
function withoutCredits(debit: Debit, prorations: readonly InvoiceItem[]): Debit {
  let { amount } = debit;
  let { end } = debit.period;
  for (const { amount: credit, internals, period } of prorations) {
    if (internals.creditedDebit !== debit.key) continue;
    amount += credit;
    end = Math.min(end, period.start);
  }
  return { ...debit, amount, period: { ...debit.period, end } };
}

/** The newest line for a period of its own: where periods follow each other, older ones are over. */
function periodDebits(tx: Transaction, of: { subscription: string; item: string }): Debit[] {
  const index = { name: 'subscription', key: of.subscription };
  for (const invoice of tx.table(invoiceTable).newestFirst({ index })) {
    if (invoice.status === 'void') continue;
    const line = invoice.lines.find(
      (one) =>
        one.parent.subscription_item_details?.subscription_item === of.item && invoiceItemOf(one) === null,
    );
    if (!line) continue;
    const { amount, id, period, pricing, quantity } = line;
    const reference = lineReference(invoice.id, id);
    return [{ key: id, amount, period, pricing, quantity: quantity ?? 0, reference }];
  }
  return [];
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
