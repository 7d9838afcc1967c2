import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CheckoutSession, judgeSession } from '../../domain/checkout-session.ts';
import { createTenantInputSchema } from '../../domain/create-tenant-input.ts';
import { stripeCustomerIdSchema, stripeSubscriptionIdSchema } from '../../domain/ids.ts';

const PRO: ReadonlySet<string> = new Set(['price_pro']);
const session = (overrides: Partial<CheckoutSession> = {}): CheckoutSession => ({
  id: 'cs_1',
  mode: 'subscription',
  paymentStatus: 'paid',
  customerId: stripeCustomerIdSchema.parse('cus_1'),
  subscriptionId: stripeSubscriptionIdSchema.parse('sub_1'),
  lineItems: [{ priceId: 'price_pro', quantity: 10 }],
  email: 'ada@example.com',
  names: ['Lovelace Ltd'],
  ...overrides,
});

test('a paid licence begins a tenant', () => {
  expect(judgeSession(session(), PRO)).toEqual({
    begins: 'tenant',
    purchase: {
      email: 'ada@example.com',
      client_name: 'Lovelace Ltd',
      stripe_customer_id: 'cus_1',
      stripe_subscription_id: 'sub_1',
      initial_license_count: 10,
      source: 'stripe_checkout',
    },
  });
});

describe('a session begins a tenant, or nothing and why', () => {
  test.each<[string, Partial<CheckoutSession>, string]>([
    ['nothing to pay', { paymentStatus: 'no_payment_required' }, 'tenant'],
    ['a delayed payment that has not come', { paymentStatus: 'unpaid' }, 'awaiting_payment'],
    ['a single payment', { mode: 'payment' }, 'not_a_license_purchase'],
    ['a card that is kept', { mode: 'setup', lineItems: [] }, 'not_a_license_purchase'],
    ['no licence price', { lineItems: [{ priceId: 'price_sms', quantity: 1 }] }, 'not_a_license_purchase'],
    ['metered only', { lineItems: [{ priceId: 'price_pro', quantity: null }] }, 'not_a_license_purchase'],
    [
      'an unpaid purchase of something else',
      { paymentStatus: 'unpaid', lineItems: [] },
      'not_a_license_purchase',
    ],
    ['no customer', { customerId: null }, 'not_a_license_purchase'],
  ])('%s', (_name, overrides, outcome) => {
    const verdict = judgeSession(session(overrides), PRO);
    expect(verdict.begins === 'nothing' ? verdict.reason : verdict.begins).toBe(outcome);
  });
});

test('I6 somebody who paid and left no usable e-mail is a failure, not ignored', () => {
  for (const email of [null, '', 'ada', 'a@b\nc']) {
    expect(() => judgeSession(session({ email }), PRO)).toThrow(
      expect.objectContaining({ name: 'InvalidInput' }),
    );
  }
});

test('only licence items are counted, and a sum above the limit is left to the import', () => {
  const count = (lineItems: CheckoutSession['lineItems']) => {
    const verdict = judgeSession(session({ lineItems }), PRO);
    return verdict.begins === 'tenant' ? verdict.purchase.initial_license_count : verdict.reason;
  };
  const pro = { priceId: 'price_pro', quantity: 10 };
  expect(count([pro, pro, { priceId: 'price_sms', quantity: 99 }])).toBe(20);
  expect(count([pro, { priceId: 'price_pro', quantity: 1_000_000 }])).toBeUndefined();
});

describe('the name is the first that can be used', () => {
  const name = (...names: (string | null | undefined)[]) => {
    const verdict = judgeSession(session({ names }), PRO);
    return verdict.begins === 'tenant' ? verdict.purchase.client_name : verdict.reason;
  };
  test.each([
    ['the first', ['A', 'B'], 'A'],
    ['missing ones are passed over', [undefined, null, '', '  ', 'B'], 'B'],
    ['one with a line feed is passed over', ['A\nBcc: x', 'B'], 'B'],
    ['a long one is cut', ['x'.repeat(300)], 'x'.repeat(200)],
    ['without a name it is the e-mail', [], 'ada@example.com'],
  ])('%s', (_name, names, expected) => {
    expect(name(...names)).toBe(expected);
  });

  test('a cut never leaves half a character', () => {
    expect(name(`${'x'.repeat(199)}🚀`)).not.toMatch(/\p{Cs}/u);
  });
});

test('I6 whatever a paying buyer typed as a name, the purchase is accepted by the workflow', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.string({ unit: 'binary', maxLength: 400 }))), (names) => {
      const verdict = judgeSession(session({ names }), PRO);
      expect(verdict.begins === 'tenant' && createTenantInputSchema.safeParse(verdict.purchase).success).toBe(
        true,
      );
    }),
  );
});
