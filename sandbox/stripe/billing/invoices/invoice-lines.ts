import type { Transaction } from '../../state/transaction.ts';
import type { Price } from '../catalog/catalog.ts';
import { priceAmount } from '../catalog/price-amount.ts';
import { priceOf, type Subscription, type SubscriptionItem } from '../subscriptions/subscription-state.ts';
import { type InvoiceItem, invoiceItemTable } from './invoice-item-state.ts';
import {
  type CreditedLines,
  type InvoiceLine,
  invoiceItemOf,
  type LineParent,
  type LinePricing,
} from './invoice-line-state.ts';
import { periodText, trialText } from './invoice-line-texts.ts';

/** What every line is like here. */
const inertLine = {
  object: 'line_item',
  discount_amounts: [],
  discountable: true,
  discounts: [],
  livemode: false,
  pretax_credit_amounts: [],
  taxes: [],
} as const;

/** What a line says about the subscription that it bills; the id is null in the preview of a new one. */
export type BilledSubscription = Pick<Subscription, 'currency' | 'metadata' | 'status'> & {
  readonly id: string | null;
};

/** The line for the running period of a subscription's item; a trial costs nothing, and usage is not metered. */
export function periodLine(
  tx: Transaction,
  line: { invoice: string | null; subscription: BilledSubscription; item: SubscriptionItem },
): InvoiceLine {
  const { subscription, item } = line;
  const price = priceOf(tx, item);
  const isTrial = subscription.status === 'trialing';
  const quantity = item.quantity ?? 0;
  const isFree = isTrial || item.quantity === undefined;
  const amount = isFree ? 0 : priceAmount(tx, price, quantity);
  return {
    id: tx.newId('il'),
    ...inertLine,
    amount,
    currency: subscription.currency,
    description: isTrial ? trialText(tx, price) : periodText(tx, price, quantity),
    invoice: line.invoice,
    metadata: subscription.metadata,
    parent: {
      invoice_item_details: null,
      subscription_item_details: {
        invoice_item: null,
        proration: false,
        proration_details: { credited_items: null },
        subscription: subscription.id,
        subscription_item: item.id,
      },
      type: 'subscription_item_details',
    },
    period: { end: item.current_period_end, start: item.current_period_start },
    pricing: pricingOf(price),
    quantity,
    quantity_decimal: String(quantity),
    subscription: subscription.id,
    subtotal: amount,
  };
}

/** The line that shows an invoice item; its id stays the same when the item is edited. */
export function itemLine(
  tx: Transaction,
  line: { invoice: string | null; item: InvoiceItem; lines: readonly InvoiceLine[]; id?: string },
): InvoiceLine {
  const { item } = line;
  return {
    id: line.id ?? tx.newId('il'),
    ...inertLine,
    amount: item.amount,
    currency: item.currency,
    description: item.description,
    invoice: line.invoice,
    metadata: item.metadata,
    parent: parentOf(item, creditedLines(tx, line)),
    period: item.period,
    pricing: item.pricing,
    quantity: item.quantity,
    quantity_decimal: item.quantity_decimal,
    subscription: item.parent?.subscription_details.subscription ?? null,
    subtotal: item.amount,
  };
}

/** A price as lines and invoice items show it. */
export function pricingOf(price: Price): LinePricing {
  return {
    price_details: { price: price.id, product: price.product },
    type: 'price_details',
    unit_amount_decimal: price.unit_amount_decimal,
  };
}

function parentOf(item: InvoiceItem, credited: CreditedLines | null): LineParent {
  const of = item.parent?.subscription_details;
  const common = {
    invoice_item: item.id,
    proration: item.proration,
    proration_details: { credited_items: credited },
  };
  return of?.subscription_item === undefined
    ? {
        invoice_item_details: { ...common, subscription: of?.subscription ?? null },
        subscription_item_details: null,
        type: 'invoice_item_details',
      }
    : {
        invoice_item_details: null,
        subscription_item_details: {
          ...common,
          subscription: of.subscription,
          subscription_item: of.subscription_item,
        },
        type: 'subscription_item_details',
      };
}

/** A credit of a pending debit refers, once both are billed, to the debit's line on the same invoice. */
function creditedLines(
  tx: Transaction,
  line: { invoice: string | null; item: InvoiceItem; lines: readonly InvoiceLine[] },
): CreditedLines | null {
  const credited = line.item.proration_details?.credited_items ?? null;
  if (credited === null) return null;
  if (credited.type === 'invoice_line_items') return credited.invoice_line_item_details;
  const debit = tx.get(invoiceItemTable, credited.invoice_item);
  const billed = line.lines.find((one) => invoiceItemOf(one) === credited.invoice_item);
  return line.invoice !== null && debit && billed
    ? { invoice: line.invoice, invoice_line_items: [billed.id] }
    : null;
}
