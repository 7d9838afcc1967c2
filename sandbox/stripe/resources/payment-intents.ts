import { z } from 'zod';
import { noSuchInPath } from '../api/errors.ts';
import { listParameters, pageOfTable } from '../api/lists.ts';
import { createdFilter, isCreatedWithin, text } from '../api/parameters.ts';
import { paymentIntentTable } from '../billing/payments.ts';
import { type Resource, route } from '../resource.ts';

/** Made by the payment of invoices and Checkout sessions; here they can only be read. */
export const paymentIntents: Resource = {
  object: 'payment_intent',
  expandable: { customer: 'customer', latest_charge: 'charge', payment_method: 'payment_method' },
  find: (tx, id) => tx.get(paymentIntentTable, id),
  routes: [
    route({
      method: 'GET',
      path: '/v1/payment_intents/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => {
        const row = tx.get(paymentIntentTable, id);
        if (!row) throw noSuchInPath('payment_intent', id);
        return row;
      },
    }),
    route({
      method: 'GET',
      path: '/v1/payment_intents',
      parameters: z.strictObject({ ...listParameters, created: createdFilter, customer: text.optional() }),
      handle: ({ tx, parameters }) =>
        pageOfTable(tx, {
          table: paymentIntentTable,
          index:
            parameters.customer === undefined ? undefined : { name: 'customer', key: parameters.customer },
          parameters,
          where: (row) => isCreatedWithin(row.created, parameters.created),
          render: (row) => row,
          url: '/v1/payment_intents',
        }),
    }),
  ],
};
