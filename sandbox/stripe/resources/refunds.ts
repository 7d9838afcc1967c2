import { z } from 'zod';
import { invalidRequest, noSuchInParameter, noSuchInPath } from '../api/errors.ts';
import { listParameters, pageOfTable } from '../api/lists.ts';
import { createdFilter, integer, isCreatedWithin, mergeMetadata, metadata, text } from '../api/parameters.ts';
import { type Charge, chargeTable } from '../billing/payments/charge-state.ts';
import { paymentIntentTable } from '../billing/payments/payments.ts';
import { changeRefund, type Refund, refundCharge, refundTable } from '../billing/payments/refund-creation.ts';
import { type Resource, route } from '../resource.ts';
import type { Transaction } from '../state/transaction.ts';

const createParameters = z.strictObject({
  amount: integer
    .refine((value) => value >= 1, { error: 'This value must be greater than or equal to 1.' })
    .optional(),
  charge: text.optional(),
  metadata: metadata.optional(),
  payment_intent: text.optional(),
  reason: z.enum(['duplicate', 'fraudulent', 'requested_by_customer']).optional(),
});

function create(tx: Transaction, parameters: z.infer<typeof createParameters>): Refund {
  const { amount, reason } = parameters;
  return refundCharge(tx, chargeOf(tx, parameters), {
    amount,
    reason,
    metadata: mergeMetadata({}, parameters.metadata),
  });
}

function chargeOf(tx: Transaction, parameters: z.infer<typeof createParameters>): Charge {
  const { charge: id, payment_intent: intentId } = parameters;
  if (id === undefined && intentId === undefined) {
    const message =
      'One of the following params should be provided for this request: payment_intent or charge.';
    throw invalidRequest({ code: 'parameter_missing', message });
  }
  if (id !== undefined) {
    const charge = tx.get(chargeTable, id);
    if (charge) return charge;
    throw noSuchInParameter('charge', id, 'charge');
  }
  const intent = tx.get(paymentIntentTable, intentId ?? '');
  if (!intent) throw noSuchInParameter('payment_intent', intentId ?? '', 'payment_intent');
  const charge = intent.latest_charge === null ? undefined : tx.get(chargeTable, intent.latest_charge);
  if (charge) return charge;
  const message = `This PaymentIntent (${intent.id}) does not have a successful charge to refund.`;
  throw invalidRequest({ code: 'payment_intent_unexpected_state', param: 'payment_intent', message });
}

function existing(tx: Transaction, id: string): Refund {
  const refund = tx.get(refundTable, id);
  if (!refund) throw noSuchInPath('refund', id, 'refund');
  return refund;
}

/** Money given back. None of the kinds that can be made here may be canceled, so there is no endpoint for it. */
export const refunds: Resource = {
  object: 'refund',
  keeps: 'amount, charge, reason, the bank’s reference',
  expandable: {
    charge: 'charge',
    customer: 'customer',
    payment_intent: 'payment_intent',
    payment_method: 'payment_method',
  },
  find: (tx, id) => tx.get(refundTable, id),
  routes: [
    route({
      method: 'POST',
      path: '/v1/refunds',
      parameters: createParameters,
      differs: 'succeeds at once',
      handle: ({ tx, parameters }) => create(tx, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/refunds/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => existing(tx, id),
    }),
    route({
      method: 'POST',
      path: '/v1/refunds/:id',
      parameters: z.strictObject({ metadata: metadata.optional() }),
      handle: ({ tx, id, parameters }) => {
        const before = existing(tx, id);
        return changeRefund(tx, before, { metadata: mergeMetadata(before.metadata, parameters.metadata) });
      },
    }),
    route({
      method: 'GET',
      path: '/v1/refunds',
      parameters: z.strictObject({
        ...listParameters,
        charge: text.optional(),
        created: createdFilter,
        payment_intent: text.optional(),
      }),
      handle: ({ tx, parameters }) => {
        const { charge, payment_intent: intent } = parameters;
        const byCharge = charge === undefined ? undefined : { name: 'charge', key: charge };
        const byIntent = intent === undefined ? undefined : { name: 'payment_intent', key: intent };
        return pageOfTable(tx, {
          table: refundTable,
          index: byCharge ?? byIntent,
          parameters,
          where: (row) =>
            isCreatedWithin(row.created, parameters.created) &&
            (intent === undefined || row.payment_intent === intent),
          render: (row) => row,
          url: '/v1/refunds',
        });
      },
    }),
  ],
};
