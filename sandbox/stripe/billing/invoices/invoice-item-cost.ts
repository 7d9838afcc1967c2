import { invalidRequest } from '../../api/errors.ts';
import type { Transaction } from '../../state/transaction.ts';
import { type Price, priceInParameter } from '../catalog/catalog.ts';
import { priceAmount } from '../catalog/price-amount.ts';
import type { UpdateItem } from './invoice-item-parameters.ts';
import type { InvoiceItem } from './invoice-item-state.ts';
import type { LinePricing } from './invoice-line-state.ts';
import { pricingOf } from './invoice-lines.ts';
import { roundedTimes } from './invoice-rounding.ts';

/** What an item costs; the price is there when it was named. */
export interface ItemCost {
  readonly amount: number;
  readonly price: Price | null;
  readonly pricing: LinePricing;
  readonly quantity: number;
}

/**
 * What an item costs after a request. Undefined when nothing about it was sent.
 * @param before what it cost, of which what is not sent stays
 * @throws StripeError 400 for two ways to say it
 */
export function itemCost(
  tx: Transaction,
  parameters: UpdateItem,
  before: Pick<InvoiceItem, 'amount' | 'pricing' | 'quantity'>,
): ItemCost | undefined {
  const { amount, pricing, quantity = before.quantity, unit_amount_decimal: unitAmount } = parameters;
  const ways = { amount, 'pricing[price]': pricing?.price, unit_amount_decimal: unitAmount };
  const [way, ...others] = Object.entries(ways).filter(([, value]) => value !== undefined);
  if (others.length > 0) {
    const names = [way, ...others].map((one) => one?.[0]).join(', ');
    throw invalidRequest({ message: `You may only specify one of these parameters: ${names}.` });
  }
  if (amount !== undefined) return { amount, price: null, pricing: null, quantity };
  if (unitAmount !== undefined) {
    return { amount: roundedTimes(unitAmount, quantity), price: null, pricing: null, quantity };
  }
  const id = pricing?.price ?? before.pricing?.price_details.price;
  if (id === undefined || (pricing?.price === undefined && parameters.quantity === undefined))
    return undefined;
  const price = oneTimePrice(tx, id);
  return { amount: priceAmount(tx, price, quantity), price, pricing: pricingOf(price), quantity };
}

function oneTimePrice(tx: Transaction, id: string): Price {
  const price = priceInParameter(tx, id, 'pricing[price]');
  if (price.type === 'one_time') return price;
  const message =
    'The price specified is set to `type=recurring` but this field only accepts prices with `type=one_time`.';
  throw invalidRequest({ param: 'pricing[price]', message });
}
