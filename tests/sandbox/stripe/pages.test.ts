import { describe, expect, it } from 'vitest';
import { addEndpoint } from '../../../sandbox/stripe/start-endpoint.ts';
import { startCheckout } from './checkout-fixture.ts';
import { createSubscription, newestEvent, type Sandbox, startSandbox } from './simulator-fixture.ts';

const hostile = '<script>alert("x")</script>';

/** A page's text. @param path from the root, or a whole URL */
async function read({ simulator }: Sandbox, path: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(new URL(path, simulator.url));
  return { status: answer.status, text: await answer.text() };
}

/** Sends a form as a browser does. */
async function submit(url: string, fields: Record<string, string>): Promise<Response> {
  return fetch(url, { method: 'POST', redirect: 'manual', body: new URLSearchParams(fields) });
}

describe('the start page', () => {
  it('says how to begin, and then what is there, what was asked and what was sent', async () => {
    const sandbox = await startSandbox();
    const fresh = await read(sandbox, '/');
    expect(fresh.text).toContain('<details open>');
    expect(fresh.text).toContain('Nothing yet.');
    await createSubscription(sandbox.stripe, 1);
    await sandbox.stripe.testHelpers.testClocks.create({ frozen_time: 1_900_000_000, name: 'Renewals' });
    const { text } = await read(sandbox, '/');
    expect(text).toContain('href="/objects/subscription">Subscriptions<b>1</b>');
    expect(text).toContain('POST /v1/subscriptions');
    expect(text).toContain('customer.subscription.created');
    expect(text).toContain('Renewals');
  });

  it('loads itself anew until it is told not to', async () => {
    const sandbox = await startSandbox();
    expect((await read(sandbox, '/')).text).toContain('http-equiv="refresh"');
    expect((await read(sandbox, '/?still')).text).not.toContain('http-equiv="refresh"');
  });

  it('is no API request', async () => {
    const sandbox = await startSandbox();
    await read(sandbox, '/');
    expect(await sandbox.control.requests()).toEqual([]);
  });
});

describe('every page', () => {
  it('shows foreign text as text', async () => {
    const sandbox = await startSandbox();
    const { stripe } = sandbox;
    const customer = await stripe.customers.create({ name: hostile, email: 'a@example.com' });
    const { session } = await startCheckout(sandbox, {
      mode: 'payment',
      line_items: [
        { price_data: { currency: 'usd', unit_amount: 5, product_data: { name: hostile } }, quantity: 1 },
      ],
      cancel_url: `https://shop.example.com/"${hostile}`,
    });
    const portal = await stripe.billingPortal.sessions.create({ customer: customer.id });
    await stripe.customers.retrieve(`cus_${hostile}`).catch(() => undefined);
    const event = await newestEvent(stripe);
    const [request] = await sandbox.control.requests();
    const pages = [
      '/',
      '/objects/customer',
      `/objects/customer/${customer.id}`,
      `/events/${event}`,
      `/requests/${request?.requestId}`,
      session.url ?? '',
      portal.url,
    ];
    for (const path of pages) {
      const { status, text } = await read(sandbox, path);
      expect(status, path).toBe(200);
      expect(text, path).not.toContain('<script');
    }
    const shown = await read(sandbox, '/objects/customer');
    expect(shown.text).toContain('&#60;script&#62;alert(&#34;x&#34;)&#60;/script&#62;');
  });

  it('of something that is not there is a 404', async () => {
    const sandbox = await startSandbox();
    const paths = ['/objects/unicorn', '/objects/customer/cus_x', '/events/evt_x', '/requests/req_x'];
    for (const path of [...paths, '/c/pay/cs_x', '/p/session/test_x', '/i/in_x/y']) {
      expect((await read(sandbox, path)).status, path).toBe(404);
    }
  });
});

describe('the pages of requests, events and objects', () => {
  it('lead from one to another', async () => {
    const sandbox = await startSandbox();
    const { stripe } = sandbox;
    const customer = await stripe.customers.create({ email: 'ada@example.com' }, { idempotencyKey: 'key-1' });
    const event = await newestEvent(stripe);
    const [request] = await sandbox.control.requests();
    const ofRequest = await read(sandbox, `/requests/${request?.requestId}`);
    expect(ofRequest.text).toContain('key-1');
    expect(ofRequest.text).toContain(`href="/events/${event}"`);
    const ofEvent = await read(sandbox, `/events/${event}`);
    expect(ofEvent.text).toContain(`href="/requests/${request?.requestId}"`);
    expect(ofEvent.text).toContain(`href="/objects/customer/${customer.id}"`);
  });

  it('are listed in portions', async () => {
    const sandbox = await startSandbox();
    for (let i = 0; i < 51; i++) await sandbox.stripe.customers.create({ name: `Customer no. ${i}.` });
    const first = await read(sandbox, '/objects/customer');
    expect(first.text).toContain('Customer no. 50.');
    expect(first.text).not.toContain('Customer no. 0.');
    const [, after] = /href="(\?after=[^"]+)"/.exec(first.text) ?? [];
    expect((await read(sandbox, `/objects/customer${after}`)).text).toContain('Customer no. 0.');
  });
});

