import { expect, test } from 'vitest';
import { adviceFor, FAILURES, Failure, type FailureName, isFinal } from '../../domain/failures.ts';

const NAMES = Object.keys(FAILURES) as FailureName[];

test.each(NAMES)('%s tells an operator what to do', (name) => {
  expect(adviceFor(name)).toMatch(/^[A-Z].{20,}\.$/);
  expect(isFinal(name)).toBe(FAILURES[name].after === 'final');
});

test.each(['Unexpected', 'TypeError', '', 'toString', 'constructor', '__proto__'])(
  'a name that is not ours, %j, gets the general advice',
  (name) => {
    expect(adviceFor(name)).toContain('unexpected');
  },
);

test('a failure carries its name, its message and the wait that was asked for', () => {
  const failure = new Failure('StripeRateLimited', 'slow down', { retryAfterMs: 2_000 });
  expect(failure).toMatchObject({ name: 'StripeRateLimited', message: 'slow down', retryAfterMs: 2_000 });
  expect(failure).toBeInstanceOf(Error);
  expect('cause' in new Failure('StaleSnapshot', 'x')).toBe(false);
});
