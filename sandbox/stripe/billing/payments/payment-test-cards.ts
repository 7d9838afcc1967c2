/** How a test card behaves beside succeeding, which it does where nothing else is said. */
export interface CardBehaviour {
  /** Why payments are declined. */
  readonly declineCode?: string;
  /**
   * When declines begin: at once, so that the card can't even be attached to a customer (the default); at the
   * first payment; at the second.
   */
  readonly declinesFrom?: 'attaching' | 'first_payment' | 'second_payment';
  /**
   * When the bank wants the customer to authenticate: in each payment; in payments with the customer present and,
   * until it has been set up, in those without; only in payments with the customer present.
   */
  readonly authentication?: 'always' | 'unless_set_up' | 'on_session';
  /** A bank debit: the payment is processing until it is settled. */
  readonly isDelayed?: boolean;
  /** Why the customer disputes the payment. */
  readonly dispute?: 'fraudulent' | 'product_not_received';
}

export interface TestCard {
  readonly brand: string;
  /** Also of a bank account. */
  readonly number: string;
  readonly funding: 'credit' | 'debit' | 'prepaid';
  readonly country: string;
  readonly behaviour: CardBehaviour;
}

function card(number: string, behaviour: CardBehaviour = {}, shown: Partial<TestCard> = {}): TestCard {
  return { brand: 'visa', country: 'US', funding: 'credit', number, behaviour, ...shown };
}

/**
 * Stripe's test payment methods by token, with the numbers behind them; a `tok_…` is found as its `pm_card_…`. Those
 * with `simulator` in their name are this simulator's own.
 */
export const testCards: Readonly<Record<string, TestCard>> = {
  pm_card_visa: card('4242424242424242'),
  pm_card_visa_debit: card('4000056655665556', {}, { funding: 'debit' }),
  pm_card_mastercard: card('5555555555554444', {}, { brand: 'mastercard' }),
  pm_card_mastercard_debit: card('5200828282828210', {}, { brand: 'mastercard', funding: 'debit' }),
  pm_card_mastercard_prepaid: card('5105105105105100', {}, { brand: 'mastercard', funding: 'prepaid' }),
  pm_card_amex: card('378282246310005', {}, { brand: 'amex' }),
  pm_card_discover: card('6011111111111117', {}, { brand: 'discover' }),
  pm_card_diners: card('3056930009020004', {}, { brand: 'diners' }),
  pm_card_jcb: card('3566002020360505', {}, { brand: 'jcb', country: 'JP' }),
  pm_card_unionpay: card('6200000000000005', {}, { brand: 'unionpay', country: 'CN' }),
  pm_card_de: card('4000002760000016', {}, { country: 'DE' }),
  pm_card_bypassPending: card('4000000000000077'),

  pm_card_visa_chargeDeclined: card('4000000000000002', { declineCode: 'generic_decline' }),
  pm_card_chargeDeclined: card('4000000000000002', { declineCode: 'generic_decline' }),
  pm_card_visa_chargeDeclinedInsufficientFunds: card('4000000000009995', {
    declineCode: 'insufficient_funds',
  }),
  pm_card_chargeDeclinedInsufficientFunds: card('4000000000009995', { declineCode: 'insufficient_funds' }),
  pm_card_visa_chargeDeclinedLostCard: card('4000000000009987', { declineCode: 'lost_card' }),
  pm_card_visa_chargeDeclinedStolenCard: card('4000000000009979', { declineCode: 'stolen_card' }),
  pm_card_visa_chargeDeclinedVelocityLimitExceeded: card('4000000000006975', {
    declineCode: 'card_velocity_exceeded',
  }),
  pm_card_chargeDeclinedExpiredCard: card('4000000000000069', { declineCode: 'expired_card' }),
  pm_card_chargeDeclinedIncorrectCvc: card('4000000000000127', { declineCode: 'incorrect_cvc' }),
  pm_card_chargeDeclinedProcessingError: card('4000000000000119', { declineCode: 'processing_error' }),
  pm_card_chargeDeclinedFraudulent: card('4100000000000019', { declineCode: 'fraudulent' }),
  pm_card_chargeCustomerFail: card('4000000000000341', {
    declineCode: 'generic_decline',
    declinesFrom: 'first_payment',
  }),

  pm_card_threeDSecureOptional: card('4000000000003055'),
  pm_card_threeDSecureRequired: card('4000000000003063', { authentication: 'always' }),
  pm_card_threeDSecure2Required: card('4000000000003220', { authentication: 'always' }),
  pm_card_threeDSecureRequiredChargeDeclined: card('4000008400001629', {
    authentication: 'always',
    declineCode: 'generic_decline',
    declinesFrom: 'first_payment',
  }),
  pm_card_authenticationRequired: card('4000002760003184', { authentication: 'always' }, { country: 'DE' }),
  pm_card_authenticationRequiredOnSetup: card('4000002500003155', { authentication: 'unless_set_up' }),
  pm_card_authenticationRequiredSetupForOffSession: card('4000003800000446', {
    authentication: 'on_session',
  }),
  pm_card_authenticationRequiredChargeDeclinedInsufficientFunds: card('4000008260003178', {
    authentication: 'always',
    declineCode: 'insufficient_funds',
    declinesFrom: 'first_payment',
  }),

  pm_card_createDispute: card('4000000000000259', { dispute: 'fraudulent' }),
  pm_card_createDisputeProductNotReceived: card('4000000000002685', { dispute: 'product_not_received' }),

  pm_usBankAccount: card('000123456789', { isDelayed: true }, { brand: 'us_bank_account' }),
  pm_usBankAccount_success: card('000123456789', { isDelayed: true }, { brand: 'us_bank_account' }),

  /** Not Stripe's: pays once and never again, as for a renewal that fails. */
  pm_card_simulator_failsAfterFirst: card('4000000000990341', {
    declineCode: 'generic_decline',
    declinesFrom: 'second_payment',
  }),
};

/** The test card of a `pm_…` or `tok_…` token, with its name in the table. */
export function testCardOfToken(token: string): { name: string; card: TestCard } | undefined {
  const name = token.startsWith('tok_') ? `pm_card_${token.slice('tok_'.length)}` : token;
  // The caller chooses the name: `__proto__` for one is no card.
  const found = Object.hasOwn(testCards, name) ? testCards[name] : undefined;
  return found ? { name, card: found } : undefined;
}

/** The test card with a number, digits only. */
export function testCardOfNumber(number: string): { name: string; card: TestCard } | undefined {
  for (const [name, found] of Object.entries(testCards)) {
    if (found.number === number) return { name, card: found };
  }
  return undefined;
}
