import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { Failure, type FailureName } from '../../domain/failures.ts';
import { stripeCustomerIdSchema } from '../../domain/ids.ts';
import { createStripe } from '../../stripe/client.ts';
import { retrieveCustomer } from '../../stripe/customers.ts';
import { stripeFailure } from '../../stripe/errors.ts';
import { listSubscriptions } from '../../stripe/subscriptions.ts';
import { useAnswers, useStripe } from './stripe-simulator.ts';

const { stripe, control, customer } = await useStripe();
const ID = stripeCustomerIdSchema.parse('cus_1');

let next: (response: ServerResponse) => void = (response) => response.end('{}');
const scripted = await useAnswers((response) => next(response));

async function failureOf(run: () => Promise<unknown>): Promise<Failure> {
  try {
    await run();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('nothing failed');
}

/** What a read is named when Stripe, or what stands before it, answers so. */
function answered(status: number, body: string, headers: Record<string, string> = {}): Promise<Failure> {
  next = (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  return failureOf(() => retrieveCustomer(scripted, ID));
}
const errorBody = (error: object) =>
  JSON.stringify({ error: { message: 'ada@example.com says no', ...error } });

describe('a failure is named by status and code', () => {
  test.each<[number, object, FailureName]>([
    [400, { type: 'invalid_request_error', code: 'parameter_unknown', param: 'x' }, 'StripeRequestRefused'],
    [400, { type: 'idempotency_error' }, 'StripeIdempotencyConflict'],
    [401, { type: 'invalid_request_error' }, 'StripeAuthenticationFailed'],
    [402, { type: 'card_error', code: 'card_declined' }, 'StripeRequestRefused'],
    [403, { type: 'invalid_request_error' }, 'StripePermissionDenied'],
    [409, { type: 'idempotency_error', code: 'idempotency_key_in_use' }, 'StripeObjectLocked'],
    [409, { type: 'api_error' }, 'StripeObjectLocked'],
    [429, { type: 'invalid_request_error', code: 'rate_limit' }, 'StripeRateLimited'],
    [429, { type: 'invalid_request_error', code: 'lock_timeout' }, 'StripeObjectLocked'],
    [500, { type: 'api_error' }, 'StripeUnavailable'],
    [503, { type: 'api_error' }, 'StripeUnavailable'],
  ])('I9 %i %j is %s, without Stripe’s sentence', async (status, error, name) => {
    const failure = await answered(status, errorBody(error), { 'request-id': 'req_1' });
    expect(failure.name).toBe(name);
    expect(failure.message).toContain('request req_1');
    expect(failure.message).not.toContain('ada@');
  });

  test.each<[string, number, string]>([
    ['a proxy’s page as a success', 200, '<html>maintenance</html>'],
    ['a proxy’s page as an error', 502, '<html>bad gateway</html>'],
    ['a cut answer', 200, '{"id":"cus_1","ema'],
    ['an empty answer', 200, ''],
    ['a number instead of an object', 200, '7'],
    ['null instead of an object', 200, 'null'],
    ['an object of another kind', 200, '{"id":"sub_1","object":"subscription"}'],
    ['a customer with fields of another kind', 200, '{"id":"cus_1","email":7,"metadata":{}}'],
  ])('%s is passing trouble', async (_name, status, body) => {
    expect(await answered(status, body)).toMatchObject({ name: 'StripeUnavailable' });
  });

  test('an answer that is cut in the middle of its body is passing trouble', async () => {
    next = (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{"id":"cus_1"');
      setImmediate(() => response.destroy());
    };
    expect(await failureOf(() => retrieveCustomer(scripted, ID))).toMatchObject({
      name: 'StripeUnavailable',
    });
  });

  test('nobody listens: passing trouble', async () => {
    const nobody = createStripe({ secretKey: 'sk_test_1', apiBase: 'http://127.0.0.1:1' });
    expect(await failureOf(() => retrieveCustomer(nobody, ID))).toMatchObject({ name: 'StripeUnavailable' });
  });
});

test.each([
  ['7', 7_000],
  ['0', undefined],
  ['-3', undefined],
  ['Wed, 21 Oct 2026 07:28:00 GMT', undefined],
])('Retry-After %s asks for %s ms', async (header, retryAfterMs) => {
  const failure = await answered(429, errorBody({ code: 'rate_limit' }), { 'retry-after': header });
  expect(failure.retryAfterMs).toBe(retryAfterMs);
});

describe('as the simulator answers', () => {
  test.each<[Parameters<typeof control.injectFault>[0], FailureName]>([
    [{ kind: 'rate_limit' }, 'StripeRateLimited'],
    [{ kind: 'lock_timeout' }, 'StripeObjectLocked'],
    [{ kind: 'error_before', status: 500 }, 'StripeUnavailable'],
    [{ kind: 'error_after', status: 502 }, 'StripeUnavailable'],
  ])('%j is %s, once: the SDK does not retry by itself', async (fault, name) => {
    const made = stripeCustomerIdSchema.parse((await customer()).id);
    await control.injectFault({ ...fault, path: `/v1/customers/${made}` });
    const before = (await control.requests()).length;
    expect(await failureOf(() => retrieveCustomer(stripe, made))).toMatchObject({ name });
    expect((await control.requests()).length - before).toBe(1);
    expect(await retrieveCustomer(stripe, made)).toMatchObject({ id: made });
  });

  test('a lost answer is the one thing that the SDK asks for again, once; then it is passing trouble', async () => {
    const made = stripeCustomerIdSchema.parse((await customer()).id);
    await control.injectFault({ kind: 'lost_answer', path: `/v1/customers/${made}`, times: 2 });
    const before = (await control.requests()).length;
    expect(await failureOf(() => retrieveCustomer(stripe, made))).toMatchObject({
      name: 'StripeUnavailable',
    });
    expect((await control.requests()).length - before).toBe(2);
  });

  test('what Stripe does not know is an answer, not a failure', async () => {
    expect(await retrieveCustomer(stripe, stripeCustomerIdSchema.parse('cus_unknown'))).toBeNull();
    expect(await listSubscriptions(stripe, stripeCustomerIdSchema.parse('cus_unknown'))).toEqual([]);
  });
});

test('errors of others are left as they are', () => {
  for (const error of [new TypeError('x'), new Failure('StaleSnapshot', 'x'), null, 'text']) {
    expect(stripeFailure(error)).toBe(error);
  }
});
