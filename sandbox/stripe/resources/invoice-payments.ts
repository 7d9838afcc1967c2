import { z } from 'zod';
import { noSuchInPath } from '../api/errors.ts';
import { listParameters, pageOfTable } from '../api/lists.ts';
import { createdFilter, isCreatedWithin, text } from '../api/parameters.ts';
import { invoicePaymentTable } from '../billing/payments/payments.ts';
import { type Resource, route } from '../resource.ts';

const listSchema = z.strictObject({
  ...listParameters,
  created: createdFilter,
  invoice: text.optional(),
  payment: z.strictObject({ type: z.enum(['payment_intent']), payment_intent: text }).optional(),
  status: z.enum(['open', 'paid', 'canceled']).optional(),
});

/** The way from a payment intent to its invoice and back. */
export const invoicePayments: Resource = {
  object: 'invoice_payment',
  keeps: 'amount, status, what pays it',
  expandable: { invoice: 'invoice', 'payment.payment_intent': 'payment_intent' },
  find: (tx, id) => tx.get(invoicePaymentTable, id),
  routes: [
    route({
      method: 'GET',
      path: '/v1/invoice_payments/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => {
        const row = tx.get(invoicePaymentTable, id);
        if (!row) throw noSuchInPath('invoice_payment', id);
        return row;
      },
    }),
    route({
      method: 'GET',
      path: '/v1/invoice_payments',
      parameters: listSchema,
      handle: ({ tx, parameters }) => {
        const { invoice, payment } = parameters;
        const byIntent = payment && { name: 'payment_intent', key: payment.payment_intent };
        return pageOfTable(tx, {
          table: invoicePaymentTable,
          index: invoice === undefined ? byIntent : { name: 'invoice', key: invoice },
          parameters,
          where: (row) =>
            isCreatedWithin(row.created, parameters.created) &&
            (parameters.status === undefined || row.status === parameters.status) &&
            (payment === undefined || row.payment.payment_intent === payment.payment_intent),
          render: (row) => row,
          url: '/v1/invoice_payments',
        });
      },
    }),
  ],
};
