import { z } from 'zod';
import { invalidRequest, noSuchInParameter, noSuchInPath } from '../api/errors.ts';
import { pageOfTable } from '../api/lists.ts';
import { boolean, isCreatedWithin } from '../api/parameters.ts';
import { searchRoute } from '../api/search/search.ts';
import { deleteInvoice, updateInvoice } from '../billing/invoices/invoice-changes.ts';
import { createInvoice } from '../billing/invoices/invoice-creation.ts';
import { finalizeInvoice, isSentAtOnce } from '../billing/invoices/invoice-finalization.ts';
import {
  createInvoiceParameters,
  type ListInvoices,
  listInvoicesParameters,
  payInvoiceParameters,
  updateInvoiceParameters,
} from '../billing/invoices/invoice-parameters.ts';
import { confirmationSecret, paymentsOf } from '../billing/invoices/invoice-payment-intent.ts';
import { payInvoice } from '../billing/invoices/invoice-payment-request.ts';
import { previewInvoice } from '../billing/invoices/invoice-preview.ts';
import { previewParameters } from '../billing/invoices/invoice-preview-parameters.ts';
import { advanceInvoice, finalizeAndCollect, leaveInvoicesOf } from '../billing/invoices/invoice-schedule.ts';
import { markUncollectible, voidInvoice } from '../billing/invoices/invoice-settlement.ts';
import {
  type Invoice,
  invoiceTable,
  renderInvoice,
  subscriptionIdOf,
} from '../billing/invoices/invoice-state.ts';
import { type Resource, route } from '../resource.ts';
import { dueWork } from '../state/due-work.ts';
import type { Transaction } from '../state/transaction.ts';
import { customerInParameter, isKnownCustomer } from './customers.ts';

function list(tx: Transaction, parameters: ListInvoices): object {
  const { collection_method: method, customer, due_date: dueDate, status, subscription } = parameters;
  if (customer !== undefined && !isKnownCustomer(tx, customer)) {
    throw noSuchInParameter('customer', customer, 'customer');
  }
  const bySubscription = subscription === undefined ? undefined : { name: 'subscription', key: subscription };
  const byCustomer = customer === undefined ? undefined : { name: 'customer', key: customer };
  const isListed = (row: Invoice): boolean =>
    (customer === undefined || row.customer === customer) &&
    (subscription === undefined || subscriptionIdOf(row) === subscription) &&
    (status === undefined || row.status === status) &&
    (method === undefined || row.collection_method === method) &&
    (dueDate === undefined || (row.due_date !== null && isCreatedWithin(row.due_date, dueDate))) &&
    // Objects on a test clock are shown only to those who ask for what is theirs.
    (row.test_clock === null || customer !== undefined || subscription !== undefined) &&
    isCreatedWithin(row.created, parameters.created);
  return pageOfTable(tx, {
    table: invoiceTable,
    index: bySubscription ?? byCustomer,
    parameters,
    where: isListed,
    render: renderInvoice,
    url: '/v1/invoices',
  });
}

function finalize(tx: Transaction, id: string, autoAdvance: boolean | undefined): Invoice {
  const draft = deliverable(tx, id);
  if (draft.status !== 'draft') {
    const message = "This invoice is already finalized, you can't re-finalize a non-draft invoice.";
    throw invalidRequest({ code: 'invoice_not_editable', message });
  }
  return finalizeAndCollect(tx, { ...draft, auto_advance: autoAdvance ?? draft.auto_advance });
}

function send(tx: Transaction, id: string): Invoice {
  const invoice = deliverable(tx, id);
  if (invoice.collection_method !== 'send_invoice') {
    const message = "You can only manually send an invoice if its collection method is 'send_invoice'.";
    throw invalidRequest({ message });
  }
  if (invoice.status === 'void') throw notPossible(invoice, 'send');
  const open = invoice.status === 'draft' ? finalizeInvoice(tx, invoice) : invoice;
  // It is mailed once, also where finalization does that by itself.
  if (invoice.status !== 'draft' || !isSentAtOnce(invoice)) tx.emit('invoice.sent', renderInvoice(open));
  return open;
}

function makeVoid(tx: Transaction, id: string): Invoice {
  const invoice = existing(tx, id);
  if (invoice.status !== 'open' && invoice.status !== 'uncollectible') throw notPossible(invoice, 'void');
  return voidInvoice(tx, invoice);
}

