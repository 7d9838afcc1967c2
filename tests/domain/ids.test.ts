import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  priceOfSubject,
  priceSubject,
  productOfSubject,
  productSubject,
  stripeCustomerIdSchema,
  subjectKind,
  tenantIdSchema,
} from '../../domain/ids.ts';

test.each([
  ['cus_NffrFeUfNV2Hib', 'customer'],
  ['sub_1MowQVLkdIwHu7ixeRlqHVzs', 'subscription'],
  ['product:prod_1', 'product'],
  ['product:cus_1', 'product'],
  ['product:a plan, 2024', 'product'],
  ['price:price_1', 'price'],
  ['price:gold-monthly', 'price'],
  ['cs_test_a1B2', 'session'],
  ['price_1', 'unknown'],
  ['prod_1', 'unknown'],
  ['cus_', 'unknown'],
  ['cus_1 ', 'unknown'],
  ['cus_1\n', 'unknown'],
  ['CUS_1', 'unknown'],
  ['in_1', 'invoice'],
  ['in_', 'unknown'],
  ['', 'unknown'],
])('the subject %j is of the kind %s', (subject, kind) => {
  expect(subjectKind(subject)).toBe(kind);
});

test('any product or price id survives being a subject, and is never taken for a customer', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 255 }), (id) => {
      expect(productOfSubject(productSubject(id))).toBe(id);
      expect(subjectKind(productSubject(id))).toBe('product');
      expect(priceOfSubject(priceSubject(id))).toBe(id);
      expect(subjectKind(priceSubject(id))).toBe('price');
    }),
  );
});

test('nothing but letters and digits follows the prefix of a customer id', () => {
  fc.assert(
    fc.property(fc.string(), (tail) => {
      expect(stripeCustomerIdSchema.safeParse(`cus_${tail}`).success).toBe(/^[A-Za-z0-9]{1,251}$/.test(tail));
    }),
  );
});

test.each(['', 'x', '00000000-0000-4000-8000-00000000000', "'; drop table tenants; --"])(
  '%j is no tenant id',
  (text) => {
    expect(tenantIdSchema.safeParse(text).success).toBe(false);
  },
);
