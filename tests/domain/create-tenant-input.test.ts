import { describe, expect, test } from 'vitest';
import { checkoutSchema, createTenantInputSchema } from '../../domain/create-tenant-input.ts';

const GOOD = {
  email: 'ada@example.com',
  client_name: 'Lovelace Ltd',
  stripe_customer_id: 'cus_1',
  stripe_subscription_id: 'sub_1',
  initial_license_count: 10,
};
const DOORS = [
  ['over HTTP', checkoutSchema],
  ['at the workflow', createTenantInputSchema],
] as const;

/** The fields that are named as wrong. */
function wrongFields(schema: (typeof DOORS)[number][1], input: unknown): string[] {
  const parsed = schema.safeParse(input);
  return parsed.success ? [] : parsed.error.issues.map((issue) => issue.path.join('.'));
}

describe.each(DOORS)('%s', (_door, schema) => {
  test.each<[string, object, string]>([
    ['no e-mail', { email: undefined }, 'email'],
    ['an e-mail without @', { email: 'ada.example.com' }, 'email'],
    ['an e-mail with two @', { email: 'ada@b@example.com' }, 'email'],
    ['an e-mail with nothing before @', { email: '@example.com' }, 'email'],
    ['an e-mail with nothing after @', { email: 'ada@' }, 'email'],
    ['an e-mail with a line feed', { email: 'ada@example.com\nBcc: eve@example.com' }, 'email'],
    ['an e-mail that ends with a line feed', { email: 'ada@example.com\n' }, 'email'],
    ['an e-mail with a NUL', { email: 'ada\0@example.com' }, 'email'],
    ['an e-mail with half a character', { email: 'ad\ud83da@example.com' }, 'email'],
    ['an e-mail with a display name', { email: 'Ada <ada@example.com>' }, 'email'],
    ['two e-mails', { email: 'ada@example.com,eve@example.com' }, 'email'],
    ['an e-mail of 255 characters', { email: `${'a'.repeat(243)}@example.com` }, 'email'],
    ['an e-mail that is no text', { email: 7 }, 'email'],
    ['no name', { client_name: undefined }, 'client_name'],
    ['an empty name', { client_name: '' }, 'client_name'],
    ['a name of white space', { client_name: ' \t ' }, 'client_name'],
    ['a name of 201 characters', { client_name: 'x'.repeat(201) }, 'client_name'],
    ['a name with a line feed', { client_name: 'Lovelace\r\nBcc: eve@example.com' }, 'client_name'],
    ['a name with an escape', { client_name: 'Lovelace\u001b[2J' }, 'client_name'],
    ['a name with a NUL', { client_name: 'Love\0lace' }, 'client_name'],
    ['a name with half a character', { client_name: 'Lovelace\udc69' }, 'client_name'],
    ['a customer id of another kind', { stripe_customer_id: 'sub_1' }, 'stripe_customer_id'],
    ['a customer id without a prefix', { stripe_customer_id: '1' }, 'stripe_customer_id'],
    ['a customer id that is only a prefix', { stripe_customer_id: 'cus_' }, 'stripe_customer_id'],
    ['a customer id with a path in it', { stripe_customer_id: 'cus_1/../x' }, 'stripe_customer_id'],
    ['a customer id with a line feed', { stripe_customer_id: 'cus_1\n' }, 'stripe_customer_id'],
    [
      'a customer id of 256 characters',
      { stripe_customer_id: `cus_${'x'.repeat(252)}` },
      'stripe_customer_id',
    ],
    ['a subscription id of another kind', { stripe_subscription_id: 'cus_1' }, 'stripe_subscription_id'],
    ['a subscription without its customer', { stripe_customer_id: undefined }, 'stripe_customer_id'],
    ['a negative count', { initial_license_count: -1 }, 'initial_license_count'],
    ['a fractional count', { initial_license_count: 1.5 }, 'initial_license_count'],
    ['a count above 1,000,000', { initial_license_count: 1_000_001 }, 'initial_license_count'],
    [
      'a count that is not finite',
      { initial_license_count: Number.POSITIVE_INFINITY },
      'initial_license_count',
    ],
    ['a count that is no number', { initial_license_count: Number.NaN }, 'initial_license_count'],
    ['a count as text', { initial_license_count: '10' }, 'initial_license_count'],
    ['a count of null', { initial_license_count: null }, 'initial_license_count'],
  ])('%s is refused, and the field is named', (_name, change, field) => {
    expect(wrongFields(schema, { ...GOOD, ...change })).toEqual([field]);
  });

  test.each<[string, object]>([
    ['all fields', {}],
    [
      'neither customer nor subscription nor count',
      { stripe_customer_id: undefined, stripe_subscription_id: undefined, initial_license_count: undefined },
    ],
    ['a customer without a subscription', { stripe_subscription_id: undefined }],
    ['a count of 0', { initial_license_count: 0 }],
    ['a count of 1,000,000', { initial_license_count: 1_000_000 }],
    ['an e-mail of 254 characters', { email: `${'a'.repeat(242)}@example.com` }],
    ['an e-mail with plus, quote and dots', { email: "o'brien+shop.1@sub.example.co.uk" }],
    ['an e-mail with other scripts', { email: 'почта@пример.рф' }],
    ['an e-mail at a host without a dot', { email: 'ada@intranet' }],
    ['a name of 200 characters', { client_name: 'x'.repeat(200) }],
    ['a name with other scripts and an emoji', { client_name: '株式会社 Ünïcode 🚀' }],
  ])('%s is accepted', (_name, change) => {
    expect(wrongFields(schema, { ...GOOD, ...change })).toEqual([]);
  });

  test('every wrong field is named at once', () => {
    const wrong = {
      email: 'x',
      client_name: '',
      stripe_customer_id: 'x',
      stripe_subscription_id: 'x',
      initial_license_count: -1,
    };
    expect(wrongFields(schema, wrong).sort()).toEqual(Object.keys(wrong).sort());
  });

  test.each([null, undefined, [], 'x', 7])('%j is refused', (input) => {
    expect(schema.safeParse(input).success).toBe(false);
  });

  test('white space around the name is not kept', () => {
    expect(schema.parse({ ...GOOD, client_name: '  Lovelace Ltd\t' }).client_name).toBe('Lovelace Ltd');
  });
});

test('unknown fields are refused over HTTP and ignored in a direct start', () => {
  const input = { ...GOOD, plan: 'pro' };
  expect(checkoutSchema.safeParse(input).success).toBe(false);
  expect(createTenantInputSchema.parse(input)).toEqual({ ...GOOD, source: 'nm_store_checkout' });
});

test('over HTTP nobody can choose the source', () => {
  expect(checkoutSchema.safeParse({ ...GOOD, source: 'migration_import' }).success).toBe(false);
});

test('an unknown source is refused at the workflow', () => {
  expect(createTenantInputSchema.safeParse({ ...GOOD, source: 'elsewhere' }).success).toBe(false);
});
