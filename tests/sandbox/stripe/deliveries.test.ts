import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import type { DeliverySettings } from '../../../sandbox/stripe/webhooks/delivery-settings.ts';
import { type Receiver, type Sandbox, startReceiver, startSandbox } from './simulator-fixture.ts';

interface DeliverySandbox extends Sandbox {
  readonly receiver: Receiver;
  readonly endpoint: Stripe.WebhookEndpoint;
}

/** A simulator with one endpoint that wants customer events, and retries that a test can wait for. */
async function startDelivering(
  options: { deliveries?: Partial<DeliverySettings>; delayMs?: number; location?: string } = {},
): Promise<DeliverySandbox> {
  const sandbox = await startSandbox({
    deliveries: { retryFirstMs: 10, retryWaitMaxMs: 40, timeoutMs: 20_000, ...options.deliveries },
  });
  const receiver = await startReceiver(options);
  const endpoint = await sandbox.stripe.webhookEndpoints.create({
    url: receiver.url,
    enabled_events: ['customer.created', 'customer.updated', 'customer.deleted'],
  });
  return { ...sandbox, receiver, endpoint };
}

describe('a webhook', () => {
  it('verifies with the secret of its endpoint, over the raw bytes, and reaches only who wants its type', async () => {
    const { stripe, control, receiver, endpoint } = await startDelivering();
    expect(endpoint.secret).toMatch(/^whsec_[A-Za-z0-9]{32}$/);
    expect((await stripe.webhookEndpoints.retrieve(endpoint.id)).secret).toBeUndefined();
    const customer = await stripe.customers.create({ name: 'Zoë' });
    await stripe.products.create({ name: 'not wanted' });
    await control.waitUntilIdle();
    expect(receiver.types()).toEqual(['customer.created']);
    const [webhook] = receiver.received;
    const event = stripe.webhooks.constructEvent(
      webhook?.body ?? '',
      webhook?.signature ?? '',
      endpoint.secret ?? '',
    );
    expect(event).toMatchObject({
      object: 'event',
      api_version: '2026-10-28.endive',
      livemode: false,
      pending_webhooks: 1,
      data: { object: { id: customer.id, name: 'Zoë' } },
    });
    const reprinted = JSON.stringify(JSON.parse(webhook?.body ?? ''));
    expect(() =>
      stripe.webhooks.constructEvent(reprinted, webhook?.signature ?? '', endpoint.secret ?? ''),
    ).toThrow();
    expect((await stripe.events.retrieve(event.id)).pending_webhooks).toBe(0);
  });

  it('is tried again until a 2xx, with the same event id', async () => {
    const { stripe, control, receiver } = await startDelivering();
    receiver.answerNext(500, 404, 302, 204);
    await stripe.customers.create({});
    await control.waitUntilIdle();
    const bodies = receiver.received.map(({ body }) => body);
    expect(bodies).toHaveLength(4);
    expect(new Set(bodies).size).toBe(1);
    expect((await control.deliveries()).map((one) => [one.attempt, one.status, one.outcome])).toEqual([
      [1, 500, 'failed'],
      [2, 404, 'failed'],
      [3, 302, 'failed'],
      [4, 204, 'delivered'],
    ]);
  });

  it('does not follow a redirect', async () => {
    const target = await startReceiver();
    const { stripe, control, receiver } = await startDelivering({
      location: target.url,
      deliveries: { attemptsMax: 1 },
    });
    receiver.answerNext(307);
    await stripe.customers.create({});
    await control.waitUntilIdle();
    expect(target.received).toEqual([]);
    expect((await control.deliveries()).map((one) => one.outcome)).toEqual(['failed']);
  });

  it('that is not answered in time has failed', async () => {
    const { stripe, control } = await startDelivering({
      delayMs: 400,
      deliveries: { timeoutMs: 60, attemptsMax: 1 },
    });
    await stripe.customers.create({});
    await control.waitUntilIdle();
    expect(await control.deliveries()).toMatchObject([
      { status: null, outcome: 'failed', error: 'no answer within 60 ms' },
    ]);
  });

  it('that failed for good is found by delivery_success', async () => {
    const { stripe, control, receiver } = await startDelivering({ deliveries: { attemptsMax: 2 } });
    receiver.answerNext(500, 500);
    const lost = await stripe.customers.create({});
    await control.waitUntilIdle();
    const found = await stripe.customers.create({});
    await control.waitUntilIdle();
    const failed = await stripe.events.list({ delivery_success: false, types: ['customer.created'] });
    const delivered = await stripe.events.list({ delivery_success: true, type: 'customer.created' });
    expect(failed.data.map((event) => event.data.object)).toMatchObject([{ id: lost.id }]);
    expect(delivered.data.map((event) => event.data.object)).toMatchObject([{ id: found.id }]);
  });

  it('is not sent to a disabled endpoint, also not as a retry', async () => {
    const { stripe, control, receiver, endpoint } = await startDelivering({
      deliveries: { retryFirstMs: 3_000, retryWaitMaxMs: 3_000 },
    });
    receiver.answerNext(500);
    await stripe.customers.create({});
    await expect.poll(async () => (await control.deliveries()).length, { interval: 10 }).toBe(1);
    await stripe.webhookEndpoints.update(endpoint.id, { disabled: true });
    await stripe.customers.create({});
    await control.waitUntilIdle();
    expect(receiver.received).toHaveLength(1);
  });
});

