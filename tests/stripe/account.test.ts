import { describe, expect, test } from 'vitest';
import { stripePriceIdSchema } from '../../domain/ids.ts';
import { examineKey, retrievePriceStanding, STRIPE_API_VERSION } from '../../stripe/account.ts';
import { createStripe } from '../../stripe/client.ts';
import { listWebhookEndpoints } from '../../stripe/webhook-endpoints.ts';
import { useAnswers, useStripe } from './stripe-simulator.ts';

const { stripe, control, apiBase, price } = await useStripe();

describe('the key', () => {
  test('its mode is unknown as long as there is nothing to read, and then that of what it reads', async () => {
    expect(await examineKey(stripe)).toMatchObject({ livemode: null });
    await price();
    expect(await examineKey(stripe)).toMatchObject({ livemode: false });
  });

  test('Stripe’s clock comes with the answer', async () => {
    const before = Date.now();
    await control.setTimeOffset(600_000);
    const { stripeTime } = await examineKey(stripe);
    await control.setTimeOffset(0);
    // Whole seconds.
    expect(stripeTime?.getTime()).toBeGreaterThan(before + 598_000);
    expect(stripeTime?.getTime()).toBeLessThan(Date.now() + 601_000);
  });

  test('an answer without a Date has no clock', async () => {
    const timeless = await useAnswers((response) => {
      response.sendDate = false;
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":[]}');
    });
    expect(await examineKey(timeless)).toEqual({ stripeTime: null, livemode: null });
  });

  test('one that Stripe doesn’t take is told as such', async () => {
    const live = createStripe({ secretKey: 'sk_live_1', apiBase });
    await expect(examineKey(live)).rejects.toMatchObject({ name: 'StripeAuthenticationFailed' });
  });
});

describe('a price', () => {
  test('stands as it was sold, and is null where Stripe doesn’t know it', async () => {
    const sold = stripePriceIdSchema.parse((await price()).id);
    const standing = { isActive: true, isRecurring: true, livemode: false };
    expect(await retrievePriceStanding(stripe, sold)).toEqual(standing);
    await stripe.prices.update(sold, { active: false });
    expect(await retrievePriceStanding(stripe, sold)).toEqual({ ...standing, isActive: false });
    expect(await retrievePriceStanding(stripe, stripePriceIdSchema.parse('price_x'))).toBeNull();
  });

  test('one that is paid once is told from a recurring one', async () => {
    const product = await stripe.products.create({ name: 'Set-up' });
    const { id } = await stripe.prices.create({ product: product.id, currency: 'usd', unit_amount: 100 });
    const standing = await retrievePriceStanding(stripe, stripePriceIdSchema.parse(id));
    expect(standing).toMatchObject({ isRecurring: false });
  });
});

test('endpoints are listed as they are set up', async () => {
  const url = 'https://example.com/webhooks/stripe';
  const { id } = await stripe.webhookEndpoints.create({
    url,
    enabled_events: ['invoice.paid', 'price.created'],
    api_version: '2020-08-27',
  });
  const listed = { id, url, eventTypes: ['invoice.paid', 'price.created'], livemode: false };
  expect(await listWebhookEndpoints(stripe)).toEqual([
    { ...listed, isEnabled: true, apiVersion: '2020-08-27' },
  ]);
  await stripe.webhookEndpoints.update(id, { disabled: true });
  expect(await listWebhookEndpoints(stripe)).toMatchObject([{ id, isEnabled: false }]);
});

test('our version is a date and a name', () => {
  expect(STRIPE_API_VERSION).toMatch(/^\d{4}-\d{2}-\d{2}\.[a-z]+$/);
});
