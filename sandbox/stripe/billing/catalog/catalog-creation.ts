import { invalidRequest, noSuchInParameter } from '../../api/errors.ts';
import { mergeMetadata } from '../../api/parameters.ts';
import type { Transaction } from '../../state/transaction.ts';
import {
  inlinePriceTable,
  type Price,
  type Product,
  priceTable,
  priceTiersTable,
  productTable,
  type Recurring,
} from './catalog.ts';
import type { CreatePrice, CreateProduct } from './catalog-parameters.ts';
import { freeLookupKey } from './lookup-keys.ts';
import { amountOf, tiersOf } from './price-tiers.ts';

// Products and prices are made here together, because each of them can make the other.

/** Makes a product; with `default_price_data` its price too, as one step. @throws StripeError 400 */
export function createProduct(tx: Transaction, parameters: CreateProduct): Product {
  const { id, default_price_data: priceData } = parameters;
  if (id !== undefined && tx.get(productTable, id)) {
    throw invalidRequest({
      code: 'resource_already_exists',
      param: 'id',
      message: 'Product already exists.',
    });
  }
  const created = tx.put(productTable, newProduct(tx, parameters));
  if (!priceData) {
    tx.emit('product.created', created);
    return created;
  }
  const price = createPrice(tx, { ...priceData, product: created.id });
  const product = tx.put(productTable, { ...created, default_price: price.id });
  tx.emit('product.created', product);
  return product;
}

function newProduct(tx: Transaction, parameters: CreateProduct): Product {
  return {
    id: parameters.id ?? tx.newId('prod'),
    object: 'product',
    active: parameters.active ?? true,
    created: tx.now,
    default_price: null,
    description: parameters.description ?? null,
    images: parameters.images ?? [],
    livemode: false,
    marketing_features: parameters.marketing_features ?? [],
    metadata: mergeMetadata({}, parameters.metadata),
    name: parameters.name,
    package_dimensions: parameters.package_dimensions ?? null,
    shippable: parameters.shippable ?? null,
    statement_descriptor: parameters.statement_descriptor ?? null,
    tax_code: parameters.tax_code ?? null,
    tax_details: taxDetailsOf(parameters.tax_details),
    type: 'service',
    unit_label: parameters.unit_label ?? null,
    updated: tx.now,
    url: parameters.url ?? null,
  };
}

/** What was sent about a product's tax, with null for what was not. */
export function taxDetailsOf(sentDetails: CreateProduct['tax_details']): Product['tax_details'] {
  if (!sentDetails) return null;
  return {
    performance_location: sentDetails.performance_location ?? null,
    tax_code: sentDetails.tax_code ?? null,
  };
}

/** Makes a price, and with `product_data` its product. @throws StripeError 400 */
export function createPrice(tx: Transaction, parameters: CreatePrice): Price {
  refuseUnmeteredUsage(parameters);
  const tiers = parameters.billing_scheme === 'tiered' ? tiersOf(parameters) : null;
  if (tiers === null && parameters.tiers) {
    throw invalidRequest({ param: 'tiers', message: 'You can specify `tiers` only with tiered billing.' });
  }
  const amount = amountOf(parameters.unit_amount, parameters.unit_amount_decimal);
  if (tiers === null && amount.decimal === null) {
    throw invalidRequest({
      message: 'Prices require an `unit_amount` or `unit_amount_decimal` parameter to be set.',
    });
  }
  if (parameters.lookup_key !== undefined) {
    freeLookupKey(tx, { key: parameters.lookup_key, isTransferred: parameters.transfer_lookup_key ?? false });
  }
  const price = tx.put(priceTable, {
    id: tx.newId('price'),
    object: 'price',
    active: parameters.active ?? true,
    billing_scheme: tiers ? 'tiered' : 'per_unit',
    created: tx.now,
    currency: parameters.currency.toLowerCase(),
    custom_unit_amount: null,
    livemode: false,
    lookup_key: parameters.lookup_key ?? null,
    metadata: mergeMetadata({}, parameters.metadata),
    nickname: parameters.nickname ?? null,
    product: productOf(tx, parameters),
    recurring: recurringOf(parameters.recurring),
    tax_behavior: parameters.tax_behavior ?? 'unspecified',
    tiers_mode: (tiers && parameters.tiers_mode) ?? null,
    transform_quantity: parameters.transform_quantity ?? null,
    type: parameters.recurring ? 'recurring' : 'one_time',
    unit_amount: amount.whole,
    unit_amount_decimal: amount.decimal,
  });
  if (tiers) tx.put(priceTiersTable, { id: price.id, tiers });
  tx.emit('price.created', price);
  return price;
}

/** Makes a price for one use inside another object: it can be bought there and nowhere else. */
export function createInlinePrice(tx: Transaction, parameters: CreatePrice): Price {
  const price = createPrice(tx, { ...parameters, active: false });
  tx.put(inlinePriceTable, { id: price.id });
  return price;
}

function refuseUnmeteredUsage({ recurring }: CreatePrice): void {
  if (recurring?.usage_type !== 'metered' || recurring.meter !== undefined) return;
  throw invalidRequest({
    param: 'recurring[meter]',
    message: 'Starting with Stripe version `2025-03-31.basil`, metered prices must be backed by meters.',
  });
}

function recurringOf(recurring: CreatePrice['recurring']): Recurring | null {
  if (!recurring) return null;
  return {
    interval: recurring.interval,
    interval_count: recurring.interval_count ?? 1,
    meter: recurring.meter ?? null,
    trial_period_days: recurring.trial_period_days ?? null,
    usage_type: recurring.usage_type ?? 'licensed',
  };
}

function productOf(tx: Transaction, { product, product_data: data }: CreatePrice): string {
  if (product !== undefined && data) {
    throw invalidRequest({
      param: 'product',
      message: 'You may only specify one of these parameters: product, product_data.',
    });
  }
  if (product !== undefined) {
    if (!tx.get(productTable, product)) throw noSuchInParameter('product', product, 'product');
    return product;
  }
  if (data) return createProduct(tx, data).id;
  throw invalidRequest({
    message: 'You must specify either `product` or `product_data` when creating a price.',
  });
}
