import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { eventKind, routeEvent } from '../../../domain/webhook-event.ts';
import { resources } from '../../../sandbox/stripe/resources.ts';
import { collectionPath } from '../../../sandbox/stripe/state/core-events.ts';
import {
  createCustomer,
  createLicensePrice,
  createSubscription,
  type Receiver,
  refusalOf,
  type Sandbox,
  startReceiver,
  startSandbox,
} from './simulator-fixture.ts';

interface ThinSandbox extends Sandbox {
  readonly receiver: Receiver;
  readonly secret: string;
}

/** With a destination that gets everything, in order. */
async function startThin(): Promise<ThinSandbox> {
  const sandbox = await startSandbox({ deliveries: { concurrentMax: 1 } });
  const receiver = await startReceiver();
  const { secret } = await sandbox.control.createEventDestination({ url: receiver.url });
  return { ...sandbox, receiver, secret };
}

/** What came, verified as stripe-node does it. */
function notifications({ stripe, receiver, secret }: ThinSandbox): Stripe.V2.Core.EventNotification[] {
  return receiver.received.map(({ body, signature }) =>
    stripe.parseEventNotification(body, signature, secret),
  );
}

describe('a thin event', () => {
  it('verifies with its destination’s secret, and leads to its object and to itself', async () => {
    const sandbox = await startThin();
    const { stripe, control, receiver } = sandbox;
    const customer = await stripe.customers.create({ email: 'a@example.com' }, { idempotencyKey: 'made' });
    await control.waitUntilIdle();
    const [notification] = notifications(sandbox);
    expect(notification).toMatchObject({
      object: 'v2.core.event',
      type: 'v1.customer.created',
      livemode: false,
      related_object: { id: customer.id, type: 'customer', url: `/v1/customers/${customer.id}` },
      reason: {
        type: 'request',
        request: { id: customer.lastResponse.requestId, idempotency_key: 'made' },
      },
    });
    if (notification?.type !== 'v1.customer.created') throw new Error('another type');
    expect(await notification.fetchRelatedObject()).toMatchObject({ email: 'a@example.com' });
    expect(await notification.fetchEvent()).toMatchObject({
      id: notification.id,
      type: 'v1.customer.created',
    });
    const fetches = (await control.requests()).slice(1);
    expect(fetches.map(({ path }) => path)).toEqual([
      `/v1/customers/${customer.id}`,
      `/v2/core/events/${notification.id}`,
    ]);
    expect(new Set(fetches.map(({ trigger }) => trigger))).toEqual(new Set([`event=${notification.id}`]));
    const { body = '', signature = '' } = receiver.received[0] ?? {};
    expect(() => stripe.webhooks.constructEvent(body, signature, sandbox.secret)).toThrow();
  });

  it('names its snapshot twin, and the product knows both for one', async () => {
    const sandbox = await startThin();
    const { stripe, control } = sandbox;
    const snapshots = await startReceiver();
    await stripe.webhookEndpoints.create({ url: snapshots.url, enabled_events: ['customer.updated'] });
    const { id } = await stripe.customers.create({});
    await stripe.customers.update(id, { name: 'Ada' });
    await control.waitUntilIdle();
    const ofUpdate = notifications(sandbox).findIndex(({ type }) => type === 'v1.customer.updated');
    const thin: unknown = JSON.parse(sandbox.receiver.received[ofUpdate]?.body ?? '');
    const snapshot: unknown = JSON.parse(snapshots.received[0]?.body ?? '');
    expect([eventKind(thin), eventKind(snapshot)]).toEqual(['thin', 'snapshot']);
    const routed = [thin, snapshot].map((event) => routeEvent(event, false));
    expect(routed[0]).toMatchObject({ stripeEventId: routed[1]?.stripeEventId, subject: routed[1]?.subject });
  });

  it('has no reason when Stripe itself acts', async () => {
    const sandbox = await startThin();
    const { stripe, control } = sandbox;
    const product = await stripe.products.create({ name: 'Licence' });
    await control.emitEvent({ type: 'product.updated', object: { ...product } });
    await control.waitUntilIdle();
    const [created, updated] = notifications(sandbox);
    expect(created?.reason?.type).toBe('request');
    expect(updated).toMatchObject({ type: 'v1.product.updated' });
    expect(updated?.reason).toBeUndefined();
  });

  it('about an upcoming invoice has no object to fetch, but says whose it is', async () => {
    const sandbox = await startThin();
    const { stripe, control } = sandbox;
    const { subscription, customer } = await createSubscription(stripe, 1);
    await control.setTimeOffset(29 * 86_400_000);
    await control.waitUntilIdle();
    const upcoming = notifications(sandbox).find(({ type }) => type === 'v1.invoice.upcoming');
    if (upcoming?.type !== 'v1.invoice.upcoming') throw new Error('no invoice is upcoming');
    expect(upcoming).not.toHaveProperty('related_object');
    expect(await upcoming.fetchEvent()).toMatchObject({
      data: { customer: customer.id, subscription: subscription.id },
    });
  });

  it.each(
    resources.flatMap(({ object, routes }) => {
      const own = routes.find(({ method, path }) => method === 'GET' && /^\/v\d\/[^:]+\/:id$/.test(path));
      return own ? [{ object, path: own.path }] : [];
    }),
  )('about a $object leads to its endpoint', ({ object, path }) => {
    expect(`${collectionPath(object)}/:id`).toBe(path);
  });
});