function forgive(tx: Transaction, id: string): Invoice {
  const invoice = existing(tx, id);
  if (invoice.status !== 'open') throw notPossible(invoice, 'mark as uncollectible');
  return markUncollectible(tx, invoice, 'user_forgiven');
}

function notPossible(invoice: Invoice, action: string): Error {
  const message = `You can't ${action} an invoice whose status is ${invoice.status}.`;
  return invalidRequest({ code: 'invoice_not_editable', message });
}

/** An invoice whose customer is still there to get it. @throws StripeError 404, or 400 when the customer is deleted */
function deliverable(tx: Transaction, id: string): Invoice {
  const invoice = existing(tx, id);
  customerInParameter(tx, invoice.customer, 'customer');
  return invoice;
}

function existing(tx: Transaction, id: string): Invoice {
  const invoice = tx.get(invoiceTable, id);
  if (!invoice) throw noSuchInPath('invoice', id);
  return invoice;
}

const none = z.strictObject({});
const path = '/v1/invoices/:id';

/** What customers owe. */
export const invoices: Resource = {
  object: 'invoice',
  keeps: 'lines, sums, status, what pays it, attempts and their schedule, due date, customer balance',
  expandable: {
    confirmation_secret: confirmationSecret,
    customer: 'customer',
    default_payment_method: 'payment_method',
    'lines.data.subscription': 'subscription',
    'parent.subscription_details.subscription': 'subscription',
    payments: paymentsOf,
    test_clock: 'test_helpers.test_clock',
  },
  find: (tx, id) => {
    const row = tx.get(invoiceTable, id);
    return row && renderInvoice(row);
  },
  reactions: {
    'customer.deleted': (tx, customer) => {
      if ('id' in customer) leaveInvoicesOf(tx, String(customer.id));
    },
  },
  due: dueWork(invoiceTable, advanceInvoice),
  routes: [
    searchRoute({ of: 'invoices', table: invoiceTable, render: (_tx, row) => renderInvoice(row) }),
    route({
      method: 'POST',
      path: '/v1/invoices',
      parameters: createInvoiceParameters,
      handle: ({ tx, parameters }) => renderInvoice(createInvoice(tx, parameters)),
    }),
    route({
      method: 'POST',
      path: '/v1/invoices/create_preview',
      parameters: previewParameters,
      handle: ({ tx, parameters }) => previewInvoice(tx, parameters),
    }),
    route({
      method: 'GET',
      path,
      parameters: none,
      handle: ({ tx, id }) => renderInvoice(existing(tx, id)),
    }),
    route({
      method: 'POST',
      path,
      parameters: updateInvoiceParameters,
      handle: ({ tx, id, parameters }) => renderInvoice(updateInvoice(tx, existing(tx, id), parameters)),
    }),
    route({
      method: 'DELETE',
      path,
      parameters: none,
      handle: ({ tx, id }) => deleteInvoice(tx, existing(tx, id)),
    }),
    route({
      method: 'GET',
      path: '/v1/invoices',
      parameters: listInvoicesParameters,
      handle: ({ tx, parameters }) => list(tx, parameters),
    }),
    route({
      method: 'POST',
      path: `${path}/finalize`,
      parameters: z.strictObject({ auto_advance: boolean.optional() }),
      handle: ({ tx, id, parameters }) => renderInvoice(finalize(tx, id, parameters.auto_advance)),
    }),
    route({
      method: 'POST',
      path: `${path}/pay`,
      parameters: payInvoiceParameters,
      handle: ({ tx, id, parameters }) => renderInvoice(payInvoice(tx, deliverable(tx, id), parameters)),
    }),
    route({
      method: 'POST',
      path: `${path}/send`,
      parameters: none,
      handle: ({ tx, id }) => renderInvoice(send(tx, id)),
    }),
    route({
      method: 'POST',
      path: `${path}/void`,
      parameters: none,
      handle: ({ tx, id }) => renderInvoice(makeVoid(tx, id)),
    }),
    route({
      method: 'POST',
      path: `${path}/mark_uncollectible`,
      parameters: none,
      handle: ({ tx, id }) => renderInvoice(forgive(tx, id)),
    }),
  ],
};
