import { z } from 'zod';
import { invalidRequest, noSuchInParameter, noSuchInPath } from '../api/errors.ts';
import { listParameters, pageOfTable } from '../api/lists.ts';
import { boolean, createdFilter, isCreatedWithin, mergeMetadata, sent, text } from '../api/parameters.ts';
import { searchRoute } from '../api/search/search.ts';
import { type Product, priceTable, productTable } from '../billing/catalog/catalog.ts';
import { createProduct, taxDetailsOf } from '../billing/catalog/catalog-creation.ts';
import {
  createProductParameters,
  type UpdateProduct,
  updateProductParameters,
} from '../billing/catalog/catalog-parameters.ts';
import { type Resource, route } from '../resource.ts';
import { previousAttributes } from '../state/previous-attributes.ts';
import type { Transaction } from '../state/transaction.ts';

function update(tx: Transaction, id: string, parameters: UpdateProduct): Product {
  const before = existing(tx, id);
  const { metadata: metadataChange, tax_details: taxDetails, ...changes } = parameters;
  if (changes.default_price !== undefined && tx.get(priceTable, changes.default_price)?.product !== id) {
    throw noSuchInParameter('price', changes.default_price, 'default_price');
  }
  const after: Product = {
    ...before,
    ...sent(changes),
    ...(taxDetails === undefined ? {} : { tax_details: taxDetailsOf(taxDetails) }),
    metadata: mergeMetadata(before.metadata, metadataChange),
  };
  if (!previousAttributes(before, after)) return before;
  const stored = tx.put(productTable, { ...after, updated: tx.now });
  tx.emitUpdated('product.updated', before, stored);
  return stored;
}

function remove(tx: Transaction, id: string): object {
  const product = existing(tx, id);
  const prices = tx.table(priceTable).newestFirst({ index: { name: 'product', key: id } });
  if (!prices.next().done) {
    throw invalidRequest({
      message: 'This product cannot be deleted because it has one or more user-created prices.',
    });
  }
  tx.remove(productTable, id);
  tx.emit('product.deleted', product);
  return { id, object: 'product', deleted: true };
}

function existing(tx: Transaction, id: string): Product {
  const product = tx.get(productTable, id);
  if (!product) throw noSuchInPath('product', id);
  return product;
}

const listSchema = z.strictObject({
  ...listParameters,
  active: boolean.optional(),
  created: createdFilter,
  ids: z.array(text).optional(),
  shippable: boolean.optional(),
  url: text.optional(),
});

function list(tx: Transaction, parameters: z.infer<typeof listSchema>): object {
  const { active, created, ids, shippable, url } = parameters;
  return pageOfTable(tx, {
    table: productTable,
    parameters,
    where: (row) =>
      (active === undefined || row.active === active) &&
      (ids === undefined || ids.includes(row.id)) &&
      (shippable === undefined || row.shippable === shippable) &&
      (url === undefined || row.url === url) &&
      isCreatedWithin(row.created, created),
    render: (row) => row,
    url: '/v1/products',
  });
}

export const products: Resource = {
  object: 'product',
  keeps: 'name, texts, images, default price, dimensions, tax code',
  expandable: { default_price: 'price' },
  find: (tx, id) => tx.get(productTable, id),
  routes: [
    searchRoute({ of: 'products', table: productTable, render: (_tx, row) => row }),
    route({
      method: 'POST',
      path: '/v1/products',
      parameters: createProductParameters,
      handle: ({ tx, parameters }) => createProduct(tx, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/products/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => existing(tx, id),
    }),
    route({
      method: 'POST',
      path: '/v1/products/:id',
      parameters: updateProductParameters,
      handle: ({ tx, id, parameters }) => update(tx, id, parameters),
    }),
    route({
      method: 'DELETE',
      path: '/v1/products/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => remove(tx, id),
    }),
    route({
      method: 'GET',
      path: '/v1/products',
      parameters: listSchema,
      handle: ({ tx, parameters }) => list(tx, parameters),
    }),
  ],
};
