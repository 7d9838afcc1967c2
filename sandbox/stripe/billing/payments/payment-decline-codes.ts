import type { ChargeOutcome } from './charge-state.ts';

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

/** After these no charge is made until there is a new payment method. */
export function isHardDecline(error: { readonly decline_code?: string }): boolean {
  return error.decline_code !== undefined && hardDeclineCodes.has(error.decline_code);
}
