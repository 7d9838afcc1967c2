import { z } from 'zod';
import { noSuchInPath } from '../api/errors.ts';
import { listParameters, pageOfRows } from '../api/lists.ts';
import {
  addLines,
  addLinesParameters,
  removeLines,
  removeLinesParameters,
  updateLineParameters,
  updateLines,
  updateLinesParameters,
} from '../billing/invoices/invoice-line-changes.ts';
import type { InvoiceLine } from '../billing/invoices/invoice-line-state.ts';
import { type Invoice, invoiceTable, renderInvoice } from '../billing/invoices/invoice-state.ts';
import { type Resource, route } from '../resource.ts';
import type { Transaction } from '../state/transaction.ts';

/** @param ids both of the path, joined by a slash */
function updateLine(
  tx: Transaction,
  ids: string,
  parameters: z.infer<typeof updateLineParameters>,
): InvoiceLine {
  const [id = '', line = ''] = ids.split('/');
  const before = existing(tx, id);
  if (!before.lines.some((one) => one.id === line)) throw noSuchInPath('invoice line item', line);
  const { lines } = updateLines(tx, before, { lines: [{ ...parameters, id: line }] });
  const after = lines.find((one) => one.id === line);
  if (!after) throw new Error(`line ${line} is gone`);
  return after;
}

function existing(tx: Transaction, id: string): Invoice {
  const invoice = tx.get(invoiceTable, id);
  if (!invoice) throw noSuchInPath('invoice', id);
  return invoice;
}

/** What stands on an invoice. */
export const invoiceLines: Resource = {
  object: 'line_item',
  keeps: 'amount, period, price and quantity, where it comes from',
  expandable: {
    'pricing.price_details.price': 'price',
    'pricing.price_details.product': 'product',
    subscription: 'subscription',
  },
  routes: [
    route({
      method: 'POST',
      path: '/v1/invoices/:id/add_lines',
      parameters: addLinesParameters,
      handle: ({ tx, id, parameters }) => renderInvoice(addLines(tx, existing(tx, id), parameters)),
    }),
    route({
      method: 'POST',
      path: '/v1/invoices/:id/update_lines',
      parameters: updateLinesParameters,
      handle: ({ tx, id, parameters }) => renderInvoice(updateLines(tx, existing(tx, id), parameters)),
    }),
    route({
      method: 'POST',
      path: '/v1/invoices/:id/remove_lines',
      parameters: removeLinesParameters,
      handle: ({ tx, id, parameters }) => renderInvoice(removeLines(tx, existing(tx, id), parameters)),
    }),
    route({
      method: 'POST',
      path: '/v1/invoices/:id/lines/:line',
      parameters: updateLineParameters,
      handle: ({ tx, id, parameters }) => updateLine(tx, id, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/invoices/:id/lines',
      parameters: z.strictObject(listParameters),
      handle: ({ tx, id, parameters }) => {
        return pageOfRows(existing(tx, id).lines, {
          noun: 'invoice line item',
          parameters,
          render: (line) => line,
          url: `/v1/invoices/${id}/lines`,
        });
      },
    }),
  ],
};
