import type { ChargeOutcome } from './charge-state.ts';
import type { Decline } from './payment-decline-codes.ts';
import type { PaymentMethod } from './payment-method-state.ts';

/** Why a payment or a card was refused, as `last_payment_error` shows it. */
export interface PaymentError {
  readonly type: 'card_error' | 'invalid_request_error';
  readonly code: string;
  readonly message: string;
  readonly doc_url: string;
  readonly advice_code?: NonNullable<ChargeOutcome['advice_code']>;
  readonly charge?: string;
  readonly decline_code?: string;
  readonly network_decline_code?: string;
  readonly param?: string;
  readonly payment_method: PaymentMethod;
}

/** The error of a refusal. @param refused.charge null when nothing was charged, as when a card is attached */
export function cardErrorOf(refused: {
  decline: Decline;
  charge: string | null;
  paymentMethod: PaymentMethod;
}): PaymentError {
  const { advice_code, code, decline_code, message, network_decline_code, param } = refused.decline;
  return {
    ...(advice_code === null ? {} : { advice_code }),
    ...(refused.charge === null ? {} : { charge: refused.charge }),
    code,
    decline_code,
    doc_url: docUrlOf(code),
    message,
    ...(network_decline_code === null ? {} : { network_decline_code }),
    ...(param === undefined ? {} : { param }),
    payment_method: refused.paymentMethod,
    type: 'card_error',
  };
}

/** The error of a customer who did not pass the bank's check. */
export function authenticationFailure(
  paymentMethod: PaymentMethod,
  code: 'payment_intent_authentication_failure' | 'setup_intent_authentication_failure',
): PaymentError {
  const kind = code === 'payment_intent_authentication_failure' ? 'PaymentIntent' : 'SetupIntent';
  return {
    code,
    doc_url: docUrlOf(code),
    message: `The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod to attempt to fulfill this ${kind} again.`,
    payment_method: paymentMethod,
    type: 'invalid_request_error',
  };
}

/** How the bank's refusal stands in the charge. */
export function declinedOutcome(decline: Decline): ChargeOutcome {
  const { advice_code, decline_code, network_decline_code } = decline;
  const isBlocked = decline_code === 'fraudulent';
  return {
    advice_code,
    network_advice_code: null,
    network_decline_code,
    network_status: isBlocked ? 'not_sent_to_network' : 'declined_by_network',
    reason: isBlocked ? 'highest_risk_level' : decline_code,
    risk_level: isBlocked ? 'highest' : 'normal',
    seller_message: isBlocked
      ? 'Stripe blocked this payment as too risky.'
      : 'The bank did not return any further details with this decline.',
    type: isBlocked ? 'blocked' : 'issuer_declined',
  };
}

/** Where Stripe explains an error code. */
export function docUrlOf(code: string): string {
  return `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}`;
}
