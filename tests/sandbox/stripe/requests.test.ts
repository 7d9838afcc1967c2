import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import {
  createCustomer,
  createLicensePrice,
  createSubscription,
  refusalOf,
  startSandbox,
} from './simulator-fixture.ts';

describe('parameters', () => {
  it('merge metadata, delete a key by an empty value and all keys by an empty string', async () => {
    const { stripe } = await startSandbox();
    const { id } = await stripe.customers.create({ metadata: { a: '1', b: '2' } });
    const merged = await stripe.customers.update(id, { metadata: { b: '', c: '3 + ü' } });
    expect(merged.metadata).toEqual({ a: '1', c: '3 + ü' });
    expect((await stripe.customers.update(id, { metadata: '' })).metadata).toEqual({});
  });

  it.each([
    ['/v1/products', 'name=x&active[a][b]=1', 'active'],
    ['/v1/customers', 'expand[0][a][b]=1', 'expand[0]'],
    ['/v1/customers', 'expand[]=constructor', 'expand'],
    ['/v1/payment_methods/__proto__/attach', 'customer=cus_1', 'payment_method'],
  ])('%s refuses %s', async (path, body, param) => {
    const { simulator } = await startSandbox();
    const response = await fetch(`${simulator.url}${path}`, {
      method: 'POST',
      headers: {
        authorization: 'Bearer sk_test_a',
        'content-type': 'application/x-www-form-urlencoded',
      },
      body,
    });
    expect(response.status).toBe(param === 'payment_method' ? 404 : 400);
    expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error', param } });
  });

  it('clear a nullable field by an empty string', async () => {
    const { stripe } = await startSandbox();
    const { id } = await stripe.customers.create({ name: 'Ada', description: 'x' });
    expect(await stripe.customers.update(id, { name: '' })).toMatchObject({ name: null, description: 'x' });
  });

  it('are read in both forms of arrays and both kinds of spaces', async () => {
    const { simulator, stripe } = await startSandbox();
    const price = await createLicensePrice(stripe);
    const customer = await createCustomer(stripe);
    const response = await fetch(`${simulator.url}/v1/subscriptions`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from('sk_test_basic:').toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: `customer=${customer.id}&items[][price]=${price.id}&metadata[a]=b%20c+d&cancel_at_period_end=True&expand[]=customer`,
    });
    expect(await response.json()).toMatchObject({
      customer: { id: customer.id },
      cancel_at_period_end: true,
      metadata: { a: 'b c d' },
    });
    expect(response.headers.get('request-id')).toMatch(/^req_[A-Za-z0-9]{14}$/);
  });
});

