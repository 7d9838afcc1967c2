import { z } from 'zod';
import { invalidRequest, noSuchInPath } from '../api/errors.ts';
import { listParameters, pageOfTable } from '../api/lists.ts';
import { createdFilter, isCreatedWithin, mergeMetadata, sent, text } from '../api/parameters.ts';
import { searchRoute } from '../api/search/search.ts';
import { cancelableStatuses, cancelPaymentIntent } from '../billing/payments/payment-attempt.ts';
import { concludeCapture } from '../billing/payments/payment-conclusion.ts';
import {
  captureIntent,
  changesOf,
  createIntent,
  updateIntent,
} from '../billing/payments/payment-intent-changes.ts';
import { confirmIntent } from '../billing/payments/payment-intent-confirmation.ts';
import {
  type ConfirmIntent,
  captureIntentParameters,
  confirmIntentParameters,
  createIntentParameters,
  updateIntentParameters,
} from '../billing/payments/payment-intent-parameters.ts';
import { type PaymentIntent, paymentIntentTable } from '../billing/payments/payments.ts';
import { type Resource, route } from '../resource.ts';
import type { Transaction } from '../state/transaction.ts';

const cancelParameters = z.strictObject({
  cancellation_reason: z.enum(['abandoned', 'duplicate', 'fraudulent', 'requested_by_customer']).optional(),
});

function confirm(tx: Transaction, id: string, parameters: ConfirmIntent): PaymentIntent {
  const { error_on_requires_action, off_session, return_url, ...rest } = parameters;
  const { payment_method, payment_method_data, ...changes } = rest;
  const before = existing(tx, id);
  const intent = tx.put(paymentIntentTable, { ...before, ...changesOf(tx, before, changes) });
  return confirmIntent(tx, intent, {
    error_on_requires_action,
    off_session,
    payment_method,
    payment_method_data,
    return_url,
  });
}

function capture(
  tx: Transaction,
  id: string,
  parameters: z.infer<typeof captureIntentParameters>,
): PaymentIntent {
  const before = existing(tx, id);
  const { statement_descriptor, statement_descriptor_suffix } = parameters;
  const intent = tx.put(paymentIntentTable, {
    ...before,
    ...sent({ statement_descriptor, statement_descriptor_suffix }),
    metadata: mergeMetadata(before.metadata, parameters.metadata),
  });
  const outcome = captureIntent(tx, intent, parameters.amount_to_capture);
  concludeCapture(tx, outcome);
  return outcome.intent;
}

function cancel(
  tx: Transaction,
  id: string,
  { cancellation_reason: reason }: z.infer<typeof cancelParameters>,
): PaymentIntent {
  const intent = existing(tx, id);
  if (cancelableStatuses.has(intent.status)) return cancelPaymentIntent(tx, intent, reason ?? null);
  throw invalidRequest({
    code: 'payment_intent_unexpected_state',
    message: `You cannot cancel this PaymentIntent because it has a status of ${intent.status}. Only a PaymentIntent with one of the following statuses may be canceled: ${[...cancelableStatuses].join(', ')}.`,
    payment_intent: intent,
  });
}

function retrieve(tx: Transaction, id: string, clientSecret: string | undefined): PaymentIntent {
  const intent = existing(tx, id);
  if (clientSecret === undefined || clientSecret === intent.client_secret) return intent;
  const message =
    'The client_secret provided does not match the client_secret associated with the PaymentIntent.';
  throw invalidRequest({ code: 'payment_intent_invalid_parameter', param: 'client_secret', message });
}

function existing(tx: Transaction, id: string): PaymentIntent {
  const intent = tx.get(paymentIntentTable, id);
  if (!intent) throw noSuchInPath('payment_intent', id, 'intent');
  return intent;
}

/** One payment, however many attempts it takes. */
export const paymentIntents: Resource = {
  object: 'payment_intent',
  keeps: 'amounts, status, payment method, charges, error, what the customer has to do',
  expandable: { customer: 'customer', latest_charge: 'charge', payment_method: 'payment_method' },
  find: (tx, id) => tx.get(paymentIntentTable, id),
  routes: [
    searchRoute({ of: 'payment_intents', table: paymentIntentTable, render: (_tx, row) => row }),
    route({
      method: 'POST',
      path: '/v1/payment_intents',
      parameters: createIntentParameters,
      differs: 'no minimum amount',
      handle: ({ tx, parameters }) => createIntent(tx, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/payment_intents/:id',
      parameters: z.strictObject({ client_secret: text.optional() }),
      handle: ({ tx, id, parameters }) => retrieve(tx, id, parameters.client_secret),
    }),
    route({
      method: 'POST',
      path: '/v1/payment_intents/:id',
      parameters: updateIntentParameters,
      handle: ({ tx, id, parameters }) => updateIntent(tx, existing(tx, id), parameters),
    }),
    route({
      method: 'POST',
      path: '/v1/payment_intents/:id/confirm',
      parameters: confirmIntentParameters,
      handle: ({ tx, id, parameters }) => confirm(tx, id, parameters),
    }),
    route({
      method: 'POST',
      path: '/v1/payment_intents/:id/capture',
      parameters: captureIntentParameters,
      handle: ({ tx, id, parameters }) => capture(tx, id, parameters),
    }),
    route({
      method: 'POST',
      path: '/v1/payment_intents/:id/cancel',
      parameters: cancelParameters,
      differs: 'never while it is processing',
      handle: ({ tx, id, parameters }) => cancel(tx, id, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/payment_intents',
      parameters: z.strictObject({ ...listParameters, created: createdFilter, customer: text.optional() }),
      handle: ({ tx, parameters }) =>
        pageOfTable(tx, {
          table: paymentIntentTable,
          index:
            parameters.customer === undefined ? undefined : { name: 'customer', key: parameters.customer },
          parameters,
          where: (row) => isCreatedWithin(row.created, parameters.created),
          render: (row) => row,
          url: '/v1/payment_intents',
        }),
    }),
  ],
};
