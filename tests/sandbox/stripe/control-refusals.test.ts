import { describe, expect, it } from 'vitest';
import { startSandbox } from './simulator-fixture.ts';

/** The status of the answer to a control request. @param body as it is sent */
async function statusOf(url: string, path: string, body: string): Promise<number> {
  const response = await fetch(`${url}/_control/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  return response.status;
}

describe('the control API', () => {
  it.each([
    ['subscriptions/sub_none/status', { status: 'past_due' }],
    ['checkout-sessions/cs_none/complete', { payment: 'card' }],
    ['checkout-sessions/cs_none/settle', { paid: true }],
    ['checkout-sessions/cs_none/expire', {}],
    ['intents/pi_none/authenticate', { succeeds: true }],
    ['intents/pi_none/settle', { paid: true }],
    ['charges/ch_none/dispute', { reason: 'fraudulent' }],
    ['disputes/du_none/close', { won: true }],
    ['portal-sessions/bps_none/cancel', { subscription: 'sub_none' }],
    ['webhook-endpoints/we_none/roll-secret', {}],
  ])('answers 404 about what is not there: %s', async (path, body) => {
    const { simulator } = await startSandbox();
    expect(await statusOf(simulator.url, path, JSON.stringify(body))).toBe(404);
  });

  it('answers 400 to a body that is no JSON, and 422 to one of another shape', async () => {
    const { simulator } = await startSandbox();
    expect(await statusOf(simulator.url, 'time', '{')).toBe(400);
    expect(await statusOf(simulator.url, 'time', '[]')).toBe(422);
  });

  it('answers 400 to what can not be done to an object as it is', async () => {
    const { simulator, stripe } = await startSandbox();
    const intent = await stripe.paymentIntents.create({ amount: 1_000, currency: 'eur' });
    expect(await statusOf(simulator.url, `intents/${intent.id}/settle`, '{"paid":true}')).toBe(400);
  });
});
