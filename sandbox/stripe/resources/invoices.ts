import { z } from 'zod';
import { invalidRequest, noSuchInPath } from '../api/errors.ts';
import { listParameters, pageOfRows, pageOfTable } from '../api/lists.ts';
import { boolean, createdFilter, isCreatedWithin, text } from '../api/parameters.ts';
import { searchRoute } from '../api/search.ts';
import { payInvoice } from '../billing/invoice-payment.ts';
import { voidInvoice } from '../billing/invoice-settlement.ts';
import { type Invoice, invoiceTable, renderInvoice, subscriptionIdOf } from '../billing/invoice-state.ts';
import { invoicePaymentTable } from '../billing/payments.ts';
import { subscriptionTable, updateSubscription } from '../billing/subscription-state.ts';
import { type Resource, route } from '../resource.ts';
import type { Transaction } from '../state/transaction.ts';

const listSchema = z.strictObject({
  ...listParameters,
  collection_method: z.enum(['charge_automatically', 'send_invoice']).optional(),
  created: createdFilter,
  customer: text.optional(),
  status: z.enum(['draft', 'open', 'paid', 'uncollectible', 'void']).optional(),
  subscription: text.optional(),
});
const payParameters = z.strictObject({
  forgive: boolean.optional(),
  off_session: boolean.optional(),
  paid_out_of_band: boolean.optional(),
  payment_method: text.optional(),
});

function list(tx: Transaction, parameters: z.infer<typeof listSchema>): object {
  const { customer, subscription } = parameters;
  const bySubscription = subscription === undefined ? undefined : { name: 'subscription', key: subscription };
  const byCustomer = customer === undefined ? undefined : { name: 'customer', key: customer };
  return pageOfTable(tx, {
    table: invoiceTable,
    index: bySubscription ?? byCustomer,
    parameters,
    where: (row) =>
      (customer === undefined || row.customer === customer) &&
      (parameters.status === undefined || row.status === parameters.status) &&
      (parameters.collection_method === undefined ||
        row.collection_method === parameters.collection_method) &&
      isCreatedWithin(row.created, parameters.created),
    render: renderInvoice,
    url: '/v1/invoices',
  });
}

function pay(tx: Transaction, id: string): object {
  const invoice = existing(tx, id);
  if (invoice.status === 'paid') throw invalidRequest({ message: 'Invoice is already paid' });
  if (invoice.status !== 'open' && invoice.status !== 'uncollectible') throw notPossible(invoice, 'pay');
  const paid = payInvoice(tx, invoice);
  activate(tx, paid);
  return renderInvoice(paid);
}

/** The latest invoice is paid: what waited for it or fell behind is active. */
function activate(tx: Transaction, invoice: Invoice): void {
  const id = subscriptionIdOf(invoice);
  const subscription = id === null ? undefined : tx.get(subscriptionTable, id);
  if (subscription?.latest_invoice !== invoice.id) return;
  if (!['incomplete', 'past_due', 'unpaid'].includes(subscription.status)) return;
  updateSubscription(tx, subscription, { status: 'active' });
}

function makeVoid(tx: Transaction, id: string): object {
  const invoice = existing(tx, id);
  if (invoice.status !== 'open' && invoice.status !== 'uncollectible') throw notPossible(invoice, 'void');
  return renderInvoice(voidInvoice(tx, invoice));
}

function notPossible(invoice: Invoice, action: string): Error {
  const message = `You can't ${action} an invoice whose status is ${invoice.status}.`;
  return invalidRequest({ code: 'invoice_not_editable', message });
}

function existing(tx: Transaction, id: string): Invoice {
  const invoice = tx.get(invoiceTable, id);
  if (!invoice) throw noSuchInPath('invoice', id);
  return invoice;
}

export const invoices: Resource = {
  object: 'invoice',
  expandable: {
    customer: 'customer',
    default_payment_method: 'payment_method',
    'parent.subscription_details.subscription': 'subscription',
    payments: (tx, id) => ({
      object: 'list',
      data: [...tx.table(invoicePaymentTable).newestFirst({ index: { name: 'invoice', key: id } })],
      has_more: false,
      url: `/v1/invoice_payments?invoice=${id}`,
    }),
  },
  find: (tx, id) => {
    const row = tx.get(invoiceTable, id);
    return row && renderInvoice(row);
  },
  routes: [
    searchRoute({ of: 'invoices', table: invoiceTable, render: (_tx, row) => renderInvoice(row) }),
    route({
      method: 'GET',
      path: '/v1/invoices/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => renderInvoice(existing(tx, id)),
    }),
    route({
      method: 'GET',
      path: '/v1/invoices',
      parameters: listSchema,
      handle: ({ tx, parameters }) => list(tx, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/invoices/:id/lines',
      parameters: z.strictObject(listParameters),
      handle: ({ tx, id, parameters }) =>
        pageOfRows(existing(tx, id).lines, {
          noun: 'invoice line item',
          parameters,
          render: (line) => line,
          url: `/v1/invoices/${id}/lines`,
        }),
    }),
    route({
      method: 'POST',
      path: '/v1/invoices/:id/pay',
      parameters: payParameters,
      handle: ({ tx, id }) => pay(tx, id),
    }),
    route({
      method: 'POST',
      path: '/v1/invoices/:id/void',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => makeVoid(tx, id),
    }),
  ],
};
