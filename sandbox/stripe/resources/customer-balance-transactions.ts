import { z } from 'zod';
import { noSuchInPath } from '../api/errors.ts';
import { listParameters, pageOfTable } from '../api/lists.ts';
import {
  clearableText,
  createdFilter,
  integer,
  isCreatedWithin,
  mergeMetadata,
  metadata,
  text,
} from '../api/parameters.ts';
import {
  type BalanceTransaction,
  balanceTransactionTable,
  changeBalance,
  recordSetBalance,
} from '../billing/invoices/invoice-balance.ts';
import { type Resource, route } from '../resource.ts';
import type { Transaction } from '../state/transaction.ts';
import { customerTable } from './customers.ts';

const createParameters = z.strictObject({
  amount: integer,
  currency: text,
  description: clearableText.optional(),
  metadata: metadata.optional(),
});
const listSchema = z.strictObject({ ...listParameters, created: createdFilter, invoice: text.optional() });

function create(
  tx: Transaction,
  customerId: string,
  parameters: z.infer<typeof createParameters>,
): BalanceTransaction {
  const before = tx.get(customerTable, customerId);
  if (!before) throw noSuchInPath('customer', customerId);
  const made = changeBalance(tx, before, {
    amount: parameters.amount,
    currency: parameters.currency.toLowerCase(),
    description: parameters.description ?? null,
    metadata: mergeMetadata({}, parameters.metadata),
    type: 'adjustment',
  });
  tx.emitUpdated('customer.updated', before, tx.get(customerTable, customerId) ?? before);
  return made;
}

function list(tx: Transaction, customer: string, parameters: z.infer<typeof listSchema>): object {
  return pageOfTable(tx, {
    table: balanceTransactionTable,
    index: { name: 'customer', key: customer },
    parameters,
    where: (row) =>
      (parameters.invoice === undefined || row.invoice === parameters.invoice) &&
      isCreatedWithin(row.created, parameters.created),
    render: (row) => row,
    url: `/v1/customers/${customer}/balance_transactions`,
  });
}

/** Both ids of the path, joined by a slash. */
function existing(tx: Transaction, ids: string): BalanceTransaction {
  const [customer, id = ''] = ids.split('/');
  const row = tx.get(balanceTransactionTable, id);
  if (!row || row.customer !== customer) throw noSuchInPath('customer balance transaction', id);
  return row;
}

function recordBalanceOf(tx: Transaction, customer: object): void {
  if ('id' in customer) recordSetBalance(tx, String(customer.id));
}

/** How a customer's balance came to be what it is. */
export const customerBalanceTransactions: Resource = {
  object: 'customer_balance_transaction',
  keeps: 'adjustments, and what invoices used or gave back',
  expandable: { customer: 'customer', invoice: 'invoice' },
  reactions: { 'customer.created': recordBalanceOf, 'customer.updated': recordBalanceOf },
  find: (tx, id) => tx.get(balanceTransactionTable, id),
  routes: [
    route({
      method: 'POST',
      path: '/v1/customers/:id/balance_transactions',
      parameters: createParameters,
      handle: ({ tx, id, parameters }) => create(tx, id, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/customers/:id/balance_transactions',
      parameters: listSchema,
      handle: ({ tx, id, parameters }) => list(tx, id, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/customers/:id/balance_transactions/:transaction',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => existing(tx, id),
    }),
  ],
};