describe('finer thin events', () => {
  it('tell what changed in a subscription, without a snapshot twin', async () => {
    const sandbox = await startThin();
    const { stripe, control } = sandbox;
    const { subscription, itemId } = await createSubscription(stripe, 1);
    const other = await createLicensePrice(stripe);
    const update = async (parameters: Stripe.SubscriptionUpdateParams): Promise<string[]> => {
      await control.waitUntilIdle();
      sandbox.receiver.received.length = 0;
      await stripe.subscriptions.update(subscription.id, parameters);
      await control.waitUntilIdle();
      return notifications(sandbox).flatMap(({ type, snapshot_event: twin }) =>
        twin === undefined && type.startsWith('v1.customer.subscription.') ? [type] : [],
      );
    };
    await control.waitUntilIdle();
    expect(sandbox.receiver.types()).toContain('v1.customer.subscription.active');
    expect(await update({ items: [{ id: itemId, quantity: 2 }], proration_behavior: 'none' })).toEqual([
      'v1.customer.subscription.item_quantity_changed',
    ]);
    const added = await update({ items: [{ price: other.id }], proration_behavior: 'none' });
    expect(added).toEqual(['v1.customer.subscription.item_added']);
    const removed = await update({ items: [{ id: itemId, deleted: true }], proration_behavior: 'none' });
    expect(removed).toEqual(['v1.customer.subscription.item_removed']);
    expect(await update({ metadata: { a: '1' } })).toEqual([]);
    expect(await update({ cancel_at_period_end: true })).toEqual([
      'v1.customer.subscription.cancel_at_changed',
    ]);
    await control.setSubscriptionStatus(subscription.id, 'past_due');
    await control.waitUntilIdle();
    expect(sandbox.receiver.types()).toContain('v1.customer.subscription.past_due');
  });

  it('tell what became of what is to pay an invoice', async () => {
    const sandbox = await startThin();
    const { stripe, control } = sandbox;
    const customer = await createCustomer(stripe);
    await stripe.invoiceItems.create({ customer: customer.id, amount: 500, currency: 'usd' });
    const draft = await stripe.invoices.create({
      customer: customer.id,
      auto_advance: false,
      pending_invoice_items_behavior: 'include',
    });
    await stripe.invoices.finalizeInvoice(draft.id);
    await stripe.invoices.voidInvoice(draft.id);
    await control.waitUntilIdle();
    const types = notifications(sandbox).map(({ type }) => type);
    expect(types.filter((type) => type.startsWith('v1.invoice_payment.'))).toEqual([
      'v1.invoice_payment.open',
      'v1.invoice_payment.canceled',
    ]);
  });

  it('tell what changed in the catalogue', async () => {
    const sandbox = await startThin();
    const { stripe, control } = sandbox;
    const price = await createLicensePrice(stripe);
    await stripe.prices.update(price.id, { active: false, lookup_key: 'pro' });
    await control.waitUntilIdle();
    const finer = notifications(sandbox).filter(({ snapshot_event: twin }) => twin === undefined);
    expect(finer.map(({ type }) => type)).toEqual(['v1.price.deactivated', 'v1.price.lookup_key_changed']);
  });
});

