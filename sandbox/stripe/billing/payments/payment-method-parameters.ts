import { z } from 'zod';
import { cardRefused, invalidRequest, parameterMissing, type StripeError } from '../../api/errors.ts';
import {
  clearableText,
  integer,
  mergeMetadata,
  metadataHash,
  sent,
  text,
  timestamp,
} from '../../api/parameters.ts';
import type { Transaction } from '../../state/transaction.ts';
import { declineOf } from './payment-decline-codes.ts';
import { docUrlOf } from './payment-declines.ts';
import { createPaymentMethod, noBillingDetails } from './payment-method-creation.ts';
import type { BillingDetails, PaymentMethod } from './payment-method-state.ts';
import { type TestCard, testCardOfNumber, testCardOfToken } from './payment-test-cards.ts';

const address = z.union([
  z.literal(''),
  z.strictObject({
    city: z.string().optional(),
    country: z.string().optional(),
    line1: z.string().optional(),
    line2: z.string().optional(),
    postal_code: z.string().optional(),
    state: z.string().optional(),
  }),
]);

export const billingDetailsSchema = z.strictObject({
  address: address.optional(),
  email: clearableText.optional(),
  name: clearableText.optional(),
  phone: clearableText.optional(),
});

export const allowRedisplay = z.enum(['always', 'limited', 'unspecified']);
const accountHolderType = z.enum(['company', 'individual']);
const accountType = z.enum(['checking', 'savings']);
export const accountChanges = {
  account_holder_type: accountHolderType.optional(),
  account_type: accountType.optional(),
};

const cardSchema = z.union([
  z.strictObject({ token: text }),
  z.strictObject({
    number: text,
    exp_month: integer,
    exp_year: integer,
    /** Any is right. */
    cvc: text.optional(),
  }),
]);

const methodFields = {
  allow_redisplay: allowRedisplay.optional(),
  billing_details: billingDetailsSchema.optional(),
  metadata: metadataHash.optional(),
  us_bank_account: z
    .strictObject({
      account_number: text.optional(),
      routing_number: text.optional(),
      ...accountChanges,
    })
    .optional(),
};
/** What a payment method is made from. */
export const paymentMethodFields = {
  ...methodFields,
  type: z.enum(['card', 'us_bank_account']).optional(),
  card: cardSchema.optional(),
};
/** The same within an intent, where a card is named by its payment method only. */
export const paymentMethodDataSchema = z
  .strictObject({ ...methodFields, type: z.literal('us_bank_account') })
  .optional();

/**
 * Makes the payment method that the parameters describe.
 * @throws StripeError 400 for an unknown token, 402 for a card that is none
 */
export function paymentMethodFrom(
  tx: Transaction,
  data: z.infer<z.ZodObject<typeof paymentMethodFields>>,
): PaymentMethod {
  const common = {
    allowRedisplay: data.allow_redisplay,
    billingDetails: mergeBillingDetails(noBillingDetails, data.billing_details),
    metadata: mergeMetadata({}, data.metadata),
  };
  if (data.type === undefined) throw parameterMissing('type');
  if (data.type === 'us_bank_account') {
    const { us_bank_account: account } = data;
    if (!account) throw parameterMissing('us_bank_account');
    const { account_number: number, routing_number: routingNumber, ...kind } = account;
    if (number === undefined) throw parameterMissing('us_bank_account[account_number]');
    if (routingNumber === undefined) throw parameterMissing('us_bank_account[routing_number]');
    const known = testCardOfToken('pm_usBankAccount');
    if (!known) throw new Error('no test bank account');
    const card: TestCard = { ...known.card, number };
    return createPaymentMethod(tx, {
      ...common,
      testCard: { name: known.name, card },
      account: { ...sent(kind), routing_number: routingNumber },
    });
  }
  const { card } = data;
  if (!card) throw parameterMissing('card');
  if ('token' in card) {
    const testCard = card.token.startsWith('tok_') ? testCardOfToken(card.token) : undefined;
    if (testCard) return createPaymentMethod(tx, { ...common, testCard });
    throw invalidRequest({ param: 'token', message: `Invalid token id: ${card.token}` });
  }
  const expiry = expiryOf(tx, card.exp_month, card.exp_year);
  return createPaymentMethod(tx, { ...common, testCard: knownCard(card.number), expiry });
}

function knownCard(sentNumber: string): { name: string; card: TestCard } {
  const number = sentNumber.replaceAll(/[\s-]/g, '');
  const known = testCardOfNumber(number);
  if (known) return known;
  throw refusal(passesLuhn(number) ? 'test_mode_live_card' : 'incorrect_number');
}

function expiryOf(tx: Transaction, month: number, year: number): { month: number; year: number } {
  if (month < 1 || month > 12) throw refusal('invalid_expiry_month');
  const fullYear = year < 100 ? year + 2_000 : year;
  const today = new Date(tx.now * 1_000);
  const isPast = fullYear * 12 + month < today.getUTCFullYear() * 12 + today.getUTCMonth() + 1;
  if (isPast) throw refusal('invalid_expiry_year');
  return { month, year: fullYear };
}

/** A card that is none was never stored, so nothing is to be kept. */
function refusal(declineCode: string): StripeError {
  const { code, message, param } = declineOf(declineCode);
  const isDecline = code === 'card_declined';
  return cardRefused(
    {
      code,
      ...(isDecline ? { decline_code: declineCode } : {}),
      doc_url: docUrlOf(code),
      message,
      ...(param === undefined ? {} : { param }),
    },
    { keepsChanges: false },
  );
}

/** The check digit of card numbers. */
function passesLuhn(number: string): boolean {
  if (!/^\d{12,19}$/.test(number)) return false;
  let sum = 0;
  for (const [index, digit] of [...number].reverse().entries()) {
    const value = Number(digit) * (index % 2 === 1 ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  }
  return sum % 10 === 0;
}

/** Mandates are not kept: every debit has one. */
export const mandateData = z
  .strictObject({
    customer_acceptance: z.strictObject({
      accepted_at: timestamp.optional(),
      offline: z.strictObject({}).optional(),
      online: z.strictObject({ ip_address: text, user_agent: text }).optional(),
      type: z.enum(['offline', 'online']),
    }),
  })
  .optional();
/** As a browser sends it when it confirms. */
export const mandateDataOnline = z
  .strictObject({
    customer_acceptance: z.strictObject({
      online: z.strictObject({ ip_address: text.optional(), user_agent: text.optional() }),
      type: z.literal('online'),
    }),
  })
  .optional();

const emptyAddress = { city: null, country: null, line1: null, line2: null, postal_code: null, state: null };

/** Old details with the changes that came as parameters; an empty text clears. */
export function mergeBillingDetails(
  old: BillingDetails,
  change: z.infer<typeof billingDetailsSchema> | undefined,
): BillingDetails {
  if (!change) return old;
  const { address: newAddress, email, name, phone } = change;
  return {
    address:
      newAddress === undefined
        ? old.address
        : newAddress === ''
          ? emptyAddress
          : { ...emptyAddress, ...old.address, ...sent(newAddress) },
    email: email === undefined ? old.email : email,
    name: name === undefined ? old.name : name,
    phone: phone === undefined ? old.phone : phone,
    tax_id: null,
  };
}
