import type { Metadata } from '../../api/parameters.ts';

/** For a credit: the lines of an invoice that it gives back. */
export interface CreditedLines {
  readonly invoice: string;
  readonly invoice_line_items: readonly string[];
}

interface ProrationDetails {
  readonly credited_items: CreditedLines | null;
}

/** Where a line comes from: a period or a proration of a subscription's item, or an invoice item. */
export type LineParent =
  | {
      readonly type: 'subscription_item_details';
      readonly invoice_item_details: null;
      readonly subscription_item_details: {
        readonly invoice_item: string | null;
        readonly proration: boolean;
        readonly proration_details: ProrationDetails;
        /** Null in the preview of a new subscription. */
        readonly subscription: string | null;
        readonly subscription_item: string;
      };
    }
  | {
      readonly type: 'invoice_item_details';
      readonly invoice_item_details: {
        readonly invoice_item: string;
        readonly proration: boolean;
        readonly proration_details: ProrationDetails;
        readonly subscription: string | null;
      };
      readonly subscription_item_details: null;
    };

/** What a line or an invoice item was priced by; null when an amount was given. */
export type LinePricing = {
  readonly price_details: { readonly price: string; readonly product: string };
  readonly type: 'price_details';
  /** Null for a price in tiers. */
  readonly unit_amount_decimal: string | null;
} | null;

export interface LinePeriod {
  readonly end: number;
  readonly start: number;
}

/** One line of an invoice; amounts are minor units. */
export interface InvoiceLine {
  readonly id: string;
  readonly object: 'line_item';
  readonly amount: number;
  readonly currency: string;
  readonly description: string | null;
  readonly discount_amounts: readonly never[];
  readonly discountable: boolean;
  readonly discounts: readonly never[];
  /** Null in a preview. */
  readonly invoice: string | null;
  readonly livemode: false;
  readonly metadata: Metadata;
  readonly parent: LineParent;
  readonly period: LinePeriod;
  readonly pretax_credit_amounts: readonly never[];
  readonly pricing: LinePricing;
  readonly quantity: number | null;
  readonly quantity_decimal: string | null;
  readonly subscription: string | null;
  readonly subtotal: number;
  readonly taxes: readonly never[];
}

/** The invoice item that a line shows; null for a period of a subscription's item. */
export function invoiceItemOf(line: InvoiceLine): string | null {
  return (line.parent.subscription_item_details ?? line.parent.invoice_item_details).invoice_item;
}
