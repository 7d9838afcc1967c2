import { z } from 'zod';
import { invalidRequest, noSuchInPath, paymentMethodTypesRefused } from '../api/errors.ts';
import { listParameters, pageOfTable } from '../api/lists.ts';
import {
  boolean,
  clearableText,
  createdFilter,
  isCreatedWithin,
  mergeMetadata,
  metadata,
  sent,
  text,
} from '../api/parameters.ts';
import { paymentMethodNamed, requireUsable } from '../billing/payment-method-attachment.ts';
import {
  mandateData,
  paymentMethodDataSchema,
  paymentMethodFrom,
} from '../billing/payment-method-parameters.ts';
import { type PaymentMethod, paymentMethodTable } from '../billing/payment-method-state.ts';
import { confirmSetup, inertSetup, type SetupIntent, setupIntentTable } from '../billing/payment-setup.ts';
import { paymentMethodTypes } from '../billing/payments.ts';
import { type Resource, route } from '../resource.ts';
import type { Transaction } from '../state/transaction.ts';
import { customerInParameter } from './customers.ts';

const method = { payment_method: text.optional(), payment_method_data: paymentMethodDataSchema };
const fields = {
  ...method,
  customer: text.optional(),
  description: clearableText.optional(),
  metadata: metadata.optional(),
  /** Refused with a code of its own. */
  payment_method_types: z.unknown().optional(),
};
const confirming = {
  return_url: text.optional(),
  mandate_data: mandateData,
  /** Without effect: what is shown to the customer is not simulated. */
  use_stripe_sdk: boolean.optional(),
};
const createParameters = z.strictObject({
  ...fields,
  ...confirming,
  automatic_payment_methods: z
    .strictObject({ allow_redirects: z.enum(['always', 'never']).optional(), enabled: boolean })
    .optional(),
  confirm: boolean.optional(),
  usage: z.enum(['off_session', 'on_session']).optional(),
});
const updateParameters = z.strictObject(fields);
const confirmParameters = z.strictObject({ ...method, ...confirming, client_secret: text.optional() });
const cancelParameters = z.strictObject({
  cancellation_reason: z.enum(['abandoned', 'duplicate', 'requested_by_customer']).optional(),
});

function create(tx: Transaction, parameters: z.infer<typeof createParameters>): SetupIntent {
  if (parameters.payment_method_types !== undefined) throw paymentMethodTypesRefused();
  const { automatic_payment_methods: automatic, customer } = parameters;
  const id = tx.newId('seti');
  const owner = customer === undefined ? null : customerInParameter(tx, customer, 'customer').id;
  const chosen = methodOf(tx, parameters, owner);
  const intent = tx.put(setupIntentTable, {
    id,
    object: 'setup_intent',
    ...inertSetup,
    automatic_payment_methods: {
      allow_redirects: automatic?.allow_redirects ?? 'always',
      enabled: automatic?.enabled ?? true,
    },
    cancellation_reason: null,
    client_secret: `${id}_secret_${tx.account.ids.characters(25)}`,
    created: tx.now,
    customer: owner,
    description: parameters.description ?? null,
    last_setup_error: null,
    latest_attempt: null,
    metadata: mergeMetadata({}, parameters.metadata),
    next_action: null,
    payment_method: chosen?.id ?? null,
    payment_method_types: paymentMethodTypes,
    status: chosen ? 'requires_confirmation' : 'requires_payment_method',
    usage: parameters.usage ?? 'off_session',
  });
  tx.emit('setup_intent.created', intent);
  return parameters.confirm ? confirm(tx, intent, { return_url: parameters.return_url }) : intent;
}

/** Stripe has no event for it. */
function update(tx: Transaction, id: string, parameters: z.infer<typeof updateParameters>): SetupIntent {
  const before = existing(tx, id);
  const { customer, description, metadata: change, payment_method_types } = parameters;
  if (payment_method_types !== undefined) throw paymentMethodTypesRefused();
  const owner = customer === undefined ? before.customer : customerInParameter(tx, customer, 'customer').id;
  const chosen = methodOf(tx, parameters, owner);
  if (chosen && (before.status === 'succeeded' || before.status === 'canceled')) {
    const state = before.status === 'succeeded' ? 'already succeeded' : 'been canceled';
    throw unexpectedState(before, `You cannot update this SetupIntent because it has ${state}.`);
  }
  return tx.put(setupIntentTable, {
    ...before,
    ...sent({ description }),
    customer: owner,
    metadata: mergeMetadata(before.metadata, change),
    ...(chosen ? { payment_method: chosen.id, status: 'requires_confirmation' } : {}),
  });
}

