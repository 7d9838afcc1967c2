import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import {
  createCustomer,
  type Receiver,
  refusalOf,
  startReceiver,
  startSandbox,
} from './simulator-fixture.ts';

const nowhere = 'http://127.0.0.1:9/webhooks';

/** The signatures of one scheme in a webhook's header. */
function signatures(receiver: Receiver, index: number, scheme: 'v0' | 'v1'): string[] {
  const items = receiver.received[index]?.signature.split(',') ?? [];
  return items.filter((item) => item.startsWith(`${scheme}=`));
}

describe('a webhook endpoint', () => {
  it('knows every event type of the API, and refuses what is none', async () => {
    const { stripe } = await startSandbox();
    const unknown = ['customer.painted'] as unknown as Stripe.WebhookEndpointCreateParams.EnabledEvent[];
    const refusal = await refusalOf(
      stripe.webhookEndpoints.create({ url: nowhere, enabled_events: unknown }),
    );
    expect(refusal).toMatchObject({ statusCode: 400, param: 'enabled_events[0]' });
    const { id } = await stripe.webhookEndpoints.create({ url: nowhere, enabled_events: ['*'] });
    const update = stripe.webhookEndpoints.update(id, { enabled_events: unknown });
    expect((await refusalOf(update)).statusCode).toBe(400);
  });

  it('whose URL can not be requested fails its deliveries, and harms nothing else', async () => {
    const { stripe, control } = await startSandbox({ deliveries: { attemptsMax: 1 } });
    await stripe.webhookEndpoints.create({
      url: 'http://%zz@127.0.0.1:9/',
      enabled_events: ['customer.created'],
    });
    await createCustomer(stripe);
    await control.waitUntilIdle();
    expect(await control.deliveries()).toMatchObject([{ outcome: 'failed', error: 'URI malformed' }]);
  });

  it('is one of sixteen at most, event destinations included', async () => {
    const { stripe, control } = await startSandbox();
    await control.createEventDestination({ url: nowhere });
    for (let count = 0; count < 15; count++)
      await stripe.webhookEndpoints.create({ url: nowhere, enabled_events: ['*'] });
    const refusal = await refusalOf(stripe.webhookEndpoints.create({ url: nowhere, enabled_events: ['*'] }));
    expect(refusal).toMatchObject({ statusCode: 400, message: expect.stringContaining('16') });
  });

  it('gets events in the version that it names', async () => {
    const { stripe, control } = await startSandbox();
    const [pinned, plain] = [await startReceiver(), await startReceiver()];
    const endpoint = await stripe.webhookEndpoints.create({
      url: pinned.url,
      enabled_events: ['*'],
      api_version: '2025-03-31.basil',
    });
    expect(endpoint.api_version).toBe('2025-03-31.basil');
    await stripe.webhookEndpoints.create({ url: plain.url, enabled_events: ['*'] });
    await stripe.products.create({ name: 'Licence' });
    await control.waitUntilIdle();
    const versions = [pinned, plain].map(({ received }) => JSON.parse(received[0]?.body ?? '').api_version);
    expect(versions).toEqual(['2025-03-31.basil', '2026-10-28.endive']);
  });

  it('gets what it missed when it is enabled again in time', async () => {
    const { stripe, control } = await startSandbox({
      deliveries: { retryFirstMs: 3_000, retryWaitMaxMs: 3_000 },
    });
    const receiver = await startReceiver();
    const endpoint = await stripe.webhookEndpoints.create({ url: receiver.url, enabled_events: ['*'] });
    receiver.answerNext(500);
    await stripe.products.create({ name: 'Licence' });
    await expect.poll(() => receiver.received.length, { interval: 5 }).toBe(1);
    await stripe.webhookEndpoints.update(endpoint.id, { disabled: true });
    const enabled = await stripe.webhookEndpoints.update(endpoint.id, { disabled: false });
    expect(enabled.status).toBe('enabled');
    await control.waitUntilIdle();
    expect(receiver.types()).toEqual(['product.created', 'product.created']);
  });

  it('gets nothing more once it is deleted, and its events stay undelivered', async () => {
    const { stripe, control } = await startSandbox({ deliveries: { retryFirstMs: 2_000 } });
    const receiver = await startReceiver();
    const endpoint = await stripe.webhookEndpoints.create({ url: receiver.url, enabled_events: ['*'] });
    receiver.answerNext(500);
    await stripe.products.create({ name: 'Licence' });
    await expect.poll(() => receiver.received.length, { interval: 5 }).toBe(1);
    expect(await stripe.webhookEndpoints.del(endpoint.id)).toEqual({
      id: endpoint.id,
      object: 'webhook_endpoint',
      deleted: true,
    });
    await control.waitUntilIdle();
    expect(receiver.received).toHaveLength(1);
    const undelivered = await stripe.events.list({ delivery_success: false });
    expect(undelivered.data.map(({ type }) => type)).toEqual(['product.created']);
  });
});

