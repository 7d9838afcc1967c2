import { invalidRequest, paymentMethodTypesRefused } from '../../api/errors.ts';
import { mergeMetadata, sent } from '../../api/parameters.ts';
import { customerInParameter } from '../../resources/customers.ts';
import type { Transaction } from '../../state/transaction.ts';
import { chargeTable } from './charge-state.ts';
import type { PaymentOutcome } from './payment-attempt.ts';
import { confirmIntent } from './payment-intent-confirmation.ts';
import { type CreateIntent, toShipping, type UpdateIntent } from './payment-intent-parameters.ts';
import { paymentMethodNamed, requireUsable } from './payment-method-attachment.ts';
import { paymentMethodFrom } from './payment-method-parameters.ts';
import { type PaymentIntent, paymentIntentTable, startPaymentIntent } from './payments.ts';

/**
 * Makes an intent, and confirms it when it is told to; with the events.
 * @throws StripeError 402 when it is declined; the intent is there all the same
 */
export function createIntent(tx: Transaction, parameters: CreateIntent): PaymentIntent {
  const { confirm, error_on_requires_action, off_session, return_url, ...chosen } = parameters;
  const customer =
    chosen.customer === undefined ? null : customerInParameter(tx, chosen.customer, 'customer').id;
  const { amount, automatic_payment_methods: automatic, currency } = chosen;
  const started = startPaymentIntent(tx, {
    amount,
    currency,
    customer,
    automatic_payment_methods: {
      allow_redirects: automatic?.allow_redirects ?? 'always',
      enabled: automatic?.enabled ?? true,
    },
    capture_method: 'automatic_async',
  });
  const intent = tx.put(paymentIntentTable, { ...started, ...changesOf(tx, started, chosen) });
  tx.emit('payment_intent.created', intent);
  if (!confirm) return intent;
  return confirmIntent(tx, intent, { error_on_requires_action, off_session, return_url });
}

/**
 * Changes an intent that is not paid yet. Stripe has no event for it.
 * @throws StripeError 400 for what its status does not allow
 */
export function updateIntent(
  tx: Transaction,
  intent: PaymentIntent,
  { amount, currency, customer, ...changes }: UpdateIntent,
): PaymentIntent {
  if (amount !== undefined) requireOpen(intent, 'amount');
  if (currency !== undefined) requireOpen(intent, 'currency');
  const payer = customer === undefined ? {} : { customer: customerInParameter(tx, customer, 'customer').id };
  const base = { ...intent, ...sent({ amount, currency }), ...payer };
  return tx.put(paymentIntentTable, { ...base, ...changesOf(tx, base, changes) });
}

/** What the common parameters come to; a payment method makes the intent ready to be confirmed. */
export function changesOf(
  tx: Transaction,
  intent: PaymentIntent,
  changes: Omit<UpdateIntent, 'amount' | 'currency' | 'customer'>,
): Partial<PaymentIntent> {
  const { payment_method, payment_method_data, payment_method_types, ...rest } = changes;
  if (payment_method_types !== undefined) throw paymentMethodTypesRefused();
  const { metadata, setup_future_usage, shipping } = rest;
  const plain = sent({
    capture_method: rest.capture_method,
    description: rest.description,
    receipt_email: rest.receipt_email,
    statement_descriptor: rest.statement_descriptor,
    statement_descriptor_suffix: rest.statement_descriptor_suffix,
    transfer_group: rest.transfer_group,
  });
  const changed: Partial<PaymentIntent> = {
    ...plain,
    metadata: mergeMetadata(intent.metadata, metadata),
    ...(shipping === undefined ? {} : { shipping: toShipping(shipping) }),
    ...(setup_future_usage === undefined
      ? {}
      : { setup_future_usage: setup_future_usage === '' ? null : setup_future_usage }),
  };
  if (payment_method === undefined && payment_method_data === undefined) return changed;
  requireOpen(intent, 'payment_method');
  const method = payment_method_data
    ? paymentMethodFrom(tx, payment_method_data)
    : paymentMethodNamed(tx, payment_method ?? '', 'payment_method');
  requireUsable(tx, method, { customer: intent.customer, object: 'PaymentIntent' });
  return { ...changed, next_action: null, payment_method: method.id, status: 'requires_confirmation' };
}

/**
 * Takes what was authorized, or less of it. Stores, emits nothing.
 * @param amount minor units; all when not given
 * @throws StripeError 400 when nothing is authorized, or less
 */
export function captureIntent(
  tx: Transaction,
  intent: PaymentIntent,
  amount = intent.amount_capturable,
): Extract<PaymentOutcome, { kind: 'succeeded' }> {
  const held = intent.latest_charge === null ? undefined : tx.get(chargeTable, intent.latest_charge);
  if (intent.status !== 'requires_capture' || !held) throw notCapturable(intent);
  if (amount > intent.amount_capturable) {
    const message =
      'The payment could not be captured because the requested capture amount is greater than the amount you can capture for this charge. Contact us via https://support.stripe.com/contact/ for help.';
    throw invalidRequest({ code: 'amount_too_large', message, payment_intent: intent });
  }
  const charge = tx.put(chargeTable, { ...held, amount_captured: amount, captured: true });
  const captured = tx.put(paymentIntentTable, {
    ...intent,
    amount_capturable: 0,
    amount_received: amount,
    status: 'succeeded',
  });
  return { kind: 'succeeded', intent: captured, charge };
}

function notCapturable(intent: PaymentIntent): Error {
  const message =
    intent.status === 'succeeded'
      ? 'This PaymentIntent could not be captured because it has already been captured.'
      : `This PaymentIntent could not be captured because it has a status of ${intent.status}. Only a PaymentIntent with one of the following statuses may be captured: requires_capture.`;
  return invalidRequest({ code: 'payment_intent_unexpected_state', message, payment_intent: intent });
}

function requireOpen(intent: PaymentIntent, param: string): void {
  const open = ['requires_payment_method', 'requires_confirmation', 'requires_action'];
  if (open.includes(intent.status)) return;
  throw invalidRequest({
    code: 'payment_intent_unexpected_state',
    message: `This PaymentIntent's ${param} could not be updated because it has a status of ${intent.status}. You may only update the ${param} of a PaymentIntent with one of the following statuses: ${open.join(', ')}.`,
    param,
    payment_intent: intent,
  });
}
