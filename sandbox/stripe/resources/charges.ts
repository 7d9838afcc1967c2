import { z } from 'zod';
import { noSuchInPath } from '../api/errors.ts';
import { listParameters, pageOfTable } from '../api/lists.ts';
import { createdFilter, isCreatedWithin, text } from '../api/parameters.ts';
import { chargeTable } from '../billing/charge-state.ts';
import { type Resource, route } from '../resource.ts';

/** Made by the payment of invoices and Checkout sessions; here they can only be read. */
export const charges: Resource = {
  object: 'charge',
  expandable: { customer: 'customer', payment_intent: 'payment_intent' },
  find: (tx, id) => tx.get(chargeTable, id),
  routes: [
    route({
      method: 'GET',
      path: '/v1/charges/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => {
        const row = tx.get(chargeTable, id);
        if (!row) throw noSuchInPath('charge', id);
        return row;
      },
    }),
    route({
      method: 'GET',
      path: '/v1/charges',
      parameters: z.strictObject({ ...listParameters, created: createdFilter, customer: text.optional() }),
      handle: ({ tx, parameters }) =>
        pageOfTable(tx, {
          table: chargeTable,
          index:
            parameters.customer === undefined ? undefined : { name: 'customer', key: parameters.customer },
          parameters,
          where: (row) => isCreatedWithin(row.created, parameters.created),
          render: (row) => row,
          url: '/v1/charges',
        }),
    }),
  ],
};
