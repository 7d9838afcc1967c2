import { z } from 'zod';
import { invalidRequest, parameterMissing } from '../../api/errors.ts';
import { decimal, natural, text } from '../../api/parameters.ts';
import type { Transaction } from '../../state/transaction.ts';
import { type Price, sellablePrice } from '../catalog/catalog.ts';
import { createInlinePrice } from '../catalog/catalog-creation.ts';

/** A price that is made for one item. */
export const itemPriceData = z.strictObject({
  currency: text,
  product: text,
  recurring: z.strictObject({
    interval: z.enum(['day', 'week', 'month', 'year']),
    interval_count: natural.optional(),
  }),
  tax_behavior: z.enum(['exclusive', 'inclusive', 'unspecified']).optional(),
  unit_amount: natural.optional(),
  unit_amount_decimal: decimal.optional(),
});

/** What names the price of an item. */
export interface ItemPrice {
  readonly price?: string | undefined;
  readonly price_data?: z.infer<typeof itemPriceData> | undefined;
}

export type RecurringPrice = Price & { readonly recurring: NonNullable<Price['recurring']> };

/**
 * The price that an item is to be billed at.
 * @param named.param where in the request the item stands, such as `items[0]`; empty for the request itself
 * @param named.currency what the subscription is billed in; null when that is not decided yet
 * @throws StripeError 400 that names the wrong parameter
 */
export function itemPrice(
  tx: Transaction,
  named: { sent: ItemPrice; param: string; currency: string | null },
): RecurringPrice {
  const { sent, currency } = named;
  const param = paramIn(named.param, 'price');
  if (sent.price !== undefined && sent.price_data) {
    throw invalidRequest({
      param,
      message: 'You may only specify one of these parameters: price, price_data.',
    });
  }
  if (sent.price === undefined && !sent.price_data) throw parameterMissing(param);
  const price = sent.price_data
    ? createInlinePrice(tx, sent.price_data)
    : sellablePrice(tx, sent.price ?? '', param);
  if (currency !== null && price.currency !== currency) {
    const message = `The price specified only supports \`${price.currency}\`. This doesn't match the expected currency: \`${currency}\`.`;
    throw invalidRequest({ param, message });
  }
  return asRecurring(price, param);
}

/** A price with its rhythm. @throws StripeError 400 for one that is paid once */
export function asRecurring(price: Price, param: string): RecurringPrice {
  const { recurring } = price;
  if (recurring) return { ...price, recurring };
  throw invalidRequest({
    param,
    message:
      'The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.',
  });
}

/** The name of an item's parameter. */
export function paramIn(item: string, name: string): string {
  return item === '' ? name : `${item}[${name}]`;
}
