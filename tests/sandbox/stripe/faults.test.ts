import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { clientOf, refusalOf, startSandbox } from './simulator-fixture.ts';

describe('a fault', () => {
  it('loses the answer of an executed request; the retry with its key finds the one object', async () => {
    const { simulator, control } = await startSandbox();
    const stripe = clientOf(simulator, { maxNetworkRetries: 2 });
    await control.injectFault({ method: 'POST', path: '/v1/customers', kind: 'lost_answer' });
    const customer = await stripe.customers.create({ email: 'a@example.com' });
    expect(customer.lastResponse.headers['idempotent-replayed']).toBe('true');
    expect((await stripe.customers.list()).data.map((one) => one.id)).toEqual([customer.id]);
    const [lost, replayed] = await control.requests();
    expect(lost).toMatchObject({ status: null, fault: 'lost_answer', path: '/v1/customers' });
    expect(replayed).toMatchObject({ status: 200, replayed: true, idempotencyKey: lost?.idempotencyKey });
  });

  it('answers 429 without doing anything, with and without the reason of a rate limit', async () => {
    const { stripe, control } = await startSandbox();
    await control.injectFault({ kind: 'rate_limit' });
    const limited = await refusalOf(stripe.customers.create({}));
    expect(limited).toBeInstanceOf(Stripe.errors.StripeRateLimitError);
    expect(limited.headers?.['stripe-rate-limited-reason']).toBe('global-rate');
    await control.injectFault({ kind: 'lock_timeout' });
    const locked = await refusalOf(stripe.customers.create({}));
    expect(locked).toMatchObject({ statusCode: 429, code: 'lock_timeout' });
    expect(locked.headers?.['stripe-rate-limited-reason']).toBeUndefined();
    expect((await stripe.customers.list()).data).toEqual([]);
  });

  it('strikes only the requests that it is meant for, and only so often', async () => {
    const { stripe, control } = await startSandbox();
    const { id } = await stripe.customers.create({});
    await control.injectFault({
      method: 'GET',
      path: '/v1/customers/*',
      kind: 'error_before',
      status: 503,
      times: 2,
      after: 1,
    });
    await stripe.customers.list();
    await stripe.customers.retrieve(id);
    for (let i = 0; i < 2; i++) expect((await refusalOf(stripe.customers.retrieve(id))).statusCode).toBe(503);
    await stripe.customers.retrieve(id);
  });
});

describe('an answer that is broken on its way', () => {
  it('is an HTML page of a gateway, without Stripe’s headers and with nothing done', async () => {
    const { simulator, stripe, control } = await startSandbox();
    await control.injectFault({ kind: 'bad_gateway', method: 'POST', path: '/v1/customers', times: 2 });
    const refusal = await refusalOf(stripe.customers.create({}));
    expect(refusal).toBeInstanceOf(Stripe.errors.StripeAPIError);
    expect(refusal.message).toContain('Invalid JSON');
    const response = await fetch(`${simulator.url}/v1/customers`, { method: 'POST' });
    expect([response.status, response.headers.get('request-id')]).toEqual([502, null]);
    expect(await response.text()).toContain('<html>');
    expect((await stripe.customers.list()).data).toEqual([]);
  });

  it('is cut in the middle, after it was executed', async () => {
    const { simulator, control } = await startSandbox();
    const stripe = clientOf(simulator, { maxNetworkRetries: 1 });
    await control.injectFault({ kind: 'cut_body', method: 'POST' });
    const refusal = await refusalOf(stripe.customers.create({}, { maxNetworkRetries: 0 }));
    expect(refusal).toBeInstanceOf(Stripe.errors.StripeConnectionError);
    expect((await stripe.customers.list()).data).toHaveLength(1);
    expect((await control.requests())[0]).toMatchObject({ status: null, fault: 'cut_body' });
  });

  it('comes late, and finds a client that has gone', async () => {
    const { stripe, control } = await startSandbox();
    await control.injectFault({ kind: 'slow', delayMs: 400 });
    const call = stripe.customers.create({ name: 'slow' }, { timeout: 100 });
    expect(await refusalOf(call)).toBeInstanceOf(Stripe.errors.StripeConnectionError);
    await expect.poll(async () => (await stripe.customers.list()).data, { interval: 20 }).toHaveLength(1);
  });

  it('advises the client what the script says', async () => {
    const { simulator, control } = await startSandbox();
    const stripe = clientOf(simulator, { maxNetworkRetries: 2 });
    await control.injectFault({ kind: 'error_before', shouldRetry: false, status: 503 });
    const refusal = await refusalOf(stripe.customers.list());
    expect(refusal).toMatchObject({ statusCode: 503, headers: { 'stripe-should-retry': 'false' } });
    expect(await control.requests()).toHaveLength(1);
    await control.injectFault({ kind: 'rate_limit', shouldRetry: true });
    await stripe.customers.list();
    expect(await control.requests()).toHaveLength(3);
    await control.injectFault({ kind: 'header', shouldRetry: true });
    const response = await fetch(`${simulator.url}/v1/customers`, {
      headers: { authorization: 'Bearer sk_test_x' },
    });
    expect([response.status, response.headers.get('stripe-should-retry')]).toEqual([200, 'true']);
  });
});

describe('the record', () => {
  it('keeps each request with its parameters, key, status and id', async () => {
    const { stripe, control } = await startSandbox();
    const made = await stripe.customers.create({ metadata: { a: '1' } }, { idempotencyKey: 'k' });
    await refusalOf(stripe.customers.retrieve('cus_none'));
    expect(await control.requests()).toMatchObject([
      {
        method: 'POST',
        path: '/v1/customers',
        parameters: { metadata: { a: '1' } },
        idempotencyKey: 'k',
        status: 200,
        requestId: made.lastResponse.requestId,
        stripeVersion: '2026-10-28.endive',
      },
      { method: 'GET', path: '/v1/customers/cus_none', status: 404 },
    ]);
  });

  it('is the same for the same seed, and a reset starts again', async () => {
    const ids: string[] = [];
    const { stripe, control } = await startSandbox({ seed: 7 });
    ids.push((await stripe.customers.create({})).id);
    await control.reset();
    ids.push((await stripe.customers.create({})).id);
    expect((await stripe.customers.list()).data).toHaveLength(1);
    const other = await startSandbox({ seed: 7 });
    ids.push((await other.stripe.customers.create({})).id);
    expect(new Set(ids).size).toBe(1);
    const different = await startSandbox({ seed: 8 });
    expect((await different.stripe.customers.create({})).id).not.toBe(ids[0]);
  });

  it('can be read on the start page', async () => {
    const { simulator, stripe } = await startSandbox();
    await stripe.customers.create({ name: '<b>' }, { idempotencyKey: '<script>' });
    const page = await (await fetch(simulator.url)).text();
    expect(page).toContain('POST /v1/customers');
    expect(page).toContain('customer.created');
    expect(page).not.toContain('<script>');
  });
});
