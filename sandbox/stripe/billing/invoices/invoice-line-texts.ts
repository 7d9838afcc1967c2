import type { Transaction } from '../../state/transaction.ts';
import { type Price, productTable } from '../catalog/catalog.ts';

const dateFormat = new Intl.DateTimeFormat('en-GB', {
  day: '2-digit',
  month: 'short',
  year: 'numeric',
  timeZone: 'UTC',
});
/** Stripe's unit amounts have at most this many decimal places. */
const decimalPlacesMax = 12;

/** Such as `2 × Pro (at $10.00 / month)`; for tiers, of which each has its own price, `2 × Pro`. */
export function periodText(tx: Transaction, price: Price, quantity: number): string {
  const counted = `${quantity} × ${productName(tx, price)}`;
  const { unit_amount_decimal: unitAmount } = price;
  return unitAmount === null ? counted : `${counted} (at ${unitText(price, unitAmount)})`;
}

/** Such as `Trial period for Pro`. */
export function trialText(tx: Transaction, price: Price): string {
  return `Trial period for ${productName(tx, price)}`;
}

/** Such as `Unused time on 2 × Pro after 21 Nov 2026`. @param at unix seconds */
export function prorationText(
  tx: Transaction,
  proration: { kind: 'credit' | 'debit'; price: Price; quantity: number; at: number },
): string {
  const { kind, price, quantity, at } = proration;
  const time = kind === 'credit' ? 'Unused time on' : 'Remaining time on';
  const counted = quantity === 1 ? '' : `${quantity} × `;
  // The short form of September has four letters in British English only.
  const date = dateFormat.format(at * 1_000).replace('Sept', 'Sep');
  return `${time} ${counted}${productName(tx, price)} after ${date}`;
}

/** The name of what a price sells. */
export function productName(tx: Transaction, price: Price): string {
  return tx.get(productTable, price.product)?.name ?? price.product;
}

function unitText(price: Price, unitAmount: string): string {
  const currency = price.currency.toUpperCase();
  const format = new Intl.NumberFormat('en-US', { style: 'currency', currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  const amount = new Intl.NumberFormat('en-US', {
    style: 'currency',
    currency,
    maximumFractionDigits: digits + decimalPlacesMax,
  }).format(Number(unitAmount) / 10 ** digits);
  if (!price.recurring) return amount;
  const { interval, interval_count: count } = price.recurring;
  return `${amount} / ${count === 1 ? interval : `every ${count} ${interval}s`}`;
}
