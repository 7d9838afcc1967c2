import { z } from 'zod';
import { noSuchInPath } from '../api/errors.ts';
import { listParameters, pageOfRows } from '../api/lists.ts';
import { invoiceTable } from '../billing/invoice-state.ts';
import { type Resource, route } from '../resource.ts';

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
      method: 'GET',
      path: '/v1/invoices/:id/lines',
      parameters: z.strictObject(listParameters),
      handle: ({ tx, id, parameters }) => {
        const invoice = tx.get(invoiceTable, id);
        if (!invoice) throw noSuchInPath('invoice', id);
        return pageOfRows(invoice.lines, {
          noun: 'invoice line item',
          parameters,
          render: (line) => line,
          url: `/v1/invoices/${id}/lines`,
        });
      },
    }),
  ],
};