describe('the list of thin events', () => {
  it('is found by object, types and time, in pages both ways', async () => {
    const { stripe } = await startSandbox();
    const customer = await createCustomer(stripe);
    for (let round = 0; round < 12; round++)
      await stripe.customers.update(customer.id, { name: `name ${round}` });
    await stripe.customers.create({});
    const mine = await stripe.v2.core.events.list({ object_id: customer.id, types: ['v1.customer.updated'] });
    expect(mine.data).toHaveLength(10);
    expect(mine.previous_page_url).toBeNull();
    const all: string[] = [];
    for await (const event of stripe.v2.core.events.list({ object_id: customer.id, limit: 5 }))
      all.push(event.id);
    const types = ['v1.customer.created', 'v1.customer.updated'];
    const counted = await stripe.v2.core.events.list({ object_id: customer.id, types, limit: 100 });
    expect(new Set(all).size).toBe(all.length);
    expect(all.length).toBeGreaterThanOrEqual(counted.data.length);
    const first = await stripe.v2.core.events.list({ object_id: customer.id, limit: 5 });
    const second = await stripe.rawRequest('GET', first.next_page_url ?? '');
    const back = await stripe.rawRequest('GET', String(second.previous_page_url));
    expect(idsOf(back)).toEqual(first.data.map(({ id }) => id));
  });

  it('takes bounds of time as numbers, as dates and as text', async () => {
    const { stripe, control } = await startSandbox();
    await stripe.customers.create({});
    const { nowSeconds } = await control.setTimeOffset(3_600_000);
    await stripe.products.create({ name: 'later' });
    const half = nowSeconds - 1_800;
    const later = await stripe.v2.core.events.list({ created: { gte: half } });
    expect(later.data.map(({ type }) => type)).toEqual(['v1.product.created']);
    const earlier = await stripe.rawRequest(
      'GET',
      `/v2/core/events?created[lt]=${new Date(half * 1_000 + 500).toISOString()}`,
    );
    expect(idsOf(earlier)).toHaveLength(1);
    await control.setTimeOffset(31 * 86_400_000);
    expect((await stripe.v2.core.events.list()).data).toEqual([]);
  });

  it('refuses more than twenty types and a foreign page', async () => {
    const { stripe } = await startSandbox();
    const types = Array.from({ length: 21 }, (_, index) => `v1.x.${index}`);
    expect(await refusalOf(stripe.v2.core.events.list({ types }))).toMatchObject({
      statusCode: 400,
      param: 'types',
    });
    expect(await refusalOf(stripe.rawRequest('GET', '/v2/core/events?page=x'))).toMatchObject({
      statusCode: 400,
    });
    expect(await refusalOf(stripe.v2.core.events.retrieve('evt_none'))).toMatchObject({ statusCode: 404 });
  });
});

