import { describe, expect, test } from 'vitest';
import { readAmendCommand, readOperatorCommand } from '../../domain/operator-command.ts';

const COMMAND = { step: 'send_invitation', actor: 'grace', reason: 'the address had a typo' };

test('actor and reason are kept without the white space around them', () => {
  expect(readOperatorCommand({ ...COMMAND, actor: ' grace\n' })).toEqual(COMMAND);
});

describe('a command without who, why or where is refused, and every wrong field named', () => {
  test.each<[string, unknown, string[]]>([
    ['nothing', undefined, ['input']],
    ['empty', {}, ['step', 'actor', 'reason']],
    ['blank actor and reason', { ...COMMAND, actor: ' ', reason: '' }, ['actor', 'reason']],
    ['a reason that is too long', { ...COMMAND, reason: 'x'.repeat(2_001) }, ['reason']],
    ['an unknown field', { ...COMMAND, emial: 'ada@example.com' }, ['emial']],
  ])('%s', (_name, command, fields) => {
    for (const field of fields) expect(() => readOperatorCommand(command)).toThrow(field);
  });
});

test.each([{ email: 'ada@example.com' }, { stripe_subscription_id: 'sub_1' }, { initial_license_count: 0 }])(
  'an amendment may correct %j',
  (correction) => {
    expect(readAmendCommand({ ...COMMAND, ...correction })).toEqual({ ...COMMAND, ...correction });
  },
);

test.each<[object, string]>([
  [{}, 'at least one'],
  [{ email: 'ada' }, 'email'],
  [{ stripe_subscription_id: 'cus_1' }, 'stripe_subscription_id'],
  [{ initial_license_count: -1 }, 'initial_license_count'],
  [{ stripe_customer_id: 'cus_1' }, 'stripe_customer_id'],
])('an amendment with %j is refused', (correction, what) => {
  expect(() => readAmendCommand({ ...COMMAND, ...correction })).toThrow(
    expect.objectContaining({ name: 'InvalidInput', message: expect.stringContaining(what) }),
  );
});

test('I9 a refusal quotes no values', () => {
  expect(() => readAmendCommand({ ...COMMAND, email: 'ada at example.com' })).not.toThrow('ada');
});
