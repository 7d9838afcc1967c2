import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { refusalOf, startSandbox } from './simulator-fixture.ts';

/** A clock that stands still, so that no token comes back by itself. */
function standingClock(): { now: () => number; pass: (ms: number) => void } {
  let nowMs = Date.now();
  return {
    now: () => nowMs,
    pass: (ms) => {
      nowMs += ms;
    },
  };
}

describe('a rate limit', () => {
  it('takes a token for every request, of whatever kind, and gives it back with time', async () => {
    const { now, pass } = standingClock();
    const { stripe } = await startSandbox({ now, requestLimits: { perSecond: 3 } });
    await stripe.customers.create({});
    await stripe.customers.list();
    await refusalOf(stripe.customers.retrieve('cus_none'));
    const refusal = await refusalOf(stripe.customers.list());
    expect(refusal).toBeInstanceOf(Stripe.errors.StripeRateLimitError);
    expect(refusal).toMatchObject({ statusCode: 429, code: 'rate_limit' });
    expect(refusal.headers?.['stripe-rate-limited-reason']).toBe('global-rate');
    pass(334);
    await stripe.customers.list();
    expect((await refusalOf(stripe.customers.list())).statusCode).toBe(429);
    pass(10_000);
    for (let count = 0; count < 3; count++) await stripe.customers.list();
    expect((await refusalOf(stripe.customers.list())).statusCode).toBe(429);
  });

  it('does nothing, so that the same key can be used again', async () => {
    const { now, pass } = standingClock();
    const { stripe } = await startSandbox({ now, requestLimits: { perSecond: 1 } });
    await stripe.customers.list();
    const create = (): Promise<Stripe.Response<Stripe.Customer>> =>
      stripe.customers.create({}, { idempotencyKey: 'one' });
    expect((await refusalOf(create())).statusCode).toBe(429);
    pass(1_000);
    expect((await create()).lastResponse.headers['idempotent-replayed']).toBeUndefined();
  });

  it('is for each account, and a tighter one for searches', async () => {
    const { now } = standingClock();
    const { stripe, control } = await startSandbox({ now });
    await control.limitRequests({ perSecond: 2, searchPerSecond: 1 });
    await stripe.customers.search({ query: "email:'a@example.com'" });
    const refusal = await refusalOf(stripe.customers.search({ query: "email:'a@example.com'" }));
    expect(refusal.headers?.['stripe-rate-limited-reason']).toBe('endpoint-rate');
    await stripe.customers.list();
    expect((await refusalOf(stripe.customers.list())).statusCode).toBe(429);
    await stripe.customers.list({}, { stripeAccount: 'acct_1Other' });
    await control.limitRequests({ perSecond: null });
    for (let count = 0; count < 5; count++) await stripe.customers.list();
  });

  it('is off by default, and a reset brings back that of the start', async () => {
    const { now } = standingClock();
    const { stripe, control } = await startSandbox({ now });
    for (let count = 0; count < 60; count++) await stripe.customers.list({ limit: 1 });
    await control.limitRequests({ perSecond: 1 });
    await control.reset();
    for (let count = 0; count < 5; count++) await stripe.customers.list();
  });
});
