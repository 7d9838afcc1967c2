import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { refusalOf, startReceiver, startSandbox } from './simulator-fixture.ts';

const stripeAccount = 'acct_1TenantryTest';

describe('a connected account', () => {
  it('has objects, events and idempotency keys of its own', async () => {
    const { stripe } = await startSandbox();
    const key = { idempotencyKey: 'the same' };
    const own = await stripe.customers.create({ name: 'own' }, key);
    const theirs = await stripe.customers.create({ name: 'theirs' }, { ...key, stripeAccount });
    expect(theirs.id).not.toBe(own.id);
    expect((await stripe.customers.list()).data).toMatchObject([{ name: 'own' }]);
    expect((await stripe.customers.list({}, { stripeAccount })).data).toMatchObject([{ name: 'theirs' }]);
    expect((await refusalOf(stripe.customers.retrieve(theirs.id))).statusCode).toBe(404);
    expect((await stripe.events.list({}, { stripeAccount })).data).toHaveLength(1);
    const thin = await stripe.v2.core.events.list({}, { stripeContext: stripeAccount });
    expect(thin.data).toMatchObject([{ type: 'v1.customer.created', context: stripeAccount }]);
  });

  it('tells its own endpoints, and the platform’s that ask for connected accounts', async () => {
    const { stripe, control } = await startSandbox();
    const [own, connect, plain] = [await startReceiver(), await startReceiver(), await startReceiver()];
    const enabled_events = ['customer.created' as const];
    const theirs = await stripe.webhookEndpoints.create({ url: own.url, enabled_events }, { stripeAccount });
    const ours = await stripe.webhookEndpoints.create({ url: connect.url, enabled_events, connect: true });
    await stripe.webhookEndpoints.create({ url: plain.url, enabled_events });
    await stripe.customers.create({ name: 'connected' }, { stripeAccount });
    await control.waitUntilIdle();
    const [{ body = '', signature = '' } = {}] = connect.received;
    const event = stripe.webhooks.constructEvent(body, signature, ours.secret ?? '');
    expect(event).toMatchObject({ account: stripeAccount, pending_webhooks: 2 });
    const [first] = own.received;
    const seen = stripe.webhooks.constructEvent(
      first?.body ?? '',
      first?.signature ?? '',
      theirs.secret ?? '',
    );
    expect(seen.id).toBe(event.id);
    expect(seen).not.toHaveProperty('account');
    expect(plain.received).toEqual([]);
    await stripe.customers.create({ name: 'platform' });
    await control.waitUntilIdle();
    expect([own, connect, plain].map(({ received }) => received.length)).toEqual([1, 1, 1]);
    expect(await control.deliveries()).toMatchObject([
      { account: stripeAccount },
      { account: stripeAccount },
      { account: null },
    ]);
    expect((await stripe.events.retrieve(event.id, {}, { stripeAccount })).pending_webhooks).toBe(0);
  });

  it('is the context of a thin event, by which its object can be fetched', async () => {
    const { stripe, control } = await startSandbox();
    const receiver = await startReceiver();
    const { secret } = await control.createEventDestination({
      url: receiver.url,
      eventsFrom: ['@accounts'],
    });
    await stripe.customers.create({ name: 'platform' });
    await stripe.customers.create({ name: 'connected' }, { stripeAccount });
    await control.waitUntilIdle();
    expect(receiver.received).toHaveLength(1);
    const [{ body = '', signature = '' } = {}] = receiver.received;
    const notification = stripe.parseEventNotification(body, signature, secret);
    expect(String(notification.context)).toBe(stripeAccount);
    if (notification.type !== 'v1.customer.created') throw new Error('another type');
    expect(await notification.fetchRelatedObject()).toMatchObject({ name: 'connected' });
  });

  it('is refused when its id is none', async () => {
    const { stripe } = await startSandbox();
    for (const wrong of ['cus_1', 'acct_', 'acct_1/acct_2']) {
      const refusal = await refusalOf(stripe.customers.list({}, { stripeAccount: wrong }));
      expect(refusal).toBeInstanceOf(Stripe.errors.StripePermissionError);
      expect(refusal).toMatchObject({ statusCode: 403, code: 'account_invalid' });
    }
  });

  it('can be told to have had an event', async () => {
    const { stripe, control } = await startSandbox();
    const product = await stripe.products.create({ name: 'Licence' }, { stripeAccount });
    const { id } = await control.emitEvent({
      type: 'product.updated',
      object: { ...product },
      account: stripeAccount,
    });
    expect((await stripe.events.retrieve(id, {}, { stripeAccount })).type).toBe('product.updated');
    await refusalOf(stripe.events.retrieve(id));
  });
});
