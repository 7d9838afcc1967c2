import type { Transaction } from '../../state/transaction.ts';
import { storeCharge } from './charge-creation.ts';
import type { Charge } from './charge-state.ts';
import type { Decline } from './payment-decline-codes.ts';
import { cardErrorOf, type PaymentError } from './payment-declines.ts';
import { historyOf, type PaymentMethod, paymentMethodTable, storeHistory } from './payment-method-state.ts';
import { type NextAction, type PaymentIntent, paymentIntentTable } from './payments.ts';

/** How an attempt ended. Intent and charge are as they are stored now. */
export type PaymentOutcome = AttemptResult & {
  /** The intent as it waited for the customer, who has answered within the same step. */
  readonly asked?: PaymentIntent;
};

type AttemptResult =
  /** Paid; with `capture_method: manual` authorized only, the intent's status is then `requires_capture`. */
  | { readonly kind: 'succeeded'; readonly intent: PaymentIntent; readonly charge: Charge }
  /** The charge is null when it did not come so far, because the customer has not authenticated. */
  | {
      readonly kind: 'failed';
      readonly intent: PaymentIntent;
      readonly charge: Charge | null;
      readonly error: PaymentError;
    }
  | { readonly kind: 'requires_action'; readonly intent: PaymentIntent }
  /** A bank debit; what becomes of it is told later. */
  | { readonly kind: 'processing'; readonly intent: PaymentIntent; readonly charge: Charge };

/** An intent on its way to the bank. */
export interface Trying {
  readonly intent: PaymentIntent;
  readonly method: PaymentMethod;
  readonly isAuthenticated: boolean;
}

/** Stores that the bank said yes. */
export function storeSuccess(tx: Transaction, { intent, method, isAuthenticated }: Trying): PaymentOutcome {
  const isManual = intent.capture_method === 'manual';
  const result = isManual ? 'authorized' : 'succeeded';
  const charge = storeCharge(tx, { intent, paymentMethod: method, result, isAuthenticated });
  countSuccess(tx, method.id);
  const paid = tx.put(paymentIntentTable, {
    ...intent,
    amount_capturable: isManual ? intent.amount : 0,
    amount_received: isManual ? 0 : intent.amount,
    last_payment_error: null,
    latest_charge: charge.id,
    next_action: null,
    payment_method: method.id,
    status: isManual ? 'requires_capture' : 'succeeded',
  });
  return { kind: 'succeeded', intent: paid, charge };
}

/** Stores that the bank said no; without a charge when it only wants the customer. */
export function storeDecline(tx: Transaction, trying: Trying, reason: Decline): PaymentOutcome {
  const { intent, method, isAuthenticated } = trying;
  const charge =
    reason.code === 'authentication_required'
      ? null
      : storeCharge(tx, { intent, paymentMethod: method, result: reason, isAuthenticated });
  const error = cardErrorOf({ decline: reason, charge: charge?.id ?? null, paymentMethod: method });
  const latest_charge = charge?.id ?? intent.latest_charge;
  const failed = storeRefusal(tx, { ...intent, latest_charge }, error);
  return { kind: 'failed', intent: failed, charge, error };
}

/** Stores that the bank takes its time. */
export function storeProcessing(
  tx: Transaction,
  { intent, method, isAuthenticated }: Trying,
): PaymentOutcome {
  const charge = storeCharge(tx, { intent, paymentMethod: method, result: 'pending', isAuthenticated });
  const processing = tx.put(paymentIntentTable, {
    ...intent,
    last_payment_error: null,
    latest_charge: charge.id,
    next_action: null,
    payment_method: method.id,
    status: 'processing',
  });
  return { kind: 'processing', intent: processing, charge };
}

/** Stores that the customer has to authenticate first. */
export function storeRequiredAction(
  tx: Transaction,
  { intent: asked, method }: Trying,
  returnUrl: string | undefined,
): PaymentOutcome {
  const intent = tx.put(paymentIntentTable, {
    ...asked,
    last_payment_error: null,
    next_action: authenticationAction(tx, returnUrl),
    payment_method: method.id,
    status: 'requires_action',
  });
  return { kind: 'requires_action', intent };
}

/** What the customer is asked to do. @param returnUrl where the browser goes afterwards, when it is sent away */
export function authenticationAction(tx: Transaction, returnUrl: string | undefined): NextAction {
  const source = `src_1${tx.account.ids.characters(23)}`;
  const url = `https://hooks.stripe.com/redirect/authenticate/${source}`;
  return returnUrl === undefined
    ? {
        type: 'use_stripe_sdk',
        use_stripe_sdk: { type: 'three_d_secure_redirect', source, stripe_js: url },
      }
    : { type: 'redirect_to_url', redirect_to_url: { return_url: returnUrl, url } };
}

/** Stores that the intent needs another payment method. */
export function storeRefusal(tx: Transaction, intent: PaymentIntent, error: PaymentError): PaymentIntent {
  return tx.put(paymentIntentTable, {
    ...intent,
    last_payment_error: error,
    next_action: null,
    payment_method: null,
    status: 'requires_payment_method',
  });
}

/** Some test cards behave otherwise once they have paid. */
export function countSuccess(tx: Transaction, paymentMethod: string): void {
  const history = historyOf(tx, paymentMethod);
  storeHistory(tx, { ...history, paymentsSucceeded: history.paymentsSucceeded + 1 });
}

/** A payment method that must be there. */
export function storedMethod(tx: Transaction, id: string): PaymentMethod {
  const method = tx.get(paymentMethodTable, id);
  if (!method) throw new Error(`no payment method ${id}`);
  return method;
}
