import { invalidRequest, noSuchInParameter } from '../../api/errors.ts';
import type { Metadata } from '../../api/parameters.ts';
import { defineTable } from '../../state/table.ts';
import type { Transaction } from '../../state/transaction.ts';

export interface Recurring {
  readonly interval: 'day' | 'week' | 'month' | 'year';
  readonly interval_count: number;
  readonly meter: string | null;
  readonly trial_period_days: number | null;
  readonly usage_type: 'licensed' | 'metered';
}

/** As the API shows it, but for `tiers`, which are shown on demand only. */
export interface Price {
  readonly id: string;
  readonly object: 'price';
  readonly active: boolean;
  readonly billing_scheme: 'per_unit' | 'tiered';
  readonly created: number;
  readonly currency: string;
  readonly custom_unit_amount: null;
  readonly livemode: false;
  readonly lookup_key: string | null;
  readonly metadata: Metadata;
  readonly nickname: string | null;
  readonly product: string;
  readonly recurring: Recurring | null;
  readonly tax_behavior: 'exclusive' | 'inclusive' | 'unspecified';
  readonly tiers_mode: 'graduated' | 'volume' | null;
  readonly transform_quantity: { readonly divide_by: number; readonly round: 'down' | 'up' } | null;
  readonly type: 'one_time' | 'recurring';
  /** Minor units; null for an amount with a part of a minor unit, and for tiers. */
  readonly unit_amount: number | null;
  /** Null for tiers. */
  readonly unit_amount_decimal: string | null;
}

/** One step of a tiered price. Of each amount there is the decimal; the other is null when it is not whole. */
export interface PriceTier {
  readonly flat_amount: number | null;
  readonly flat_amount_decimal: string | null;
  readonly unit_amount: number | null;
  readonly unit_amount_decimal: string | null;
  /** The last quantity in it; null in the last tier. */
  readonly up_to: number | null;
}

export interface Product {
  readonly id: string;
  readonly object: 'product';
  readonly active: boolean;
  readonly created: number;
  readonly default_price: string | null;
  readonly description: string | null;
  readonly images: readonly string[];
  readonly livemode: false;
  readonly marketing_features: readonly { readonly name: string }[];
  readonly metadata: Metadata;
  readonly name: string;
  readonly package_dimensions: {
    readonly height: number;
    readonly length: number;
    readonly weight: number;
    readonly width: number;
  } | null;
  readonly shippable: boolean | null;
  readonly statement_descriptor: string | null;
  readonly tax_code: string | null;
  readonly tax_details: {
    readonly performance_location: string | null;
    readonly tax_code: string | null;
  } | null;
  readonly type: 'service';
  readonly unit_label: string | null;
  readonly updated: number;
  readonly url: string | null;
}

export const priceTable = defineTable<Price>({
  noun: 'price',
  indexes: { product: (row) => row.product, lookup_key: (row) => row.lookup_key },
});
/** The tiers of the prices that have some, by the price's id. */
export const priceTiersTable = defineTable<{ readonly id: string; readonly tiers: readonly PriceTier[] }>({
  noun: 'price',
  indexes: {},
});
/** Prices that were made inside another object (`price_data`): lists of prices leave them out. */
export const inlinePriceTable = defineTable<{ readonly id: string }>({ noun: 'price', indexes: {} });
export const productTable = defineTable<Product>({ noun: 'product', indexes: {} });

/** An active or archived price that is named by a parameter. @throws StripeError 400 */
export function priceInParameter(tx: Transaction, id: string, param: string): Price {
  const price = tx.get(priceTable, id);
  if (!price) throw noSuchInParameter('price', id, param);
  return price;
}

/**
 * A price that something new may be sold at. One that was made inline is never active, and is sold all the same:
 * the object that it was made in may become another.
 * @throws StripeError 400, also for an archived one
 */
export function sellablePrice(tx: Transaction, id: string, param: string): Price {
  const price = priceInParameter(tx, id, param);
  if (price.active || tx.get(inlinePriceTable, id)) return price;
  throw invalidRequest({
    param,
    message: 'The price specified is inactive. This field only accepts active prices.',
  });
}
