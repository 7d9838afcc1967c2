/** What a customer can do about a payment that failed. */
export const DECLINE_GROUPS = ['try_later', 'new_card', 'authenticate'] as const;
export type DeclineGroup = (typeof DECLINE_GROUPS)[number];

/**
 * Codes that call for another card or for the customer's own confirmation; all others may pass by themselves. After the
 * hard declines among them Stripe's schedule runs on without a charge until there is a new payment method (Stripe, «Smart
 * Retries»); the grouping of the rest follows the usual tables of decline codes.
 */
const GROUP_BY_CODE: Readonly<Record<string, DeclineGroup>> = {
  authentication_required: 'authenticate',
  authentication_not_handled: 'authenticate',
  invoice_payment_intent_requires_action: 'authenticate',
  payment_intent_authentication_failure: 'authenticate',
  card_not_supported: 'new_card',
  currency_not_supported: 'new_card',
  expired_card: 'new_card',
  highest_risk_level: 'new_card',
  incorrect_cvc: 'new_card',
  incorrect_number: 'new_card',
  lost_card: 'new_card',
  pickup_card: 'new_card',
  revocation_of_all_authorizations: 'new_card',
  revocation_of_authorization: 'new_card',
  stolen_card: 'new_card',
  transaction_not_allowed: 'new_card',
};

/** @param code Stripe's `decline_code`, or its `code` where a bank gave none */
export function declineGroup(code: string): DeclineGroup {
  return Object.hasOwn(GROUP_BY_CODE, code) ? (GROUP_BY_CODE[code] ?? 'try_later') : 'try_later';
}
