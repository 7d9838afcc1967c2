import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { createCustomer, refusalOf, startSandbox } from './simulator-fixture.ts';

describe('idempotency keys', () => {
  it('answer the same object again, marked as replayed, and execute once', async () => {
    const { stripe, control } = await startSandbox();
    const first = await stripe.customers.create({ email: 'a@example.com' }, { idempotencyKey: 'one' });
    const again = await stripe.customers.create({ email: 'a@example.com' }, { idempotencyKey: 'one' });
    expect(again.id).toBe(first.id);
    expect(again.lastResponse.headers['idempotent-replayed']).toBe('true');
    expect(again.lastResponse.headers['original-request']).toBe(first.lastResponse.requestId);
    expect(first.lastResponse.headers['idempotent-replayed']).toBeUndefined();
    expect((await stripe.customers.list()).data).toHaveLength(1);
    expect(
      (await control.requests()).filter((one) => one.idempotencyKey === 'one').map((one) => one.replayed),
    ).toEqual([false, true]);
  });

  it('refuse other parameters with a 400 idempotency_error', async () => {
    const { stripe } = await startSandbox();
    await stripe.customers.create({ email: 'a@example.com' }, { idempotencyKey: 'one' });
    const refusal = await refusalOf(
      stripe.customers.create({ email: 'b@example.com' }, { idempotencyKey: 'one' }),
    );
    expect(refusal).toMatchObject({ statusCode: 400, rawType: 'idempotency_error' });
    expect(refusal.message).toContain(
      "Try using a key other than 'one' if you meant to execute a different request.",
    );
  });

  it('refuse with a 409 while the first request is still running', async () => {
    const { stripe, control } = await startSandbox();
    await control.injectFault({ method: 'POST', path: '/v1/customers', kind: 'slow', delayMs: 3_000 });
    const slow = stripe.customers.create({ email: 'a@example.com' }, { idempotencyKey: 'one' });
    await expect.poll(async () => (await control.requests()).length).toBe(1);
    const refusal = await refusalOf(
      stripe.customers.create({ email: 'a@example.com' }, { idempotencyKey: 'one' }),
    );
    expect(refusal).toMatchObject({ statusCode: 409, code: 'idempotency_key_in_use' });
    const done = await slow;
    const again = await stripe.customers.create({ email: 'a@example.com' }, { idempotencyKey: 'one' });
    expect(again.id).toBe(done.id);
  });

  it('are new after a reset, whatever is still running', async () => {
    const { stripe, control } = await startSandbox();
    const create = () => stripe.customers.create({ email: 'a@example.com' }, { idempotencyKey: 'one' });
    await control.injectFault({ method: 'POST', path: '/v1/customers', kind: 'slow', delayMs: 1_000 });
    const before = create();
    await expect.poll(async () => (await control.requests()).length).toBe(1);
    await control.reset();
    await control.injectFault({ method: 'POST', path: '/v1/customers', kind: 'slow', delayMs: 6_000 });
    const after = create();
    await expect.poll(async () => (await control.requests()).length).toBe(1);
    await before;
    expect(await refusalOf(create())).toMatchObject({ statusCode: 409 });
    expect((await after).lastResponse.headers['idempotent-replayed']).toBeUndefined();
  });

  it('do not keep what validation refused, so the corrected request is executed', async () => {
    const { stripe } = await startSandbox();
    await refusalOf(stripe.products.create({ name: '' }, { idempotencyKey: 'one' }));
    const product = await stripe.products.create({ name: 'Licence' }, { idempotencyKey: 'one' });
    expect(product.lastResponse.headers['idempotent-replayed']).toBeUndefined();
  });

  it('keep a 500 and replay it, also when the request was executed', async () => {
    const { stripe, control } = await startSandbox();
    for (const kind of ['error_before', 'error_after'] as const) {
      await control.injectFault({ path: '/v1/customers', kind });
      const email = `${kind}@example.com`;
      await refusalOf(stripe.customers.create({ email }, { idempotencyKey: kind }));
      const again = await refusalOf(stripe.customers.create({ email }, { idempotencyKey: kind }));
      expect(again.statusCode).toBe(500);
      expect(again.headers?.['idempotent-replayed']).toBe('true');
      const { data } = await stripe.customers.list({ email });
      expect(data).toHaveLength(kind === 'error_after' ? 1 : 0);
    }
  });

  it('keep a declined card, so that only another key charges again', async () => {
    const { stripe } = await startSandbox();
    const customer = await createCustomer(stripe);
    const charge = (idempotencyKey: string): Promise<unknown> =>
      stripe.paymentIntents.create(
        {
          amount: 500,
          currency: 'usd',
          customer: customer.id,
          payment_method: 'pm_card_visa_chargeDeclined',
          confirm: true,
          off_session: true,
        },
        { idempotencyKey },
      );
    const first = await refusalOf(charge('one'));
    expect(first).toMatchObject({ statusCode: 402, code: 'card_declined' });
    const again = await refusalOf(charge('one'));
    expect(again.headers?.['idempotent-replayed']).toBe('true');
    expect(again).toMatchObject({ statusCode: 402, payment_intent: { id: first.payment_intent?.id } });
    const other = await refusalOf(charge('two'));
    expect(other.headers?.['idempotent-replayed']).toBeUndefined();
    expect(other.payment_intent?.id).not.toBe(first.payment_intent?.id);
  });

  it('do not keep conflicts: what a lock or a limit refused is executed next time', async () => {
    const { stripe, control } = await startSandbox();
    for (const kind of ['lock_timeout', 'rate_limit', 'bad_gateway'] as const) {
      await control.injectFault({ kind });
      await refusalOf(stripe.customers.create({ name: kind }, { idempotencyKey: kind }));
      const made = await stripe.customers.create({ name: kind }, { idempotencyKey: kind });
      expect(made.lastResponse.headers['idempotent-replayed']).toBeUndefined();
    }
    expect((await stripe.customers.list()).data).toHaveLength(3);
  });

  it('are forgotten after a day', async () => {
    const { stripe, control } = await startSandbox();
    const first = await stripe.products.create({ name: 'a' }, { idempotencyKey: 'one' });
    await control.setTimeOffset(24 * 3_600_000 - 60_000);
    const replayed = await stripe.products.create({ name: 'a' }, { idempotencyKey: 'one' });
    expect(replayed.id).toBe(first.id);
    await control.setTimeOffset(24 * 3_600_000 + 60_000);
    const second = await stripe.products.create({ name: 'b' }, { idempotencyKey: 'one' });
    expect(second.id).not.toBe(first.id);
  });

  it('are refused when they are longer than 255 characters', async () => {
    const { stripe } = await startSandbox();
    await stripe.customers.create({}, { idempotencyKey: 'k'.repeat(255) });
    const refusal = await refusalOf(stripe.customers.create({}, { idempotencyKey: 'k'.repeat(256) }));
    expect(refusal.statusCode).toBe(400);
  });

  it('belong to one endpoint: the same key for another is refused', async () => {
    const { stripe } = await startSandbox();
    await stripe.customers.create({ name: 'a' }, { idempotencyKey: 'one' });
    const refusal = await refusalOf(stripe.products.create({ name: 'a' }, { idempotencyKey: 'one' }));
    expect(refusal).toMatchObject({ statusCode: 400, rawType: 'idempotency_error' });
  });

  it('of the v2 API are taken by POST and DELETE, and keep successes only', async () => {
    const { stripe, control } = await startSandbox();
    const { eventDestinations } = stripe.v2.core;
    const create = (): Promise<Stripe.V2.Core.EventDestination> =>
      eventDestinations.create(
        {
          name: 'Ours',
          type: 'webhook_endpoint',
          event_payload: 'thin',
          enabled_events: ['*'],
          webhook_endpoint: { url: 'http://127.0.0.1:9/x' },
        },
        { idempotencyKey: 'one' },
      );
    await control.injectFault({ kind: 'error_before' });
    expect((await refusalOf(create())).statusCode).toBe(500);
    const made = await create();
    expect((await create()).id).toBe(made.id);
    const remove = (): Promise<Stripe.Response<Stripe.V2.DeletedObject>> =>
      eventDestinations.del(made.id, {}, { idempotencyKey: 'two' });
    await remove();
    expect((await remove()).lastResponse.headers['idempotent-replayed']).toBe('true');
  });

  it('are ignored on DELETE', async () => {
    const { stripe } = await startSandbox();
    const customer = await stripe.customers.create({});
    await stripe.customers.del(customer.id, {}, { idempotencyKey: 'one' });
    const refusal = await refusalOf(stripe.customers.del(customer.id, {}, { idempotencyKey: 'one' }));
    expect(refusal.statusCode).toBe(404);
  });
});