function confirm(
  tx: Transaction,
  intent: SetupIntent,
  parameters: z.infer<typeof confirmParameters>,
): SetupIntent {
  const stored =
    intent.payment_method === null ? undefined : tx.get(paymentMethodTable, intent.payment_method);
  const chosen = methodOf(tx, parameters, intent.customer) ?? stored;
  if (chosen) return confirmSetup(tx, intent, { method: chosen, returnUrl: parameters.return_url });
  throw unexpectedState(
    intent,
    "You cannot confirm this SetupIntent because it's missing a payment method. You can either update the SetupIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.",
  );
}

function cancel(
  tx: Transaction,
  id: string,
  { cancellation_reason: reason }: z.infer<typeof cancelParameters>,
): SetupIntent {
  const before = existing(tx, id);
  if (before.status === 'canceled') {
    throw unexpectedState(before, 'You cannot cancel this SetupIntent because it is already canceled.');
  }
  if (before.status === 'succeeded') {
    throw unexpectedState(
      before,
      `You cannot cancel this SetupIntent because it has a status of ${before.status}. Only a SetupIntent with one of the following statuses may be canceled: \`requires_payment_method\`, \`requires_confirmation\`, or \`requires_action\`.`,
    );
  }
  const canceled = tx.put(setupIntentTable, {
    ...before,
    cancellation_reason: reason ?? null,
    next_action: null,
    status: 'canceled',
  });
  tx.emit('setup_intent.canceled', canceled);
  return canceled;
}

function methodOf(
  tx: Transaction,
  parameters: Pick<z.infer<typeof updateParameters>, 'payment_method' | 'payment_method_data'>,
  customer: string | null,
): PaymentMethod | undefined {
  const { payment_method: id, payment_method_data: data } = parameters;
  if (data) return paymentMethodFrom(tx, data);
  if (id === undefined) return undefined;
  const named = paymentMethodNamed(tx, id, 'payment_method');
  requireUsable(tx, named, { customer, object: 'SetupIntent' });
  return named;
}

function existing(tx: Transaction, id: string): SetupIntent {
  const intent = tx.get(setupIntentTable, id);
  if (!intent) throw noSuchInPath('setupintent', id, 'intent');
  return intent;
}

function unexpectedState(intent: SetupIntent, message: string): Error {
  return invalidRequest({ code: 'setup_intent_unexpected_state', message, setup_intent: intent });
}

/** Saves a payment method for later, without a payment. */
export const setupIntents: Resource = {
  object: 'setup_intent',
  expandable: { customer: 'customer', latest_attempt: 'setup_attempt', payment_method: 'payment_method' },
  find: (tx, id) => tx.get(setupIntentTable, id),
  routes: [
    route({
      method: 'POST',
      path: '/v1/setup_intents',
      parameters: createParameters,
      handle: ({ tx, parameters }) => create(tx, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/setup_intents/:id',
      parameters: z.strictObject({ client_secret: text.optional() }),
      handle: ({ tx, id }) => existing(tx, id),
    }),
    route({
      method: 'POST',
      path: '/v1/setup_intents/:id',
      parameters: updateParameters,
      handle: ({ tx, id, parameters }) => update(tx, id, parameters),
    }),
    route({
      method: 'POST',
      path: '/v1/setup_intents/:id/confirm',
      parameters: confirmParameters,
      handle: ({ tx, id, parameters }) => confirm(tx, existing(tx, id), parameters),
    }),
    route({
      method: 'POST',
      path: '/v1/setup_intents/:id/cancel',
      parameters: cancelParameters,
      handle: ({ tx, id, parameters }) => cancel(tx, id, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/setup_intents',
      parameters: z.strictObject({
        ...listParameters,
        created: createdFilter,
        customer: text.optional(),
        payment_method: text.optional(),
      }),
      handle: ({ tx, parameters }) =>
        pageOfTable(tx, {
          table: setupIntentTable,
          index:
            parameters.customer === undefined ? undefined : { name: 'customer', key: parameters.customer },
          parameters,
          where: (row) =>
            isCreatedWithin(row.created, parameters.created) &&
            (parameters.payment_method === undefined || row.payment_method === parameters.payment_method),
          render: (row) => row,
          url: '/v1/setup_intents',
        }),
    }),
  ],
};