describe('the control of deliveries', () => {
  it('holds them back and delivers them in any order and number', async () => {
    const { stripe, control, receiver } = await startDelivering();
    await control.holdDeliveries();
    const { id } = await stripe.customers.create({});
    await stripe.customers.update(id, { name: 'a' });
    await stripe.customers.del(id);
    await control.waitUntilIdle();
    expect(receiver.received).toEqual([]);
    const held = await control.heldDeliveries();
    expect(held.map((one) => one.eventType)).toEqual([
      'customer.created',
      'customer.updated',
      'customer.deleted',
    ]);
    const [created = '', updated = '', deleted = ''] = held.map((one) => one.eventId);
    const answers = await control.deliver({ eventIds: [deleted, created], copies: 2 });
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200]);
    expect(receiver.types()).toEqual([
      'customer.deleted',
      'customer.deleted',
      'customer.created',
      'customer.created',
    ]);
    await control.releaseDeliveries();
    await control.waitUntilIdle();
    expect(receiver.types().slice(4)).toEqual(['customer.updated']);
    await control.deliver({ eventIds: [updated] });
    expect(receiver.types().slice(5)).toEqual(['customer.updated']);
  });

  it('drops, duplicates and delays the next ones', async () => {
    const { stripe, control, receiver } = await startDelivering();
    await control.dropNext();
    const { id } = await stripe.customers.create({});
    await control.duplicateNext({ copies: 3 });
    await stripe.customers.update(id, { name: 'a' });
    await control.waitUntilIdle();
    expect(receiver.types()).toEqual(['customer.updated', 'customer.updated', 'customer.updated']);
    await control.delayNext({ delayMs: 2_000, types: ['customer.updated'] });
    await stripe.customers.update(id, { name: 'b' });
    await stripe.customers.del(id);
    await control.waitUntilIdle();
    expect(receiver.types().slice(3)).toEqual(['customer.deleted', 'customer.updated']);
    const undelivered = await stripe.events.list({ delivery_success: false });
    expect(undelivered.data.map((event) => event.type)).toEqual(['customer.created']);
  });

  it('sends an event of any type about any object', async () => {
    const { stripe, control, receiver, endpoint } = await startDelivering();
    await stripe.webhookEndpoints.update(endpoint.id, { enabled_events: ['*'] });
    const object = {
      id: 'issfr_1',
      object: 'radar.early_fraud_warning',
      actionable: true,
      charge: 'ch_1',
      created: 1_700_000_000,
      fraud_type: 'misc',
      livemode: false,
    };
    const { id } = await control.emitEvent({ type: 'radar.early_fraud_warning.created', object });
    await control.waitUntilIdle();
    expect(receiver.types()).toEqual(['radar.early_fraud_warning.created']);
    expect((await stripe.events.retrieve(id)).data.object).toEqual(object);
  });

  it('says when deliveries do not come to rest in time', async () => {
    const { stripe, control, receiver } = await startDelivering({
      deliveries: { retryFirstMs: 5_000, retryWaitMaxMs: 5_000 },
    });
    receiver.answerNext(500);
    await stripe.customers.create({});
    await expect(control.waitUntilIdle({ timeoutMs: 150 })).rejects.toThrow('still under way after 150 ms');
  });
});