describe('an event destination', () => {
  it('shows its URL and its secret only to those who ask, the secret only once', async () => {
    const { stripe } = await startSandbox();
    const { eventDestinations } = stripe.v2.core;
    const made = await eventDestinations.create({
      name: 'Ours',
      type: 'webhook_endpoint',
      event_payload: 'thin',
      enabled_events: ['*'],
      webhook_endpoint: { url: 'http://127.0.0.1:9/x' },
      metadata: { a: '1', b: '2' },
      include: ['webhook_endpoint.signing_secret'],
    });
    expect(made).toMatchObject({
      id: expect.stringMatching(/^ed_test_61/),
      status: 'enabled',
      description: '',
      events_from: ['@self'],
      webhook_endpoint: { signing_secret: expect.stringMatching(/^whsec_/) },
    });
    expect(made.webhook_endpoint?.url).toBeUndefined();
    const found = await eventDestinations.retrieve(made.id, { include: ['webhook_endpoint.url'] });
    expect(found.webhook_endpoint).toEqual({ url: 'http://127.0.0.1:9/x' });
    const updated = await eventDestinations.update(made.id, { name: 'Yours', metadata: { b: null } });
    expect(updated).toMatchObject({ name: 'Yours', metadata: { a: '1' } });
    expect((await eventDestinations.list()).data.map(({ id }) => id)).toEqual([made.id]);
    await eventDestinations.del(made.id);
    expect((await refusalOf(eventDestinations.retrieve(made.id))).statusCode).toBe(404);
  });

  it('gets nothing while it is disabled, and a ping whatever it has subscribed to', async () => {
    const { stripe, control } = await startSandbox();
    const receiver = await startReceiver();
    const { id, secret } = await control.createEventDestination({
      url: receiver.url,
      enabledEvents: ['v1.product.created'],
    });
    expect(await stripe.v2.core.eventDestinations.disable(id)).toMatchObject({
      status: 'disabled',
      status_details: { disabled: { reason: 'user' } },
    });
    await stripe.products.create({ name: 'unheard' });
    await control.waitUntilIdle();
    expect(receiver.received).toEqual([]);
    await stripe.v2.core.eventDestinations.enable(id);
    await stripe.v2.core.eventDestinations.ping(id);
    await stripe.customers.create({});
    await control.waitUntilIdle();
    expect(receiver.types()).toEqual(['v2.core.event_destination.ping']);
    const [{ body = '', signature = '' } = {}] = receiver.received;
    const ping = stripe.parseEventNotification(body, signature, secret);
    if (ping.type !== 'v2.core.event_destination.ping') throw new Error('another type');
    expect(await ping.fetchRelatedObject()).toMatchObject({ id });
  });

  it('may take snapshots, in the version that it names', async () => {
    const { stripe, control } = await startSandbox();
    const receiver = await startReceiver();
    await stripe.v2.core.eventDestinations.create({
      name: 'Snapshots',
      type: 'webhook_endpoint',
      event_payload: 'snapshot',
      snapshot_api_version: '2026-03-25.dahlia',
      enabled_events: ['customer.created'],
      webhook_endpoint: { url: receiver.url },
    });
    await stripe.customers.create({});
    await control.waitUntilIdle();
    expect(JSON.parse(receiver.received[0]?.body ?? '')).toMatchObject({
      object: 'event',
      type: 'customer.created',
      api_version: '2026-03-25.dahlia',
    });
  });

  it('refuses types of the other payload, a version for thin events and what is no JSON', async () => {
    const { simulator, stripe } = await startSandbox();
    const create = (
      changes: Partial<Stripe.V2.Core.EventDestinationCreateParams>,
    ): Promise<Stripe.errors.StripeError> =>
      refusalOf(
        stripe.v2.core.eventDestinations.create({
          name: 'x',
          type: 'webhook_endpoint',
          event_payload: 'thin',
          enabled_events: ['*'],
          webhook_endpoint: { url: 'http://127.0.0.1:9/x' },
          ...changes,
        }),
      );
    expect(await create({ enabled_events: ['customer.created'] })).toMatchObject({
      statusCode: 400,
      param: 'enabled_events[0]',
    });
    expect(await create({ snapshot_api_version: '2026-03-25.dahlia' })).toMatchObject({ statusCode: 400 });
    const response = await fetch(`${simulator.url}/v2/core/event_destinations`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk_test_x', 'content-type': 'application/json' },
      body: '[1]',
    });
    expect(response.status).toBe(400);
  });
});

function idsOf(page: object): string[] {
  const { data }: { data?: readonly { readonly id: string }[] } = page;
  return (data ?? []).map(({ id }) => id);
}
