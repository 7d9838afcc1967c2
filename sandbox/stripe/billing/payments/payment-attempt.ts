import { customerTable } from '../../resources/customers.ts';
import type { Transaction } from '../../state/transaction.ts';
import { declineOf } from './payment-decline-codes.ts';
import { checked } from './payment-method-attachment.ts';
import { historyOf, paymentMethodTable } from './payment-method-state.ts';
import {
  type PaymentOutcome,
  storeDecline,
  storedMethod,
  storeProcessing,
  storeRequiredAction,
  storeSuccess,
} from './payment-results.ts';
import { finishAuthentication } from './payment-settlement.ts';
import { verdictOf } from './payment-verdict.ts';
import { type CancellationReason, type PaymentIntent, paymentIntentTable } from './payments.ts';

export { isHardDecline } from './payment-decline-codes.ts';
export type { PaymentOutcome } from './payment-results.ts';

export interface PaymentAttempt {
  readonly intent: PaymentIntent;
  /** `pm_…`, stored. */
  readonly paymentMethod: string;
  /** Without the customer: a card that wants authentication is declined with `authentication_required`. */
  readonly offSession: boolean;
  /**
   * Where the customer is not present but can be asked afterwards, as Billing does for an invoice: the intent
   * waits in `requires_action` instead of being declined. When not given, `!offSession`.
   */
  readonly canAsk?: boolean;
  /** Where the customer is sent back to after authenticating; without it the next action is for Stripe.js. */
  readonly returnUrl?: string | undefined;
  /** What the customer does when the bank asks, at a page of Stripe's own: the outcome is final then. */
  readonly authentication?: 'passes' | 'fails' | undefined;
}

/** How an intent that is yet to be made is tried. */
export type AttemptManner = Pick<PaymentAttempt, 'authentication' | 'offSession' | 'paymentMethod'>;

/**
 * Tries to pay an intent with a payment method. What the control API has decided about this customer's payments
 * comes before what the card would do. Stores intent and charge, emits nothing.
 *
 * An outcome that comes later and without its caller (the customer authenticates, the bank settles a debit, or
 * the intent is confirmed through the API) reaches the invoice through `concludePayment`.
 */
export function attemptPayment(tx: Transaction, attempt: PaymentAttempt): PaymentOutcome {
  const method = tx.put(paymentMethodTable, checked(storedMethod(tx, attempt.paymentMethod)));
  const history = historyOf(tx, method.id);
  const { intent, offSession } = attempt;
  const verdict = verdictOf(tx, { customer: intent.customer, offSession, history });
  const trying = { intent, method, isAuthenticated: false };
  switch (verdict.kind) {
    case 'succeed':
      return storeSuccess(tx, trying);
    case 'decline':
      return storeDecline(tx, trying, verdict.decline);
    case 'authenticate':
      return (attempt.canAsk ?? !offSession)
        ? answered(tx, storeRequiredAction(tx, trying, attempt.returnUrl), attempt.authentication)
        : storeDecline(tx, trying, declineOf('authentication_required'));
    case 'process':
      return storeProcessing(tx, trying);
    default:
      return verdict satisfies never;
  }
}

/** An intent that waits for its customer, or what has come of it when they answer at once. */
function answered(
  tx: Transaction,
  outcome: PaymentOutcome,
  authentication: PaymentAttempt['authentication'],
): PaymentOutcome {
  if (authentication === undefined) return outcome;
  const { intent: asked } = outcome;
  return { ...finishAuthentication(tx, asked, authentication === 'passes'), asked };
}

/**
 * Writes the events of an attempt, the charge's before the intent's: `charge.succeeded|failed|pending`,
 * `payment_intent.succeeded|amount_capturable_updated|payment_failed|requires_action|processing`; before both,
 * that the customer was asked.
 */
export function emitPaymentOutcome(tx: Transaction, outcome: PaymentOutcome): void {
  emitCharged(tx, outcome);
  emitIntentOutcome(tx, outcome);
}

/** The first of an outcome's events; for callers that write others in between. */
export function emitCharged(tx: Transaction, outcome: PaymentOutcome): void {
  if (outcome.asked) tx.emit('payment_intent.requires_action', outcome.asked);
  if (outcome.kind === 'succeeded') tx.emit('charge.succeeded', outcome.charge);
  if (outcome.kind === 'processing') tx.emit('charge.pending', outcome.charge);
  if (outcome.kind === 'failed' && outcome.charge) tx.emit('charge.failed', outcome.charge);
}

/** The second of an outcome's events. */
export function emitIntentOutcome(tx: Transaction, outcome: PaymentOutcome): void {
  const { intent, kind } = outcome;
  if (intent.status === 'requires_capture') tx.emit('payment_intent.amount_capturable_updated', intent);
  else tx.emit(`payment_intent.${kind === 'failed' ? 'payment_failed' : kind}`, intent);
}

/**
 * The payment method that Stripe charges, in its order: the invoice's own, the subscription's, the customer's
 * default. One that has been detached is passed over. (Sources do not exist here.)
 * @returns null when there is none
 */
export function paymentMethodFor(
  tx: Transaction,
  payer: {
    customer: string;
    subscription?: { readonly default_payment_method: string | null } | undefined;
    invoice?: { readonly default_payment_method: string | null } | undefined;
  },
): string | null {
  const customer = tx.get(customerTable, payer.customer);
  const candidates = [
    payer.invoice?.default_payment_method,
    payer.subscription?.default_payment_method,
    customer?.invoice_settings.default_payment_method,
  ];
  for (const id of candidates) {
    if (id && tx.get(paymentMethodTable, id)?.customer === payer.customer) return id;
  }
  return null;
}

/**
 * Ends an intent that has not been paid, with its event. What was only authorized is given back; its charge stays
 * as it is.
 * @throws Error when it is paid or on its way to be
 */
export function cancelPaymentIntent(
  tx: Transaction,
  intent: PaymentIntent,
  reason: CancellationReason | null,
): PaymentIntent {
  if (!cancelableStatuses.has(intent.status)) {
    throw new Error(`payment intent ${intent.id} can't be canceled: ${intent.status}`);
  }
  const canceled = tx.put(paymentIntentTable, {
    ...intent,
    amount_capturable: 0,
    canceled_at: tx.now,
    cancellation_reason: reason,
    next_action: null,
    status: 'canceled',
  });
  tx.emit('payment_intent.canceled', canceled);
  return canceled;
}

/** In these nothing has been paid yet and nothing is on its way. */
export const cancelableStatuses: ReadonlySet<PaymentIntent['status']> = new Set([
  'requires_payment_method',
  'requires_confirmation',
  'requires_action',
  'requires_capture',
]);
