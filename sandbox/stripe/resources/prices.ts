import { z } from 'zod';
import { invalidRequest, noSuchInPath } from '../api/errors.ts';
import { listParameters, pageOfTable } from '../api/lists.ts';
import {
  boolean,
  clearableText,
  createdFilter,
  isCreatedWithin,
  mergeMetadata,
  metadata,
  sent,
  text,
} from '../api/parameters.ts';
import { createPrice, createPriceParameters, type Price, priceTable } from '../billing/catalog.ts';
import { type Resource, route } from '../resource.ts';
import type { Transaction } from '../state/transaction.ts';

const updateParameters = z.strictObject({
  active: boolean.optional(),
  lookup_key: clearableText.optional(),
  metadata: metadata.optional(),
  nickname: clearableText.optional(),
  tax_behavior: z.enum(['exclusive', 'inclusive', 'unspecified']).optional(),
});

function update(tx: Transaction, id: string, parameters: z.infer<typeof updateParameters>): Price {
  const before = existing(tx, id);
  const { metadata: metadataChange, ...changes } = parameters;
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
  const after = tx.put(priceTable, {
    ...before,
    ...sent(changes),
    metadata: mergeMetadata(before.metadata, metadataChange),
  });
  tx.emitUpdated('price.updated', before, after);
  return after;
}

function existing(tx: Transaction, id: string): Price {
  const price = tx.get(priceTable, id);
  if (!price) throw noSuchInPath('price', id);
  return price;
}

const listSchema = z.strictObject({
  ...listParameters,
  active: boolean.optional(),
  created: createdFilter,
  currency: text.optional(),
  lookup_keys: z.array(text).optional(),
  product: text.optional(),
  type: z.enum(['one_time', 'recurring']).optional(),
});

export const prices: Resource = {
  object: 'price',
  expandable: { product: 'product' },
  find: (tx, id) => tx.get(priceTable, id),
  routes: [
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
      parameters: updateParameters,
      handle: ({ tx, id, parameters }) => update(tx, id, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/prices',
      parameters: listSchema,
      handle: ({ tx, parameters }) =>
        pageOfTable(tx, {
          table: priceTable,
          index: parameters.product === undefined ? undefined : { name: 'product', key: parameters.product },
          parameters,
          where: (row) =>
            (parameters.active === undefined || row.active === parameters.active) &&
            (parameters.currency === undefined || row.currency === parameters.currency) &&
            (parameters.type === undefined || row.type === parameters.type) &&
            (parameters.lookup_keys === undefined || parameters.lookup_keys.includes(row.lookup_key ?? '')) &&
            isCreatedWithin(row.created, parameters.created),
          render: (row) => row,
          url: '/v1/prices',
        }),
    }),
  ],
};
