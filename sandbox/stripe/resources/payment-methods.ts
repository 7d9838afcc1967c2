import { z } from 'zod';
import { invalidRequest, noSuchInPath } from '../api/errors.ts';
import { type List, listParameters, pageOfTable } from '../api/lists.ts';
import { integer, mergeMetadata, metadata, sent, text } from '../api/parameters.ts';
import { attachPaymentMethod } from '../billing/payments/payment-method-attachment.ts';
import { createPaymentMethod } from '../billing/payments/payment-method-creation.ts';
import { detachPaymentMethod } from '../billing/payments/payment-method-detachment.ts';
import {
  accountChanges,
  allowRedisplay,
  billingDetailsSchema,
  mergeBillingDetails,
  paymentMethodFields,
  paymentMethodFrom,
} from '../billing/payments/payment-method-parameters.ts';
import { type PaymentMethod, paymentMethodTable } from '../billing/payments/payment-method-state.ts';
import { testCardOfToken } from '../billing/payments/payment-test-cards.ts';
import { type Resource, route } from '../resource.ts';
import type { Transaction } from '../state/transaction.ts';
import { customerInParameter, customerTable } from './customers.ts';

const createParameters = z.strictObject({ ...paymentMethodFields, customer: text.optional() });
const updateParameters = z.strictObject({
  allow_redisplay: allowRedisplay.optional(),
  billing_details: billingDetailsSchema.optional(),
  card: z.strictObject({ exp_month: integer.optional(), exp_year: integer.optional() }).optional(),
  metadata: metadata.optional(),
  us_bank_account: z.strictObject(accountChanges).optional(),
});
const filters = {
  ...listParameters,
  allow_redisplay: allowRedisplay.optional(),
  type: z.enum(['card', 'us_bank_account']).optional(),
};

function create(tx: Transaction, parameters: z.infer<typeof createParameters>): PaymentMethod {
  const { customer, ...data } = parameters;
  if (customer === undefined) return paymentMethodFrom(tx, data);
  const message =
    'You cannot attach a PaymentMethod to a Customer during PaymentMethod creation. Please instead create the PaymentMethod and then attach it using the attachment method of the PaymentMethods API.';
  throw invalidRequest({ message });
}

function update(tx: Transaction, id: string, parameters: z.infer<typeof updateParameters>): PaymentMethod {
  const before = existing(tx, id);
  if (before.customer === null) {
    const message = 'You must save this PaymentMethod to a customer before you can update it.';
    throw invalidRequest({ message });
  }
  const common = {
    allow_redisplay: parameters.allow_redisplay ?? before.allow_redisplay,
    billing_details: mergeBillingDetails(before.billing_details, parameters.billing_details),
    metadata: mergeMetadata(before.metadata, parameters.metadata),
  };
  const after: PaymentMethod =
    before.type === 'card'
      ? { ...before, ...common, card: { ...before.card, ...sent(parameters.card ?? {}) } }
      : {
          ...before,
          ...common,
          us_bank_account: { ...before.us_bank_account, ...sent(parameters.us_bank_account ?? {}) },
        };
  tx.put(paymentMethodTable, after);
  tx.emitUpdated('payment_method.updated', before, after);
  return after;
}

function attach(tx: Transaction, id: string, customer: string | undefined): PaymentMethod {
  const testCard = testCardOfToken(id);
  const method = testCard ? createPaymentMethod(tx, { testCard }) : existing(tx, id);
  if (customer === undefined) {
    const message = 'Must provide customer or customer_account.';
    throw invalidRequest({ code: 'parameter_missing', message });
  }
  return attachPaymentMethod(tx, method, customerInParameter(tx, customer, 'customer').id);
}

function listOf(
  tx: Transaction,
  parameters: z.infer<z.ZodObject<typeof filters>>,
  list: { customer: string; url: string },
): List {
  return pageOfTable(tx, {
    table: paymentMethodTable,
    index: { name: 'customer', key: list.customer },
    parameters,
    where: (row) =>
      (parameters.type === undefined || row.type === parameters.type) &&
      (parameters.allow_redisplay === undefined || row.allow_redisplay === parameters.allow_redisplay),
    render: (row) => row,
    url: list.url,
  });
}

function existing(tx: Transaction, id: string): PaymentMethod {
  const method = tx.get(paymentMethodTable, id);
  if (!method) throw noSuchInPath('PaymentMethod', id, 'payment_method');
  return method;
}

/** A card or bank account; the test tokens are in `billing/payments/payment-test-cards.ts`. */
export const paymentMethods: Resource = {
  object: 'payment_method',
  keeps: 'card or bank account, billing details, customer, whether it is set up or used up',
  expandable: { customer: 'customer' },
  find: (tx, id) => tx.get(paymentMethodTable, id),
  routes: [
    route({
      method: 'POST',
      path: '/v1/payment_methods',
      parameters: createParameters,
      differs: 'test card numbers are taken from every account',
      handle: ({ tx, parameters }) => create(tx, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/payment_methods/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => existing(tx, id),
    }),
    route({
      method: 'POST',
      path: '/v1/payment_methods/:id',
      parameters: updateParameters,
      handle: ({ tx, id, parameters }) => update(tx, id, parameters),
    }),
    route({
      method: 'POST',
      path: '/v1/payment_methods/:id/attach',
      parameters: z.strictObject({ customer: text.optional() }),
      handle: ({ tx, id, parameters }) => attach(tx, id, parameters.customer),
    }),
    route({
      method: 'POST',
      path: '/v1/payment_methods/:id/detach',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => detachPaymentMethod(tx, existing(tx, id)),
    }),
    route({
      method: 'GET',
      path: '/v1/payment_methods',
      // Without a customer the list is empty, as Stripe's is.
      parameters: z.strictObject({ ...filters, customer: text.optional() }),
      handle: ({ tx, parameters: { customer, ...parameters } }) =>
        listOf(tx, parameters, {
          customer: customer === undefined ? '' : customerInParameter(tx, customer, 'customer').id,
          url: '/v1/payment_methods',
        }),
    }),
    route({
      method: 'GET',
      path: '/v1/customers/:id/payment_methods',
      parameters: z.strictObject(filters),
      handle: ({ tx, id, parameters }) => {
        if (!tx.get(customerTable, id)) throw noSuchInPath('customer', id);
        return listOf(tx, parameters, { customer: id, url: `/v1/customers/${id}/payment_methods` });
      },
    }),
    route({
      method: 'GET',
      path: '/v1/customers/:id/payment_methods/:payment_method',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => {
        const [customer = '', paymentMethod = ''] = id.split('/');
        const method = tx.get(paymentMethodTable, paymentMethod);
        if (method?.customer === customer) return method;
        throw noSuchInPath('PaymentMethod', paymentMethod, 'customer');
      },
    }),
  ],
};
