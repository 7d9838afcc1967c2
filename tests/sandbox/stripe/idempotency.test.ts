import { describe, expect, it } from 'vitest';
import { refusalOf, startSandbox } from './simulator-fixture.ts';

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
    await control.injectFault({ method: 'POST', path: '/v1/customers', kind: 'slow', delayMs: 300 });
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

  it('are ignored on DELETE', async () => {
    const { stripe } = await startSandbox();
    const customer = await stripe.customers.create({});
    await stripe.customers.del(customer.id, {}, { idempotencyKey: 'one' });
    const refusal = await refusalOf(stripe.customers.del(customer.id, {}, { idempotencyKey: 'one' }));
    expect(refusal.statusCode).toBe(404);
  });
});