describe('a rolled secret', () => {
  it('signs first, beside the old one until that expires', async () => {
    const { stripe, control } = await startSandbox();
    const receiver = await startReceiver();
    const endpoint = await stripe.webhookEndpoints.create({ url: receiver.url, enabled_events: ['*'] });
    const { secret } = await control.rollWebhookSecret(endpoint.id, { expiresAfterMs: 3_600_000 });
    const customer = await createCustomer(stripe);
    await control.waitUntilIdle();
    receiver.received.length = 0;
    await stripe.customers.update(customer.id, { name: 'a' });
    await control.waitUntilIdle();
    expect(signatures(receiver, 0, 'v1')).toHaveLength(2);
    const [{ body = '', signature = '' } = {}] = receiver.received;
    const [newest] = signatures(receiver, 0, 'v1');
    const old = stripe.webhooks.generateTestHeaderString({
      payload: body,
      secret: endpoint.secret ?? '',
      timestamp: Number(/t=(\d+)/.exec(signature)?.[1]),
    });
    expect(old).not.toContain(newest);
    for (const one of [secret, endpoint.secret ?? ''])
      expect(stripe.webhooks.constructEvent(body, signature, one).type).toBe('customer.updated');
    await control.setTimeOffset(3_600_001);
    await stripe.customers.update(customer.id, { name: 'b' });
    await control.waitUntilIdle();
    expect(signatures(receiver, 1, 'v1')).toHaveLength(1);
    const last = receiver.received[1];
    expect(() =>
      stripe.webhooks.constructEvent(last?.body ?? '', last?.signature ?? '', endpoint.secret ?? ''),
    ).toThrow();
  });

  it('is good for an event destination as well, at once when the old one expires at once', async () => {
    const { stripe, control } = await startSandbox();
    const receiver = await startReceiver();
    const { id, secret: old } = await control.createEventDestination({ url: receiver.url });
    const { secret } = await control.rollWebhookSecret(id, { expiresAfterMs: 0 });
    await stripe.products.create({ name: 'Licence' });
    await control.waitUntilIdle();
    const [{ body = '', signature = '' } = {}] = receiver.received;
    expect(stripe.parseEventNotification(body, signature, secret).type).toBe('v1.product.created');
    expect(() => stripe.parseEventNotification(body, signature, old)).toThrow();
  });

  it('is refused for a receiver that is not there, and for more than a day', async () => {
    const { control } = await startSandbox();
    await expect(control.rollWebhookSecret('we_none')).rejects.toThrow('no webhook endpoint');
    const { id } = await control.createEventDestination({ url: nowhere });
    await expect(control.rollWebhookSecret(id, { expiresAfterMs: 86_400_001 })).rejects.toThrow('422');
  });

  it('comes with a v0 that verifies with nothing, as in test mode', async () => {
    const { stripe, control } = await startSandbox();
    const receiver = await startReceiver();
    const endpoint = await stripe.webhookEndpoints.create({ url: receiver.url, enabled_events: ['*'] });
    await stripe.products.create({ name: 'Licence' });
    await control.waitUntilIdle();
    expect(signatures(receiver, 0, 'v0')).toHaveLength(1);
    const [{ body = '', signature = '' } = {}] = receiver.received;
    const disguised = signature.replace(/,v1=\w+/, '').replace('v0=', 'v1=');
    expect(() => stripe.webhooks.constructEvent(body, disguised, endpoint.secret ?? '')).toThrow();
  });
});
