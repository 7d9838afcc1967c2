import type { Transaction } from '../../state/transaction.ts';
import { type Price, priceTable } from '../catalog/catalog.ts';
import { priceAmount } from '../catalog/price-amount.ts';
import { priceOf, type Subscription, type SubscriptionItem } from '../subscriptions/subscription-state.ts';
import { type Debit, outstandingDebits } from './invoice-debits.ts';
import type { LinePeriod, LinePricing } from './invoice-line-state.ts';
import { prorationText } from './invoice-line-texts.ts';
import { pricingOf } from './invoice-lines.ts';
import { roundedShare, roundedTimes } from './invoice-rounding.ts';

/** What a change gives back or charges for the rest of one item's period. */
export interface Proration {
  /** Minor units; a credit is negative. */
  readonly amount: number;
  /** What a credit gives back, as far as it is known. */
  readonly credited: Pick<Debit, 'key' | 'reference'> | null;
  readonly description: string;
  /** The subscription item's id. */
  readonly item: string;
  readonly period: LinePeriod;
  readonly pricing: LinePricing;
  readonly quantity: number;
}

/** A change of a subscription's items. */
export interface ItemsChange {
  readonly before: Subscription;
  readonly after: Subscription;
  /** Unix seconds. */
  readonly at: number;
  /** Whether all items' periods start with the change: those are charged by lines of their own. */
  readonly startsPeriods?: boolean;
}

/**
 * What a change of a subscription's items gives back and charges, to the second. An item that is removed, or whose
 * price, quantity or period changes, is given back from then on, and charged anew as it is now. Nothing is due for a
 * trial or for usage.
 */
export function prorationsBetween(tx: Transaction, change: ItemsChange): readonly Proration[] {
  const { after, before } = change;
  const prorations: Proration[] = [];
  for (const old of before.items) {
    const now = after.items.find(({ id }) => id === old.id);
    if (now && isSame(old, now)) continue;
    if (before.status !== 'trialing') prorations.push(...creditsOf(tx, change, old));
    if (now) prorations.push(...debitsOf(tx, change, now));
  }
  for (const item of after.items) {
    if (!before.items.some(({ id }) => id === item.id)) prorations.push(...debitsOf(tx, change, item));
  }
  return prorations;
}

function isSame(one: SubscriptionItem, other: SubscriptionItem): boolean {
  return (
    one.price === other.price &&
    one.quantity === other.quantity &&
    one.current_period_start === other.current_period_start &&
    one.current_period_end === other.current_period_end
  );
}

/**
 * Flexible billing gives back what was charged, one credit for each debit; classic billing what the item costs
 * now, charged or not.
 */
function creditsOf(
  tx: Transaction,
  { at, before }: ItemsChange,
  item: SubscriptionItem,
): readonly Proration[] {
  if (item.quantity === undefined) return [];
  const debits = outstandingDebits(tx, { subscription: before.id, item: item.id, at });
  if (before.billing_mode.type === 'flexible') {
    return debits.map((debit) =>
      creditOf(tx, { amount: unusedOf(debit, at), debit, credited: debit, item, at }),
    );
  }
  const { current_period_end: end, current_period_start: start, quantity } = item;
  if (end <= at) return [];
  const price = priceOf(tx, item);
  const share = { part: end - Math.max(at, start), of: end - start };
  const amount = 0 - costOf(tx, price, { quantity, ...share });
  const debit = { period: { end, start }, pricing: pricingOf(price), quantity };
  return [creditOf(tx, { amount, debit, credited: debits.at(-1) ?? null, item, at })];
}

function creditOf(
  tx: Transaction,
  credit: {
    amount: number;
    debit: Pick<Debit, 'period' | 'pricing' | 'quantity'>;
    credited: Debit | null;
    item: SubscriptionItem;
    at: number;
  },
): Proration {
  const { amount, debit, credited, item } = credit;
  const { end, start } = debit.period;
  const at = Math.max(credit.at, start);
  const { quantity } = debit;
  return {
    amount,
    credited: credited && { key: credited.key, reference: credited.reference },
    description: prorationText(tx, { kind: 'credit', price: chargedPrice(tx, debit, item), quantity, at }),
    item: item.id,
    period: { end, start: at },
    pricing: debit.pricing,
    quantity,
  };
}

/** The price that was charged, which another one may have taken the place of since. */
function chargedPrice(tx: Transaction, { pricing }: Pick<Debit, 'pricing'>, item: SubscriptionItem): Price {
  return tx.get(priceTable, pricing?.price_details.price ?? '') ?? priceOf(tx, item);
}

/** What was charged, for the part of its period that is left. */
function unusedOf({ amount, period: { end, start } }: Debit, at: number): number {
  return roundedShare({ amount: -amount, part: end - Math.max(at, start), of: end - start });
}

/** What a quantity costs for a part of its period; rounded once where each unit costs the same. */
function costOf(tx: Transaction, price: Price, of: { quantity: number; part: number; of: number }): number {
  const { transform_quantity: packages, unit_amount_decimal: unitAmount } = price;
  const isByUnit = unitAmount !== null && packages === null;
  if (isByUnit) return roundedTimes(unitAmount, of.quantity, of);
  return roundedShare({ amount: priceAmount(tx, price, of.quantity), part: of.part, of: of.of });
}

function debitsOf(tx: Transaction, change: ItemsChange, item: SubscriptionItem): readonly Proration[] {
  const { current_period_end: end, current_period_start: start, quantity } = item;
  const at = Math.max(change.at, start);
  if (change.startsPeriods || change.after.status === 'trialing') return [];
  if (quantity === undefined || end <= at) return [];
  const price = priceOf(tx, item);
  return [
    {
      amount: costOf(tx, price, { quantity, part: end - at, of: end - start }),
      credited: null,
      description: prorationText(tx, { kind: 'debit', price, quantity, at }),
      item: item.id,
      period: { end, start: at },
      pricing: pricingOf(price),
      quantity,
    },
  ];
}
