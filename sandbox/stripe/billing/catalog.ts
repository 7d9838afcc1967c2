import { z } from 'zod';
import { invalidRequest, noSuchInParameter, parameterMissing } from '../api/errors.ts';
import {
  boolean,
  clearableText,
  decimal,
  type Metadata,
  mergeMetadata,
  metadata,
  natural,
  text,
} from '../api/parameters.ts';
import { defineTable } from '../state/table.ts';
import type { Transaction } from '../state/transaction.ts';

// Products and prices are made here together, because each of them can make the other.

/** What this simulator does not keep; as in a plain price. */
const inertPrice = {
  billing_scheme: 'per_unit',
  custom_unit_amount: null,
  livemode: false,
  tiers_mode: null,
  transform_quantity: null,
} as const;

export interface Recurring {
  readonly interval: 'day' | 'week' | 'month' | 'year';
  readonly interval_count: number;
  readonly meter: string | null;
  readonly trial_period_days: number | null;
  readonly usage_type: 'licensed' | 'metered';
}

export interface Price extends Readonly<typeof inertPrice> {
  readonly id: string;
  readonly object: 'price';
  readonly active: boolean;
  readonly created: number;
  readonly currency: string;
  readonly lookup_key: string | null;
  readonly metadata: Metadata;
  readonly nickname: string | null;
  readonly product: string;
  readonly recurring: Recurring | null;
  readonly tax_behavior: 'exclusive' | 'inclusive' | 'unspecified';
  readonly type: 'one_time' | 'recurring';
  /** Minor units; null for an amount below one minor unit. */
  readonly unit_amount: number | null;
  readonly unit_amount_decimal: string;
}

export const priceTable = defineTable<Price>({
  noun: 'price',
  indexes: { product: (row) => row.product, lookup_key: (row) => row.lookup_key },
});

const recurring = z.strictObject({
  interval: z.enum(['day', 'week', 'month', 'year']),
  interval_count: natural.optional(),
  meter: text.optional(),
  trial_period_days: natural.optional(),
  usage_type: z.enum(['licensed', 'metered']).optional(),
});

/** What describes an amount, wherever a price is made: here, inline in a product, in a Checkout line. */
export const productPriceFields = {
  currency: text,
  unit_amount: natural.optional(),
  unit_amount_decimal: decimal.optional(),
  recurring: recurring.optional(),
  metadata: metadata.optional(),
  tax_behavior: z.enum(['exclusive', 'inclusive', 'unspecified']).optional(),
};
export const createPriceParameters = z.strictObject({
  ...productPriceFields,
  active: boolean.optional(),
  billing_scheme: z.enum(['per_unit']).optional(),
  lookup_key: text.optional(),
  nickname: text.optional(),
  product: text.optional(),
  product_data: z
    .strictObject({
      id: text.optional(),
      name: text,
      active: boolean.optional(),
      metadata: metadata.optional(),
    })
    .optional(),
});
/** What this simulator does not keep; as in a plain product. */
const inertProduct = {
  images: [],
  livemode: false,
  marketing_features: [],
  package_dimensions: null,
  shippable: null,
  type: 'service',
} as const;

export interface Product extends Readonly<typeof inertProduct> {
  readonly id: string;
  readonly object: 'product';
  readonly active: boolean;
  readonly created: number;
  readonly default_price: string | null;
  readonly description: string | null;
  readonly metadata: Metadata;
  readonly name: string;
  readonly statement_descriptor: string | null;
  readonly tax_code: string | null;
  readonly unit_label: string | null;
  readonly updated: number;
  readonly url: string | null;
}

export const productTable = defineTable<Product>({ noun: 'product', indexes: {} });

export const productFields = {
  active: boolean.optional(),
  description: clearableText.optional(),
  metadata: metadata.optional(),
  statement_descriptor: clearableText.optional(),
  tax_code: clearableText.optional(),
  unit_label: clearableText.optional(),
  url: clearableText.optional(),
};
export const createProductParameters = z.strictObject({
  ...productFields,
  id: text.optional(),
  name: text,
  default_price_data: z.strictObject(productPriceFields).optional(),
});
/** Makes a product; with `default_price_data` its price too, as one step. */
export function createProduct(tx: Transaction, parameters: z.infer<typeof createProductParameters>): Product {
  const { default_price_data, metadata: sentMetadata, id, ...rest } = parameters;
  if (id !== undefined && tx.get(productTable, id)) {
    throw invalidRequest({
      code: 'resource_already_exists',
      param: 'id',
      message: 'Product already exists.',
    });
  }
  const created = tx.put(productTable, {
    id: id ?? tx.newId('prod'),
    object: 'product',
    ...inertProduct,
    active: rest.active ?? true,
    created: tx.now,
    default_price: null,
    description: rest.description ?? null,
    metadata: mergeMetadata({}, sentMetadata),
    name: rest.name,
    statement_descriptor: rest.statement_descriptor ?? null,
    tax_code: rest.tax_code ?? null,
    unit_label: rest.unit_label ?? null,
    updated: tx.now,
    url: rest.url ?? null,
  });
  if (!default_price_data) {
    tx.emit('product.created', created);
    return created;
  }
  const price = createPrice(tx, { ...default_price_data, product: created.id });
  const product = tx.put(productTable, { ...created, default_price: price.id });
  tx.emit('product.created', product);
  return product;
}

/** Makes a price, and with `product_data` its product. @throws StripeError 400 */
export function createPrice(tx: Transaction, parameters: z.infer<typeof createPriceParameters>): Price {
  const amount = parameters.unit_amount_decimal ?? parameters.unit_amount?.toString();
  if (amount === undefined) throw parameterMissing('unit_amount');
  const product = productOf(tx, parameters);
  const price = tx.put(priceTable, {
    id: tx.newId('price'),
    object: 'price',
    ...inertPrice,
    active: parameters.active ?? true,
    created: tx.now,
    currency: parameters.currency.toLowerCase(),
    lookup_key: parameters.lookup_key ?? null,
    metadata: mergeMetadata({}, parameters.metadata),
    nickname: parameters.nickname ?? null,
    product,
    recurring: parameters.recurring
      ? {
          interval: parameters.recurring.interval,
          interval_count: parameters.recurring.interval_count ?? 1,
          meter: parameters.recurring.meter ?? null,
          trial_period_days: parameters.recurring.trial_period_days ?? null,
          usage_type: parameters.recurring.usage_type ?? 'licensed',
        }
      : null,
    tax_behavior: parameters.tax_behavior ?? 'unspecified',
    type: parameters.recurring ? 'recurring' : 'one_time',
    unit_amount: Number.isInteger(Number(amount)) ? Number(amount) : null,
    unit_amount_decimal: amount,
  });
  tx.emit('price.created', price);
  return price;
}

/** An active or archived price that is named by a parameter. @throws StripeError 400 */
export function priceInParameter(tx: Transaction, id: string, param: string): Price {
  const price = tx.get(priceTable, id);
  if (!price) throw noSuchInParameter('price', id, param);
  return price;
}

function productOf(tx: Transaction, parameters: z.infer<typeof createPriceParameters>): string {
  if (parameters.product !== undefined) {
    if (!tx.get(productTable, parameters.product))
      throw noSuchInParameter('product', parameters.product, 'product');
    return parameters.product;
  }
  if (!parameters.product_data) throw parameterMissing('product');
  return createProduct(tx, parameters.product_data).id;
}
