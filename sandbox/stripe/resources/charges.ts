import { z } from 'zod';
import { noSuchInPath } from '../api/errors.ts';
import { embeddedList, type List, listParameters, pageOfTable } from '../api/lists.ts';
import {
  clearableText,
  createdFilter,
  isCreatedWithin,
  mergeMetadata,
  metadata,
  sent,
  text,
} from '../api/parameters.ts';
import { searchRoute } from '../api/search/search.ts';
import { type Charge, chargeTable } from '../billing/payments/charge-state.ts';
import { refundTable } from '../billing/payments/refund-creation.ts';
import { type Resource, route } from '../resource.ts';
import type { Transaction } from '../state/transaction.ts';

const updateParameters = z.strictObject({
  description: clearableText.optional(),
  metadata: metadata.optional(),
  receipt_email: clearableText.optional(),
});

function update(tx: Transaction, id: string, parameters: z.infer<typeof updateParameters>): Charge {
  const before = existing(tx, id);
  const { metadata: change, ...changes } = parameters;
  const after = tx.put(chargeTable, {
    ...before,
    ...sent(changes),
    metadata: mergeMetadata(before.metadata, change),
  });
  tx.emitUpdated('charge.updated', before, after);
  return after;
}

function existing(tx: Transaction, id: string): Charge {
  const charge = tx.get(chargeTable, id);
  if (!charge) throw noSuchInPath('charge', id);
  return charge;
}

function refundsOf(tx: Transaction, id: string): List {
  const rows = [...tx.table(refundTable).newestFirst({ index: { name: 'charge', key: id } })];
  return embeddedList(rows, `/v1/charges/${id}/refunds`);
}

/** One try at the bank; only payment intents make them. */
export const charges: Resource = {
  object: 'charge',
  keeps: 'amounts, outcome, card or bank account, refunds, dispute; no balance transactions',
  expandable: { customer: 'customer', payment_intent: 'payment_intent', refunds: refundsOf },
  find: (tx, id) => tx.get(chargeTable, id),
  routes: [
    searchRoute({ of: 'charges', table: chargeTable, render: (_tx, row) => row }),
    route({
      method: 'GET',
      path: '/v1/charges/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => existing(tx, id),
    }),
    route({
      method: 'POST',
      path: '/v1/charges/:id',
      parameters: updateParameters,
      handle: ({ tx, id, parameters }) => update(tx, id, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/charges/:id/refunds',
      parameters: z.strictObject(listParameters),
      handle: ({ tx, id, parameters }) =>
        pageOfTable(tx, {
          table: refundTable,
          index: { name: 'charge', key: existing(tx, id).id },
          parameters,
          render: (row) => row,
          url: `/v1/charges/${id}/refunds`,
        }),
    }),
    route({
      method: 'GET',
      path: '/v1/charges',
      parameters: z.strictObject({
        ...listParameters,
        created: createdFilter,
        customer: text.optional(),
        payment_intent: text.optional(),
      }),
      handle: ({ tx, parameters }) => {
        const { customer, payment_intent: intent } = parameters;
        const byIntent = intent === undefined ? undefined : { name: 'payment_intent', key: intent };
        const byCustomer = customer === undefined ? undefined : { name: 'customer', key: customer };
        return pageOfTable(tx, {
          table: chargeTable,
          index: byIntent ?? byCustomer,
          parameters,
          where: (row) =>
            isCreatedWithin(row.created, parameters.created) &&
            (customer === undefined || row.customer === customer),
          render: (row) => row,
          url: '/v1/charges',
        });
      },
    }),
  ],
};
