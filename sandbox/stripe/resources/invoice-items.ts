import { z } from 'zod';
import { noSuchInParameter, noSuchInPath } from '../api/errors.ts';
import { listParameters, pageOfTable } from '../api/lists.ts';
import { boolean, createdFilter, isCreatedWithin, text } from '../api/parameters.ts';
import { createItem, deleteItem, updateItem } from '../billing/invoices/invoice-item-changes.ts';
import { createItemParameters, updateItemParameters } from '../billing/invoices/invoice-item-parameters.ts';
import {
  type InvoiceItem,
  invoiceItemTable,
  renderInvoiceItem,
} from '../billing/invoices/invoice-item-state.ts';
import { type Resource, route } from '../resource.ts';
import type { Transaction } from '../state/transaction.ts';
import { isKnownCustomer } from './customers.ts';

const listSchema = z.strictObject({
  ...listParameters,
  created: createdFilter,
  customer: text.optional(),
  invoice: text.optional(),
  pending: boolean.optional(),
});

function list(tx: Transaction, parameters: z.infer<typeof listSchema>): object {
  const { customer, invoice, pending } = parameters;
  if (customer !== undefined && !isKnownCustomer(tx, customer)) {
    throw noSuchInParameter('customer', customer, 'customer');
  }
  const byInvoice = invoice === undefined ? undefined : { name: 'invoice', key: invoice };
  const byCustomer = customer === undefined ? undefined : { name: 'customer', key: customer };
  return pageOfTable(tx, {
    table: invoiceItemTable,
    index: byInvoice ?? byCustomer,
    parameters,
    where: (row) =>
      (customer === undefined || row.customer === customer) &&
      (pending === undefined || pending === (row.invoice === null)) &&
      isCreatedWithin(row.date, parameters.created),
    render: renderInvoiceItem,
    url: '/v1/invoiceitems',
  });
}

function existing(tx: Transaction, id: string): InvoiceItem {
  const item = tx.get(invoiceItemTable, id);
  if (!item) throw noSuchInPath('invoiceitem', id);
  return item;
}

/** What is to be billed with the next invoice. */
export const invoiceItems: Resource = {
  object: 'invoiceitem',
  keeps: 'amount, price and quantity, proration and what it credits, invoice',
  expandable: {
    customer: 'customer',
    invoice: 'invoice',
    'pricing.price_details.price': 'price',
    test_clock: 'test_helpers.test_clock',
  },
  find: (tx, id) => {
    const row = tx.get(invoiceItemTable, id);
    return row && renderInvoiceItem(row);
  },
  routes: [
    route({
      method: 'POST',
      path: '/v1/invoiceitems',
      parameters: createItemParameters,
      handle: ({ tx, parameters }) => renderInvoiceItem(createItem(tx, parameters)),
    }),
    route({
      method: 'GET',
      path: '/v1/invoiceitems/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => renderInvoiceItem(existing(tx, id)),
    }),
    route({
      method: 'POST',
      path: '/v1/invoiceitems/:id',
      parameters: updateItemParameters,
      handle: ({ tx, id, parameters }) => renderInvoiceItem(updateItem(tx, existing(tx, id), parameters)),
    }),
    route({
      method: 'DELETE',
      path: '/v1/invoiceitems/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => deleteItem(tx, existing(tx, id)),
    }),
    route({
      method: 'GET',
      path: '/v1/invoiceitems',
      parameters: listSchema,
      handle: ({ tx, parameters }) => list(tx, parameters),
    }),
  ],
};
