import { createServer } from 'node:http';
import type Stripe from 'stripe';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../../sandbox/processes/free-port.ts';
import type { DeliverySettings } from '../../../sandbox/stripe/webhooks/delivery-settings.ts';
import { type Receiver, type Sandbox, startReceiver, startSandbox } from './simulator-fixture.ts';

interface DeliverySandbox extends Sandbox {
  readonly receiver: Receiver;
  readonly endpoint: Stripe.WebhookEndpoint;
}

async function startDelivering(
  deliveries: Partial<DeliverySettings> = {},
  answering: { delayMs?: number } = {},
): Promise<DeliverySandbox> {
  const sandbox = await startSandbox({ deliveries: { retryFirstMs: 20, retryWaitMaxMs: 40, ...deliveries } });
  const receiver = await startReceiver(answering);
  const endpoint = await sandbox.stripe.webhookEndpoints.create({
    url: receiver.url,
    enabled_events: ['product.created', 'product.updated', 'customer.created', 'customer.updated'],
  });
  return { ...sandbox, receiver, endpoint };
}

/** The names of the products in the order in which their events came. */
function namesOf(receiver: Receiver): string[] {
  return receiver.received.map(({ body }) => JSON.parse(body).data.object.name);
}

describe('shuffled deliveries', () => {
  it('come in an order that the seed decides', async () => {
    const orderBy = async (seed: number): Promise<string[]> => {
      const { stripe, control, receiver } = await startDelivering({ concurrentMax: 1 });
      await control.shuffleDeliveries({ seed, windowMs: 60_000 });
      for (let number = 0; number < 8; number++) await stripe.products.create({ name: `${number}` });
      await control.stopShuffling();
      await control.waitUntilIdle();
      return namesOf(receiver);
    };
    const first = await orderBy(7);
    expect([...first].sort()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
    expect(first).not.toEqual([...first].sort());
    expect(await orderBy(7)).toEqual(first);
    expect(await orderBy(8)).not.toEqual(first);
  });

  it('go out at the end of the window', async () => {
    const { stripe, control, receiver } = await startDelivering();
    await control.shuffleDeliveries({ seed: 1, windowMs: 50 });
    for (const name of ['a', 'b', 'c']) await stripe.products.create({ name });
    await control.waitUntilIdle();
    expect(namesOf(receiver).sort()).toEqual(['a', 'b', 'c']);
  });

  it('go out when it stops, and as they come from then on', async () => {
    const { stripe, control, receiver } = await startDelivering();
    await control.shuffleDeliveries({ seed: 1, windowMs: 60_000 });
    await stripe.products.create({ name: 'a' });
    expect(await control.deliveryCounts()).toMatchObject({ scheduled: 1, queued: 0 });
    await control.stopShuffling();
    await stripe.products.create({ name: 'b' });
    await control.waitUntilIdle();
    expect(namesOf(receiver).sort()).toEqual(['a', 'b']);
  });
});

describe('a change that is told twice', () => {
  it('has two events with ids of their own, each delivered and listed', async () => {
    const { stripe, control, receiver } = await startDelivering();
    const thin = await startReceiver();
    await control.createEventDestination({ url: thin.url, enabledEvents: ['v1.product.created'] });
    await control.emitTwice({ types: ['product.created'] });
    await stripe.products.create({ name: 'twice' });
    await stripe.products.create({ name: 'once' });
    await control.waitUntilIdle();
    expect(namesOf(receiver).sort()).toEqual(['once', 'twice', 'twice']);
    const ids = receiver.received.map(({ body }) => JSON.parse(body).id);
    expect(new Set(ids).size).toBe(3);
    const listed = await stripe.events.list({ type: 'product.created' });
    expect(listed.data.map(({ id }) => id).sort()).toEqual(ids.sort());
    const twins = thin.received.map(({ body }) => JSON.parse(body).snapshot_event);
    expect(twins.sort()).toEqual(ids);
  });
});

describe('a rule for deliveries', () => {
  it('can be for one receiver only', async () => {
    const { stripe, control, receiver, endpoint } = await startDelivering();
    const other = await startReceiver();
    await stripe.webhookEndpoints.create({ url: other.url, enabled_events: ['product.created'] });
    await control.dropNext({ endpointId: endpoint.id, times: 5 });
    await stripe.products.create({ name: 'a' });
    await control.waitUntilIdle();
    expect([receiver.received.length, other.received.length]).toEqual([0, 1]);
  });

  it('can be for one customer only, and so can holding back', async () => {
    const { stripe, control, receiver } = await startDelivering();
    const [one, other] = [await stripe.customers.create({}), await stripe.customers.create({})];
    await control.waitUntilIdle();
    await control.dropNext({ customerId: one.id });
    await control.holdDeliveries({ customerId: other.id });
    await stripe.customers.update(other.id, { name: 'held' });
    await stripe.customers.update(one.id, { name: 'dropped' });
    await stripe.customers.update(one.id, { name: 'sent' });
    await control.waitUntilIdle();
    expect(namesOf(receiver).slice(2)).toEqual(['sent']);
    expect(await control.heldDeliveries()).toMatchObject([{ eventType: 'customer.updated' }]);
  });
});

describe('a resend by hand', () => {
  it('makes one attempt beside the automatic ones, and acknowledges when it succeeds', async () => {
    const { stripe, control, receiver, endpoint } = await startDelivering({
      retryFirstMs: 4_000,
      retryWaitMaxMs: 4_000,
    });
    receiver.answerNext(500, 500);
    await stripe.products.create({ name: 'a' });
    await expect.poll(() => receiver.received.length, { interval: 5 }).toBe(1);
    const [{ id = '' } = {}] = (await stripe.events.list({ type: 'product.created' })).data;
    expect(await control.resend(id)).toEqual([{ status: 500, error: null }]);
    expect(await control.resend(id, { endpointId: endpoint.id })).toEqual([{ status: 200, error: null }]);
    expect(await control.resend(id, { endpointId: 'we_other' })).toEqual([]);
    expect((await stripe.events.retrieve(id)).pending_webhooks).toBe(0);
    await control.waitUntilIdle();
    expect(receiver.received).toHaveLength(4);
    const attempts = await control.deliveries();
    expect(attempts.map(({ isManual, attempt }) => [isManual, attempt])).toEqual([
      [false, 1],
      [true, 1],
      [true, 1],
      [false, 2],
    ]);
  });
});

describe('a receiver that hangs', () => {
  it('does not hold up the others', async () => {
    const { stripe, control, receiver } = await startDelivering(
      { concurrentMax: 2, timeoutMs: 20_000, attemptsMax: 1 },
      { delayMs: 2_000 },
    );
    const quick = await startReceiver();
    await stripe.webhookEndpoints.create({ url: quick.url, enabled_events: ['product.created'] });
    for (let number = 0; number < 6; number++) await stripe.products.create({ name: `${number}` });
    await expect.poll(() => quick.received.length, { interval: 5 }).toBe(6);
    expect(receiver.received.length).toBeLessThanOrEqual(2);
    await control.waitUntilIdle();
    expect(receiver.received).toHaveLength(6);
  });

  it('costs no more memory than a limit: what is above is dropped, and counted', async () => {
    const { stripe, control, receiver, endpoint } = await startDelivering({ waitingMax: 5 });
    const other = await startReceiver();
    await stripe.webhookEndpoints.create({ url: other.url, enabled_events: ['customer.created'] });
    await control.holdDeliveries({ endpointId: endpoint.id });
    for (let number = 0; number < 20; number++) {
      await stripe.customers.create({});
      await control.waitUntilIdle();
    }
    expect(await control.deliveryCounts()).toMatchObject({ held: 5, dropped: 15 });
    expect(other.received).toHaveLength(20);
    await control.releaseDeliveries();
    await control.waitUntilIdle();
    expect(receiver.received).toHaveLength(5);
    await stripe.customers.create({});
    await control.waitUntilIdle();
    expect(receiver.received).toHaveLength(6);
    const undelivered = await stripe.events.list({ delivery_success: false, limit: 100 });
    expect(undelivered.data).toHaveLength(15);
    await control.reset();
    expect(await control.deliveryCounts()).toMatchObject({ dropped: 0 });
  });
});

describe('a receiver at which nobody answers', () => {
  it('is tried now and then, and gets everything once it is back', async () => {
    const { stripe, control } = await startSandbox({ deliveries: { retryFirstMs: 50, retryWaitMaxMs: 50 } });
    const port = await freePort();
    await stripe.webhookEndpoints.create({ url: `http://127.0.0.1:${port}/x`, enabled_events: ['*'] });
    for (let number = 0; number < 10; number++) await stripe.products.create({ name: `${number}` });
    await expect.poll(async () => (await control.deliveries()).length, { interval: 20 }).toBeGreaterThan(3);
    const tried = await control.deliveries();
    expect(tried.every(({ status, outcome }) => status === null && outcome === 'failed')).toBe(true);
    const server = createServer((_request, response) => response.end());
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    await control.waitUntilIdle();
    const delivered = (await control.deliveries()).filter(({ outcome }) => outcome === 'delivered');
    expect(new Set(delivered.map(({ eventId }) => eventId)).size).toBe(10);
    expect((await stripe.events.list({ delivery_success: false })).data).toEqual([]);
  });
});
