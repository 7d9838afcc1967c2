import type { z } from 'zod';
import { invalidRequest, paymentMethodTypesRefused } from '../../api/errors.ts';
import { mergeMetadata, sent } from '../../api/parameters.ts';
import { customerInParameter } from '../../resources/customers.ts';
import type { Transaction } from '../../state/transaction.ts';
import { paymentMethodNamed, requireUsable } from './payment-method-attachment.ts';
import { paymentMethodFrom } from './payment-method-parameters.ts';
import { type PaymentMethod, paymentMethodTable } from './payment-method-state.ts';
import { confirmSetup, type SetupIntent, setupIntentTable, startSetupIntent } from './payment-setup.ts';
import type {
  cancelSetupParameters,
  confirmSetupParameters,
  createSetupParameters,
  updateSetupParameters,
} from './payment-setup-parameters.ts';

/**
 * Makes a setup intent, and confirms it when it is told to; with the events.
 * @throws StripeError 402 when the method is refused; the intent is there all the same
 */
export function createSetup(tx: Transaction, parameters: z.infer<typeof createSetupParameters>): SetupIntent {
  if (parameters.payment_method_types !== undefined) throw paymentMethodTypesRefused();
  const { automatic_payment_methods: automatic, customer } = parameters;
  const owner = customer === undefined ? null : customerInParameter(tx, customer, 'customer').id;
  const chosen = methodOf(tx, parameters, owner);
  const intent = startSetupIntent(tx, {
    automatic_payment_methods: {
      allow_redirects: automatic?.allow_redirects ?? 'always',
      enabled: automatic?.enabled ?? true,
    },
    customer: owner,
    description: parameters.description ?? null,
    metadata: mergeMetadata({}, parameters.metadata),
    payment_method: chosen?.id ?? null,
    status: chosen ? 'requires_confirmation' : 'requires_payment_method',
    usage: parameters.usage ?? 'off_session',
  });
  return parameters.confirm ? confirmWith(tx, intent, { return_url: parameters.return_url }) : intent;
}

/**
 * Changes a setup intent. Stripe has no event for it.
 * @throws StripeError 400 for what its status does not allow
 */
export function updateSetup(
  tx: Transaction,
  before: SetupIntent,
  parameters: z.infer<typeof updateSetupParameters>,
): SetupIntent {
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

/** Confirms with the method given, or the one that it has. @throws StripeError as `confirmSetup` */
export function confirmWith(
  tx: Transaction,
  intent: SetupIntent,
  parameters: z.infer<typeof confirmSetupParameters>,
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

/** Ends a setup intent that has not succeeded, with its event. @throws StripeError 400 otherwise */
export function cancelSetup(
  tx: Transaction,
  before: SetupIntent,
  { cancellation_reason: reason }: z.infer<typeof cancelSetupParameters>,
): SetupIntent {
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
  parameters: Pick<z.infer<typeof updateSetupParameters>, 'payment_method' | 'payment_method_data'>,
  customer: string | null,
): PaymentMethod | undefined {
  const { payment_method: id, payment_method_data: data } = parameters;
  if (data) return paymentMethodFrom(tx, data);
  if (id === undefined) return undefined;
  const named = paymentMethodNamed(tx, id, 'payment_method');
  requireUsable(tx, named, { customer, object: 'SetupIntent' });
  return named;
}

function unexpectedState(intent: SetupIntent, message: string): Error {
  return invalidRequest({ code: 'setup_intent_unexpected_state', message, setup_intent: intent });
}