describe('the Checkout page', () => {
  it('takes the money and leads back to the shop', async () => {
    const sandbox = await startSandbox();
    const { session } = await startCheckout(sandbox);
    const url = session.url ?? '';
    expect((await read(sandbox, url)).text).toContain('$50.00');
    const answer = await submit(url, { email: 'page@example.com', name: '', card: 'pm_card_visa' });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe(`https://shop.example.com/thanks?session=${session.id}`);
    const done = await sandbox.stripe.checkout.sessions.retrieve(session.id);
    expect(done).toMatchObject({ status: 'complete', customer_details: { email: 'page@example.com' } });
    expect((await read(sandbox, url)).text).toContain('This session is complete.');
    expect((await submit(url, { email: 'page@example.com', card: 'pm_card_visa' })).status).toBe(409);
  });

  it('says why a card was refused, keeps what was typed, and takes another', async () => {
    const sandbox = await startSandbox();
    const { session } = await startCheckout(sandbox);
    const url = session.url ?? '';
    const refused = await submit(url, {
      email: 'page@example.com',
      card: 'pm_card_chargeDeclinedExpiredCard',
    });
    expect(refused.status).toBe(402);
    const text = await refused.text();
    expect(text).toContain('Your card has expired.');
    expect(text).toContain('value="page@example.com"');
    expect((await submit(url, { email: 'page@example.com', card: 'pm_card_visa' })).status).toBe(303);
  });
});

describe('the portal page', () => {
  it('does what its configuration allows, and shows it', async () => {
    const sandbox = await startSandbox();
    const { stripe } = sandbox;
    const { customer, subscription, itemId } = await createSubscription(stripe, 3);
    const { id: configuration } = await stripe.billingPortal.configurations.create({
      features: {
        payment_method_update: { enabled: true },
        subscription_cancel: { enabled: true },
        subscription_update: { enabled: true, default_allowed_updates: ['quantity'] },
      },
    });
    const { url } = await stripe.billingPortal.sessions.create({ customer: customer.id, configuration });
    const act = async (fields: Record<string, string>): Promise<string> =>
      (await submit(url, { subscription: subscription.id, ...fields })).text();
    expect(await act({ action: 'update', 'items[0][id]': itemId, 'items[0][quantity]': '4' })).toContain(
      '× 4',
    );
    expect(await act({ action: 'cancel' })).toContain('Ends on');
    expect(await act({ action: 'renew' })).toContain('Renews on');
    expect(await act({ action: 'card', card: 'pm_card_mastercard' })).toContain('mastercard •••• 4444');
    expect(await act({ action: 'card', card: 'pm_card_chargeDeclined' })).toContain(
      'Your card was declined.',
    );
    expect(await act({ action: 'customer', name: 'Ada' })).toContain('is disabled');
    expect(await stripe.subscriptions.retrieve(subscription.id)).toMatchObject({
      cancel_at: null,
      items: { data: [{ quantity: 4 }] },
    });
  });

  it('offers the plans that its configuration names', async () => {
    const sandbox = await startSandbox();
    const { stripe } = sandbox;
    const { customer, itemId, price, subscription } = await createSubscription(stripe, 3);
    const yearly = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 5_000,
      recurring: { interval: 'year' },
      product: String(price.product),
    });
    const { id: configuration } = await stripe.billingPortal.configurations.create({
      features: {
        subscription_update: {
          enabled: true,
          default_allowed_updates: ['price'],
          products: [{ product: String(price.product), prices: [price.id, yearly.id] }],
        },
      },
    });
    const { url } = await stripe.billingPortal.sessions.create({ customer: customer.id, configuration });
    expect((await read(sandbox, url)).text).toContain(`<option value="${yearly.id}">`);
    await submit(url, {
      action: 'update',
      subscription: subscription.id,
      'items[0][id]': itemId,
      'items[0][price]': yearly.id,
    });
    const { items } = await stripe.subscriptions.retrieve(subscription.id);
    expect(items.data).toMatchObject([{ price: { id: yearly.id }, quantity: 3 }]);
  });

  it('shows only the flow that it was made for, and leads back when it is done', async () => {
    const sandbox = await startSandbox();
    const { customer, subscription } = await createSubscription(sandbox.stripe, 3);
    const { url } = await sandbox.stripe.billingPortal.sessions.create({
      customer: customer.id,
      flow_data: {
        type: 'subscription_cancel',
        subscription_cancel: { subscription: subscription.id },
        after_completion: { type: 'redirect', redirect: { return_url: 'https://shop.example.com/bye' } },
      },
    });
    const { text } = await read(sandbox, url);
    expect(text).toContain('Cancel at the end of the period');
    expect(text).not.toContain('Payment method');
    const answer = await submit(url, { action: 'cancel', subscription: subscription.id });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe('https://shop.example.com/bye');
  });
});

describe('the page of an invoice', () => {
  it('takes the money that is due', async () => {
    const sandbox = await startSandbox();
    const { stripe } = sandbox;
    const customer = await stripe.customers.create({ email: 'ada@example.com' });
    const price = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 700,
      recurring: { interval: 'month' },
      product_data: { name: 'Licence' },
    });
    const { latest_invoice: id } = await stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: price.id }],
      collection_method: 'send_invoice',
      days_until_due: 30,
    });
    const { hosted_invoice_url: url } = await stripe.invoices.retrieve(String(id));
    expect((await read(sandbox, url ?? '')).text).toContain('$7.00');
    expect((await submit(url ?? '', { card: 'pm_card_chargeDeclined' })).status).toBe(402);
    expect(await (await submit(url ?? '', { card: 'pm_card_visa' })).text()).toContain(
      'Nothing is to be paid.',
    );
    expect((await stripe.invoices.retrieve(String(id))).status).toBe('paid');
  });
});

it('the endpoint that is made at the start has the same secret at every start', async () => {
  const secretOf = async (): Promise<string> =>
    addEndpoint((await startSandbox()).simulator.url, 'http://127.0.0.1:9/webhooks');
  expect(await secretOf()).toBe(await secretOf());
  const { simulator } = await startSandbox();
  await expect(addEndpoint(simulator.url, 'nonsense')).rejects.toThrow('STRIPE_SIMULATOR_WEBHOOK_URL');
});
