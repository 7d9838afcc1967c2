import type { Metadata } from '../../api/parameters.ts';
import { defineTable } from '../../state/table.ts';
import type { Transaction } from '../../state/transaction.ts';
import type { LinePeriod, LinePricing } from './invoice-line-state.ts';

/** For a credit: what it gives back, be it billed already or still pending. */
export type CreditedItems =
  | { readonly type: 'invoice_item'; readonly invoice_item: string }
  | {
      readonly type: 'invoice_line_items';
      readonly invoice_line_item_details: {
        readonly invoice: string;
        readonly invoice_line_items: readonly string[];
      };
    };

/** What the API does not show. */
interface InvoiceItemInternals {
  /** For a proration's credit: the invoice item or, when it never was one, the line that it gives back. */
  readonly creditedDebit: string | null;
  /** Whether it was made for one invoice, with which it goes when that is deleted as a draft. */
  readonly isForOneInvoice: boolean;
}

/** What is to be billed with the next invoice; shown without internals. Amounts are minor units. */
export interface InvoiceItem {
  readonly id: string;
  readonly object: 'invoiceitem';
  readonly amount: number;
  readonly currency: string;
  readonly customer: string;
  readonly customer_account: null;
  readonly date: number;
  readonly description: string | null;
  readonly discountable: boolean;
  readonly discounts: readonly never[];
  readonly internals: InvoiceItemInternals;
  /** Null while it is pending. */
  readonly invoice: string | null;
  readonly livemode: false;
  readonly metadata: Metadata;
  readonly net_amount: number;
  readonly parent: {
    readonly subscription_details: { readonly subscription: string; readonly subscription_item?: string };
    readonly type: 'subscription_details';
  } | null;
  readonly period: LinePeriod;
  readonly pricing: LinePricing;
  readonly proration: boolean;
  readonly proration_details?: {
    readonly credited_items: CreditedItems | null;
    readonly discount_amounts: readonly never[];
  };
  readonly quantity: number;
  readonly quantity_decimal: string;
  readonly tax_rates: readonly never[];
  readonly test_clock: string | null;
}

export const invoiceItemTable = defineTable<InvoiceItem>({
  noun: 'invoiceitem',
  indexes: {
    customer: (row) => row.customer,
    invoice: (row) => row.invoice,
    subscription_item: (row) => row.parent?.subscription_details.subscription_item ?? null,
    pending: (row) => (row.invoice === null ? row.customer : null),
  },
});

/** The invoice item as the API and its events show it. */
export function renderInvoiceItem(row: InvoiceItem): object {
  const { internals: _, ...shown } = row;
  return shown;
}

/**
 * What waits to be billed, oldest first.
 * @param of.subscription its items; null: those of the customer that belong to no subscription
 */
export function pendingItems(
  tx: Transaction,
  of: { customer: string; subscription: string | null },
): readonly InvoiceItem[] {
  const index = { name: 'pending', key: of.customer };
  const all = [...tx.table(invoiceItemTable).oldestFirst({ index })];
  return all.filter((item) => (item.parent?.subscription_details.subscription ?? null) === of.subscription);
}
