import { z } from 'zod';
import { invalidRequest, noSuchInParameter } from '../api/errors.ts';
import { listParameters, pageOfTable } from '../api/lists.ts';
import { boolean, createdFilter, isCreatedWithin, mergeMetadata, sent, text } from '../api/parameters.ts';
import { searchRoute } from '../api/search/search.ts';
import {
  inlinePriceTable,
  type Price,
  priceTable,
  priceTiersTable,
  productTable,
} from '../billing/catalog/catalog.ts';
import { createPrice } from '../billing/catalog/catalog-creation.ts';
import {
  createPriceParameters,
  type UpdatePrice,
  updatePriceParameters,
} from '../billing/catalog/catalog-parameters.ts';
import { freeLookupKey } from '../billing/catalog/lookup-keys.ts';
import { type Resource, route } from '../resource.ts';
import type { Transaction } from '../state/transaction.ts';

/** Stripe's limit for one list. */
const lookupKeysMax = 10;

function update(tx: Transaction, id: string, parameters: UpdatePrice): Price {
  const before = existing(tx, id);
  const { metadata: metadataChange, transfer_lookup_key: isTransferred, ...changes } = parameters;
  if (
    changes.tax_behavior &&
    before.tax_behavior !== 'unspecified' &&
    changes.tax_behavior !== before.tax_behavior
  ) {
    throw invalidRequest({
      param: 'tax_behavior',
      message: 'You cannot change the tax behavior once it is set.',
    });
  }
  if (changes.lookup_key) {
    freeLookupKey(tx, { key: changes.lookup_key, isTransferred: isTransferred ?? false, owner: id });
  }
  const after = tx.put(priceTable, {
    ...before,
    ...sent(changes),
    metadata: mergeMetadata(before.metadata, metadataChange),
  });
  tx.emitUpdated('price.updated', before, after);
  return after;
}

/** @throws StripeError 404, which for prices names `price` where others name `id` */
function existing(tx: Transaction, id: string): Price {
  const price = tx.get(priceTable, id);
  if (price) return price;
  throw invalidRequest({ code: 'resource_missing', param: 'price', message: `No such price: '${id}'` }, 404);
}

const listSchema = z.strictObject({
  ...listParameters,
  active: boolean.optional(),
  created: createdFilter,
  currency: text.optional(),
  lookup_keys: z
    .array(text)
    .max(lookupKeysMax, { error: `You can specify up to ${lookupKeysMax} lookup_keys.` })
    .optional(),
  product: text.optional(),
  recurring: z
    .strictObject({
      interval: z.enum(['day', 'week', 'month', 'year']).optional(),
      meter: text.optional(),
      usage_type: z.enum(['licensed', 'metered']).optional(),
    })
    .optional(),
  type: z.enum(['one_time', 'recurring']).optional(),
});
type ListPrices = z.infer<typeof listSchema>;

function list(tx: Transaction, parameters: ListPrices): object {
  const { active, created, currency, lookup_keys: keys, product, type } = parameters;
  if (product !== undefined && !tx.get(productTable, product)) {
    throw noSuchInParameter('product', product, 'product');
  }
  return pageOfTable(tx, {
    table: priceTable,
    index: product === undefined ? undefined : { name: 'product', key: product },
    parameters,
    where: (row) =>
      !tx.get(inlinePriceTable, row.id) &&
      (active === undefined || row.active === active) &&
      (currency === undefined || row.currency === currency) &&
      (type === undefined || row.type === type) &&
      (keys === undefined || keys.includes(row.lookup_key ?? '')) &&
      hasRecurring(row, parameters.recurring) &&
      isCreatedWithin(row.created, created),
    render: (row) => row,
    url: '/v1/prices',
  });
}

function hasRecurring({ recurring }: Price, wanted: ListPrices['recurring']): boolean {
  if (!wanted) return true;
  return (
    recurring !== null &&
    (wanted.interval === undefined || recurring.interval === wanted.interval) &&
    (wanted.meter === undefined || recurring.meter === wanted.meter) &&
    (wanted.usage_type === undefined || recurring.usage_type === wanted.usage_type)
  );
}

export const prices: Resource = {
  object: 'price',
  keeps: 'amount or tiers, interval, lookup key, tax behaviour',
  expandable: { product: 'product', tiers: (tx, id) => tx.get(priceTiersTable, id)?.tiers },
  find: (tx, id) => tx.get(priceTable, id),
  routes: [
    searchRoute({ of: 'prices', table: priceTable, render: (_tx, row) => row }),
    route({
      method: 'POST',
      path: '/v1/prices',
      parameters: createPriceParameters,
      handle: ({ tx, parameters }) => createPrice(tx, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/prices/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => existing(tx, id),
    }),
    route({
      method: 'POST',
      path: '/v1/prices/:id',
      parameters: updatePriceParameters,
      handle: ({ tx, id, parameters }) => update(tx, id, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/prices',
      parameters: listSchema,
      handle: ({ tx, parameters }) => list(tx, parameters),
    }),
  ],
};
