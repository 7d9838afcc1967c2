import { expect, test } from 'vitest';
import { declineGroup } from '../../domain/decline-codes.ts';

test.each([
  'authentication_required',
  'authentication_not_handled',
  'invoice_payment_intent_requires_action',
  'payment_intent_authentication_failure',
])('%s: the customer has to confirm', (code) => {
  expect(declineGroup(code)).toBe('authenticate');
});

test.each([
  'expired_card',
  'lost_card',
  'stolen_card',
  'pickup_card',
  'incorrect_number',
  'incorrect_cvc',
  'card_not_supported',
  'currency_not_supported',
  'highest_risk_level',
  'transaction_not_allowed',
  'revocation_of_authorization',
  'revocation_of_all_authorizations',
])('%s: another card is needed', (code) => {
  expect(declineGroup(code)).toBe('new_card');
});

test('every hard decline, after which Stripe charges nothing until there is a new card, asks for an act of the customer', () => {
  // Stripe, «Smart Retries».
  const hard = [
    'incorrect_number',
    'lost_card',
    'stolen_card',
    'pickup_card',
    'revocation_of_authorization',
    'revocation_of_all_authorizations',
    'authentication_required',
    'highest_risk_level',
    'transaction_not_allowed',
  ];
  expect(hard.filter((code) => declineGroup(code) === 'try_later')).toEqual([]);
});

test.each([
  'insufficient_funds',
  'generic_decline',
  'do_not_honor',
  'processing_error',
  'card_declined',
  'a_code_of_tomorrow',
  '',
  'constructor',
  '__proto__',
])('“%s” may pass by itself', (code) => {
  expect(declineGroup(code)).toBe('try_later');
});
