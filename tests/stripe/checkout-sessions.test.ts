import { expect, test } from 'vitest';
import { retrieveCheckoutSession } from '../../stripe/checkout-sessions.ts';
import { useStripe } from './stripe-simulator.ts';

const { stripe, price, requestsSince } = await useStripe();

test('I6 lines beyond the ten that Stripe embeds are fetched: the licence may be among them', async () => {
  const [extra, pro] = [await price({ productName: 'Extra' }), await price()];
  const lines = Array.from({ length: 11 }, () => ({ price: extra.id, quantity: 1 }));
  const open = await stripe.checkout.sessions.create({
    mode: 'subscription',
    line_items: [...lines, { price: pro.id, quantity: 7 }],
    success_url: 'https://shop.example.com',
  });
  await requestsSince();
  const session = await retrieveCheckoutSession(stripe, open.id);
  expect(session?.lineItems).toHaveLength(12);
  expect(session?.lineItems).toContainEqual({ priceId: pro.id, quantity: 7 });
  expect(await requestsSince()).toHaveLength(2);
});

test('the lines of a usual session come with it, in one request', async () => {
  const pro = await price();
  const open = await stripe.checkout.sessions.create({
    mode: 'subscription',
    line_items: [{ price: pro.id, quantity: 3 }],
    success_url: 'https://shop.example.com',
  });
  await requestsSince();
  const session = await retrieveCheckoutSession(stripe, open.id);
  expect(session?.lineItems).toEqual([{ priceId: pro.id, quantity: 3 }]);
  expect(await requestsSince()).toHaveLength(1);
});
