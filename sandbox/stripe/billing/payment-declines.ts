import type { ChargeOutcome } from './charge-state.ts';
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

/** What a bank's refusal looks like. */
export interface Decline {
  readonly code: string;
  readonly decline_code: string;
  readonly message: string;
  readonly advice_code: ChargeOutcome['advice_code'];
  readonly network_decline_code: string | null;
  readonly param?: string;
}

const declined = 'Your card was declined.';
const again = 'try_again_later';
const never = 'do_not_try_again';
const confirm = 'confirm_card_data';

/** code, message, advice_code, network_decline_code, param; by decline code, as Stripe's test cards answer. */
const known: Readonly<
  Record<string, readonly [string, string, ChargeOutcome['advice_code'], string | null, string?]>
> = {
  authentication_not_handled: [
    'authentication_required',
    "This payment required an authentication action to complete, but `error_on_requires_action` was set. When you're ready, you can upgrade your integration to handle actions at https://stripe.com/docs/payments/payment-intents/upgrade-to-handle-actions.",
    null,
    null,
  ],
  authentication_required: [
    'authentication_required',
    'Your card was declined. This transaction requires authentication.',
    null,
    null,
  ],
  card_not_supported: ['card_declined', 'Your card is not supported.', never, '57'],
  card_velocity_exceeded: [
    'card_declined',
    'Your card was declined for making repeated attempts too frequently or exceeding its amount limit.',
    again,
    '65',
  ],
  do_not_honor: ['card_declined', declined, again, '05'],
  expired_card: ['expired_card', 'Your card has expired.', confirm, '54', 'exp_month'],
  fraudulent: ['card_declined', declined, null, null],
  generic_decline: ['card_declined', declined, again, '01'],
  incorrect_cvc: ['incorrect_cvc', "Your card's security code is incorrect.", confirm, 'N7', 'cvc'],
  incorrect_number: ['incorrect_number', 'Your card number is incorrect.', confirm, '14', 'number'],
  insufficient_funds: ['card_declined', 'Your card has insufficient funds.', again, '51'],
  invalid_expiry_month: [
    'invalid_expiry_month',
    "Your card's expiration month is invalid.",
    null,
    null,
    'exp_month',
  ],
  invalid_expiry_year: [
    'invalid_expiry_year',
    "Your card's expiration year is invalid.",
    null,
    null,
    'exp_year',
  ],
  lost_card: ['card_declined', declined, never, '41'],
  pickup_card: ['card_declined', declined, never, '04'],
  processing_error: [
    'processing_error',
    'An error occurred while processing your card. Try again in a little bit.',
    again,
    '96',
  ],
  revocation_of_all_authorizations: ['card_declined', declined, never, 'R1'],
  revocation_of_authorization: ['card_declined', declined, never, 'R0'],
  stolen_card: ['card_declined', declined, never, '43'],
  test_mode_live_card: [
    'card_declined',
    'Your card was declined. Your request was in test mode, but used a non test card. For a list of valid test cards, visit: https://stripe.com/docs/testing.',
    null,
    null,
  ],
  transaction_not_allowed: ['card_declined', declined, never, '57'],
};

/** A refusal by its decline code; one that is not in the table is a plain `card_declined`. */
export function declineOf(declineCode: string, code?: string): Decline {
  const [knownCode, message, advice, network, param] = known[declineCode] ?? [
    'card_declined',
    declined,
    again,
    '05',
  ];
  return {
    code: code ?? knownCode,
    decline_code: declineCode,
    message,
    advice_code: advice,
    network_decline_code: network,
    ...(param === undefined ? {} : { param }),
  };
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

/** Stripe's list: after these it does not charge again until there is a new payment method. */
const hardDeclineCodes: ReadonlySet<string> = new Set([
  'authentication_required',
  'highest_risk_level',
  'incorrect_number',
  'lost_card',
  'pickup_card',
  'revocation_of_all_authorizations',
  'revocation_of_authorization',
  'stolen_card',
  'transaction_not_allowed',
]);

/** After these no charge is made until there is a new payment method (STRIPE.md section 4). */
export function isHardDecline(error: Pick<PaymentError, 'decline_code'>): boolean {
  return error.decline_code !== undefined && hardDeclineCodes.has(error.decline_code);
}