describe('refusals', () => {
  it('name an unknown parameter', async () => {
    const { simulator } = await startSandbox();
    const response = await fetch(`${simulator.url}/v1/subscriptions`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk_test_x', 'content-type': 'application/x-www-form-urlencoded' },
      body: 'customer=cus_1&items[0][prise]=x',
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      error: {
        type: 'invalid_request_error',
        code: 'parameter_unknown',
        param: 'items[0][prise]',
        message: 'Received unknown parameter: items[0][prise]',
      },
    });
  });

  it('name a time that is beyond the year 9999', async () => {
    const { stripe } = await startSandbox();
    const { testClocks } = stripe.testHelpers;
    const refusal = { statusCode: 400, param: 'frozen_time' };
    const never = testClocks.create({ frozen_time: 999_999_999_999_999 });
    expect(await refusalOf(never)).toMatchObject(refusal);
    const { id } = await testClocks.create({ frozen_time: 253_402_300_799 });
    const beyond = testClocks.advance(id, { frozen_time: 253_402_300_800 });
    expect(await refusalOf(beyond)).toMatchObject(refusal);
  });

  it('name a missing parameter and a wrong number', async () => {
    const { stripe } = await startSandbox();
    const { itemId, subscription } = await createSubscription(stripe, 1);
    const quantity = 'many' as unknown as number;
    expect(
      await refusalOf(stripe.subscriptions.update(subscription.id, { items: [{ id: itemId, quantity }] })),
    ).toMatchObject({ statusCode: 400, code: 'parameter_invalid_integer', param: 'items[0][quantity]' });
    const nameless = {} as Stripe.ProductCreateParams;
    expect(await refusalOf(stripe.products.create(nameless))).toMatchObject({
      statusCode: 400,
      code: 'parameter_missing',
      param: 'name',
      message: 'Missing required param: name.',
    });
  });

  it('are a 404 for an id in the path and a 400 with the parameter for an id in one', async () => {
    const { stripe } = await startSandbox();
    const customer = await stripe.customers.create({});
    expect(await refusalOf(stripe.subscriptions.retrieve('sub_none'))).toMatchObject({
      statusCode: 404,
      code: 'resource_missing',
      message: "No such subscription: 'sub_none'",
    });
    const call = stripe.subscriptions.create({ customer: customer.id, items: [{ price: 'price_none' }] });
    expect(await refusalOf(call)).toMatchObject({
      statusCode: 400,
      code: 'resource_missing',
      param: 'items[0][price]',
      message: "No such price: 'price_none'",
    });
  });

  it('are a 401 without a usable key and a 404 for an unknown URL', async () => {
    const { simulator } = await startSandbox();
    const withoutKey = await fetch(`${simulator.url}/v1/customers`);
    expect(withoutKey.status).toBe(401);
    const wrong = new Stripe('pk_test_x', { host: simulator.host, port: simulator.port, protocol: 'http' });
    const refusal = await refusalOf(wrong.customers.list());
    expect(refusal).toBeInstanceOf(Stripe.errors.StripeAuthenticationError);
    const unknown = await fetch(`${simulator.url}/v1/nothing`, {
      headers: { authorization: 'Bearer sk_test_x' },
    });
    expect(unknown.status).toBe(404);
    expect(await unknown.text()).toContain('Unrecognized request URL (GET: /v1/nothing)');
  });

  it('leave nothing behind, neither rows nor events', async () => {
    const { stripe } = await startSandbox();
    const call = stripe.prices.create({
      currency: 'usd',
      unit_amount: 1,
      product_data: { name: 'Left behind' },
      expand: ['nothing'],
    });
    expect(await refusalOf(call)).toMatchObject({
      statusCode: 400,
      message: 'This property cannot be expanded (nothing).',
    });
    expect((await stripe.products.list()).data).toEqual([]);
    expect((await stripe.events.list()).data).toEqual([]);
  });
});

describe('pagination', () => {
  it('is newest first and reaches every object once, in both directions', async () => {
    const { stripe } = await startSandbox();
    const ids: string[] = [];
    for (let i = 0; i < 25; i++) ids.unshift((await stripe.customers.create({})).id);
    const forward: string[] = [];
    for await (const customer of stripe.customers.list({ limit: 7 })) forward.push(customer.id);
    expect(forward).toEqual(ids);
    const middle = await stripe.customers.list({ limit: 5, ending_before: ids[10] ?? '' });
    expect(middle.data.map((one) => one.id)).toEqual(ids.slice(5, 10));
    expect(middle.has_more).toBe(true);
    const start = await stripe.customers.list({ limit: 10, ending_before: ids[10] ?? '' });
    expect(start.has_more).toBe(false);
  });

  it('refuses a limit outside 1 to 100 and an unknown cursor', async () => {
    const { stripe } = await startSandbox();
    for (const limit of [0, 101]) {
      expect(await refusalOf(stripe.customers.list({ limit }))).toMatchObject({
        statusCode: 400,
        param: 'limit',
      });
    }
    const call = stripe.customers.list({ starting_after: 'cus_none' });
    expect(await refusalOf(call)).toMatchObject({
      statusCode: 400,
      code: 'resource_missing',
      param: 'starting_after',
    });
  });

  it('filters customers by their present e-mail', async () => {
    const { stripe } = await startSandbox();
    const first = await stripe.customers.create({ email: 'a@example.com' });
    const second = await stripe.customers.create({ email: 'b@example.com' });
    await stripe.customers.update(first.id, { email: 'b@example.com' });
    expect((await stripe.customers.list({ email: 'a@example.com' })).data).toEqual([]);
    const both = await stripe.customers.list({ email: 'b@example.com' });
    expect(both.data.map((one) => one.id)).toEqual([second.id, first.id]);
  });

  it('cuts a list inside an object to ten and continues behind its url', async () => {
    const { stripe } = await startSandbox();
    const price = await createLicensePrice(stripe);
    const customer = await createCustomer(stripe);
    const items = Array.from({ length: 12 }, () => ({ price: price.id, quantity: 1 }));
    const subscription = await stripe.subscriptions.create({ customer: customer.id, items });
    expect(subscription.items.data).toHaveLength(10);
    expect(subscription.items.has_more).toBe(true);
    const all: string[] = [];
    for await (const item of stripe.subscriptionItems.list({ subscription: subscription.id, limit: 5 }))
      all.push(item.id);
    expect(new Set(all).size).toBe(12);
  });
});

