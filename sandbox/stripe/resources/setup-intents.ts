import { z } from 'zod';
import { noSuchInPath } from '../api/errors.ts';
import { listParameters, pageOfTable } from '../api/lists.ts';
import { createdFilter, isCreatedWithin, text } from '../api/parameters.ts';
import { type SetupIntent, setupIntentTable } from '../billing/payments/payment-setup.ts';
import {
  cancelSetup,
  confirmWith,
  createSetup,
  updateSetup,
} from '../billing/payments/payment-setup-changes.ts';
import {
  cancelSetupParameters,
  confirmSetupParameters,
  createSetupParameters,
  updateSetupParameters,
} from '../billing/payments/payment-setup-parameters.ts';
import { type Resource, route } from '../resource.ts';
import type { Transaction } from '../state/transaction.ts';

function existing(tx: Transaction, id: string): SetupIntent {
  const intent = tx.get(setupIntentTable, id);
  if (!intent) throw noSuchInPath('setupintent', id, 'intent');
  return intent;
}

/** Saves a payment method for later, without a payment. */
export const setupIntents: Resource = {
  object: 'setup_intent',
  keeps: 'payment method, status, error, what the customer has to do, usage',
  expandable: { customer: 'customer', latest_attempt: 'setup_attempt', payment_method: 'payment_method' },
  find: (tx, id) => tx.get(setupIntentTable, id),
  routes: [
    route({
      method: 'POST',
      path: '/v1/setup_intents',
      parameters: createSetupParameters,
      handle: ({ tx, parameters }) => createSetup(tx, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/setup_intents/:id',
      parameters: z.strictObject({ client_secret: text.optional() }),
      handle: ({ tx, id }) => existing(tx, id),
    }),
    route({
      method: 'POST',
      path: '/v1/setup_intents/:id',
      parameters: updateSetupParameters,
      handle: ({ tx, id, parameters }) => updateSetup(tx, existing(tx, id), parameters),
    }),
    route({
      method: 'POST',
      path: '/v1/setup_intents/:id/confirm',
      parameters: confirmSetupParameters,
      differs: 'a bank account needs no microdeposits',
      handle: ({ tx, id, parameters }) => confirmWith(tx, existing(tx, id), parameters),
    }),
    route({
      method: 'POST',
      path: '/v1/setup_intents/:id/cancel',
      parameters: cancelSetupParameters,
      handle: ({ tx, id, parameters }) => cancelSetup(tx, existing(tx, id), parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/setup_intents',
      parameters: z.strictObject({
        ...listParameters,
        created: createdFilter,
        customer: text.optional(),
        payment_method: text.optional(),
      }),
      handle: ({ tx, parameters }) =>
        pageOfTable(tx, {
          table: setupIntentTable,
          index:
            parameters.customer === undefined ? undefined : { name: 'customer', key: parameters.customer },
          parameters,
          where: (row) =>
            isCreatedWithin(row.created, parameters.created) &&
            (parameters.payment_method === undefined || row.payment_method === parameters.payment_method),
          render: (row) => row,
          url: '/v1/setup_intents',
        }),
    }),
  ],
};
