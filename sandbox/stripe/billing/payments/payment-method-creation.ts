import { createHash } from 'node:crypto';
import type { Metadata } from '../../api/parameters.ts';
import type { Transaction } from '../../state/transaction.ts';
import {
  type BankAccountDetails,
  type BillingDetails,
  type CardDetails,
  type PaymentMethod,
  paymentMethodTable,
  storeHistory,
} from './payment-method-state.ts';
import type { TestCard } from './payment-test-cards.ts';

/** Test cards expire so many years from now, unless an expiry is given. */
const validYears = 1;

export const noBillingDetails: BillingDetails = {
  address: { city: null, country: null, line1: null, line2: null, postal_code: null, state: null },
  email: null,
  name: null,
  phone: null,
  tax_id: null,
};

/** What is chosen about a new payment method beside the card itself. */
export interface NewPaymentMethod {
  /** From `testCardOfToken` or `testCardOfNumber`. */
  readonly testCard: { readonly name: string; readonly card: TestCard };
  readonly billingDetails?: BillingDetails | undefined;
  readonly expiry?: { readonly month: number; readonly year: number } | undefined;
  readonly metadata?: Metadata | undefined;
  readonly allowRedisplay?: PaymentMethod['allow_redisplay'] | undefined;
  readonly account?:
    | Partial<Pick<BankAccountDetails, 'account_holder_type' | 'account_type' | 'routing_number'>>
    | undefined;
}

/** Makes a payment method that belongs to nobody yet. Emits nothing, as Stripe doesn't. */
export function createPaymentMethod(tx: Transaction, fresh: NewPaymentMethod): PaymentMethod {
  const { name, card } = fresh.testCard;
  const base = {
    id: tx.newId('pm'),
    object: 'payment_method',
    allow_redisplay: fresh.allowRedisplay ?? 'unspecified',
    billing_details: fresh.billingDetails ?? noBillingDetails,
    created: tx.now,
    customer: null,
    customer_account: null,
    livemode: false,
    metadata: fresh.metadata ?? {},
  } as const;
  const method: PaymentMethod =
    card.brand === 'us_bank_account'
      ? { ...base, type: 'us_bank_account', us_bank_account: accountDetails(card, fresh) }
      : { ...base, type: 'card', card: cardDetails(tx, card, fresh) };
  storeHistory(tx, {
    id: method.id,
    testCard: name,
    isSetUp: false,
    isUsedUp: false,
    paymentsSucceeded: 0,
  });
  return tx.put(paymentMethodTable, method);
}

function cardDetails(tx: Transaction, card: TestCard, fresh: NewPaymentMethod): CardDetails {
  const today = new Date(tx.now * 1_000);
  return {
    brand: card.brand,
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'unchecked' },
    country: card.country,
    display_brand: card.brand === 'amex' ? 'american_express' : card.brand,
    exp_month: fresh.expiry?.month ?? today.getUTCMonth() + 1,
    exp_year: fresh.expiry?.year ?? today.getUTCFullYear() + validYears,
    fingerprint: fingerprintOf(card.number),
    funding: card.funding,
    generated_from: null,
    last4: card.number.slice(-4),
    networks: { available: [card.brand], preferred: null },
    regulated_status: 'unregulated',
    three_d_secure_usage: { supported: true },
    wallet: null,
  };
}

function accountDetails(card: TestCard, { account }: NewPaymentMethod): BankAccountDetails {
  return {
    account_holder_type: account?.account_holder_type ?? 'individual',
    account_type: account?.account_type ?? 'checking',
    bank_name: 'STRIPE TEST BANK',
    financial_connections_account: null,
    fingerprint: fingerprintOf(card.number),
    last4: card.number.slice(-4),
    networks: { preferred: 'ach', supported: ['ach'] },
    routing_number: account?.routing_number ?? '110000000',
    status_details: {},
  };
}

/** Equal for equal numbers, as Stripe's are within an account. */
function fingerprintOf(number: string): string {
  return createHash('sha256').update(number).digest('base64').replaceAll(/[+/=]/g, '').slice(0, 16);
}