describe('expansion', () => {
  it('puts objects in place of ids on four levels, also in lists and in answers to changes', async () => {
    const { stripe } = await startSandbox();
    const { subscription, customer, price } = await createSubscription(stripe, 2);
    const expanded = await stripe.subscriptions.retrieve(subscription.id, {
      expand: ['customer', 'items.data.price.product', 'latest_invoice.payments'],
    });
    expect(expanded.customer).toMatchObject({ id: customer.id, email: 'buyer@example.com' });
    expect(expanded.items.data[0]?.price.product).toMatchObject({ id: price.product, name: 'Licence' });
    expect(expanded.latest_invoice).toMatchObject({
      status: 'paid',
      payments: { data: [{ status: 'paid' }] },
    });
    const list = await stripe.subscriptions.list({ customer: customer.id, expand: ['data.customer'] });
    expect(list.data[0]?.customer).toMatchObject({ id: customer.id });
    const updated = await stripe.subscriptions.update(subscription.id, {
      metadata: { a: '1' },
      expand: ['customer'],
    });
    expect(updated.customer).toMatchObject({ id: customer.id });
    const plain = await stripe.subscriptions.retrieve(subscription.id);
    expect(plain.customer).toBe(customer.id);
  });

  it('is refused on a fifth level and for what is no reference', async () => {
    const { stripe } = await startSandbox();
    const { customer } = await createSubscription(stripe, 1);
    const deep = stripe.subscriptions.list({
      customer: customer.id,
      expand: ['data.items.data.price.product'],
    });
    expect(await refusalOf(deep)).toMatchObject({ statusCode: 400, code: 'property_expansion_max_depth' });
    const wrong = stripe.customers.retrieve(customer.id, { expand: ['email'] });
    expect(await refusalOf(wrong)).toMatchObject({ message: 'This property cannot be expanded (email).' });
  });
});

describe('a version', () => {
  it('is echoed and logged, and our shapes are answered whatever it is', async () => {
    const { simulator, stripe, control } = await startSandbox();
    const { id } = await createCustomer(stripe);
    const versions = ['2026-10-28.endive', '2024-06-20', '2025-03-31.basil'];
    for (const version of versions) {
      const response = await fetch(`${simulator.url}/v1/customers/${id}`, {
        headers: { authorization: 'Bearer sk_test_x', 'stripe-version': version },
      });
      expect([response.status, response.headers.get('stripe-version')]).toEqual([200, version]);
    }
    const logged = (await control.requests()).map(({ stripeVersion }) => stripeVersion);
    expect(logged.slice(-3)).toEqual(versions);
    const without = await fetch(`${simulator.url}/v1/customers/${id}`, {
      headers: { authorization: 'Bearer sk_test_x' },
    });
    expect(without.headers.get('stripe-version')).toBe('2026-10-28.endive');
  });

  it('that has not the form of one is refused', async () => {
    const { simulator } = await startSandbox();
    for (const version of ['latest', '2026-10-28.', '26-10-28']) {
      const response = await fetch(`${simulator.url}/v1/customers`, {
        headers: { authorization: 'Bearer sk_test_x', 'stripe-version': version },
      });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        error: { message: `Invalid Stripe API version: ${version}` },
      });
    }
  });
});

describe('the headers of an answer', () => {
  it('name the request, and with a key the key and the first request', async () => {
    const { stripe, control } = await startSandbox();
    const { lastResponse } = await stripe.products.create({ name: 'a' }, { idempotencyKey: 'k' });
    expect(lastResponse.headers).toMatchObject({
      'request-id': lastResponse.requestId,
      'idempotency-key': 'k',
      'original-request': lastResponse.requestId,
      'stripe-should-retry': 'false',
    });
    const list = await stripe.products.list();
    expect(list.lastResponse.headers).not.toHaveProperty('stripe-should-retry');
    expect(list.lastResponse.headers).not.toHaveProperty('idempotency-key');
    const ids = (await control.requests()).map(({ requestId }) => requestId);
    expect(ids).toEqual([lastResponse.requestId, list.lastResponse.requestId]);
  });
});
