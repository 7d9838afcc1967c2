import { expect, test } from 'vitest';
import {
  stripeCustomerIdSchema,
  stripeProductIdSchema,
  stripeSubscriptionIdSchema,
} from '../../domain/ids.ts';
import { retrieveCustomer } from '../../stripe/customers.ts';
import { listPrices, retrieveProduct } from '../../stripe/products.ts';
import { listSubscriptions, retrieveSubscription } from '../../stripe/subscriptions.ts';
import { useStripe } from './stripe-simulator.ts';

const { stripe, control, customer, price, subscription, requestsSince } = await useStripe();
const newCustomer = async () => stripeCustomerIdSchema.parse((await customer()).id);

test('a customer’s subscriptions come in one request, also ended ones', async () => {
  const id = await newCustomer();
  const pro = await price();
  const kept = await subscription(id, [{ price: pro.id, quantity: 3 }], { a: 'b' });
  const ended = await subscription(id, [{ price: pro.id, quantity: 1 }]);
  await stripe.subscriptions.cancel(ended.id);
  await requestsSince();
  const found = await listSubscriptions(stripe, id);
  expect(await requestsSince()).toEqual(['GET /v1/subscriptions']);
  expect(new Map(found.map((one) => [one.id, one.status]))).toEqual(
    new Map([
      [kept.id, 'active'],
      [ended.id, 'canceled'],
    ]),
  );
  expect(found.find((one) => one.id === kept.id)).toMatchObject({
    customerId: id,
    metadata: { a: 'b' },
    createdAt: new Date(kept.created * 1000),
    items: [{ quantity: 3, price: { id: pro.id, productId: pro.product, unitAmountMinor: 1_000 } }],
  });
});

test('I4 more than a page of subscriptions is read to its end', async () => {
  const id = await newCustomer();
  const pro = await price();
  const made = new Set<string>();
  for (let count = 0; count < 103; count += 1)
    made.add((await subscription(id, [{ price: pro.id, quantity: 1 }])).id);
  await requestsSince();
  expect(new Set((await listSubscriptions(stripe, id)).map((one) => one.id))).toEqual(made);
  expect(await requestsSince()).toHaveLength(2);
});

test('I4 items beyond the ten that Stripe embeds are fetched', async () => {
  const id = await newCustomer();
  const pro = await price();
  const made = await subscription(
    id,
    Array.from({ length: 12 }, () => ({ price: pro.id, quantity: 2 })),
  );
  expect(made.items.data).toHaveLength(10);
  const [listed] = await listSubscriptions(stripe, id);
  const retrieved = await retrieveSubscription(stripe, stripeSubscriptionIdSchema.parse(made.id));
  expect(listed?.items).toHaveLength(12);
  expect(retrieved).toEqual(listed);
});

test('a metered item has no quantity', async () => {
  const id = await newCustomer();
  const [pro, metered] = [await price(), await price({ metered: true })];
  await subscription(id, [{ price: pro.id, quantity: 4 }, { price: metered.id }]);
  const [found] = await listSubscriptions(stripe, id);
  expect(found?.items.map((item) => item.quantity)).toEqual([4, null]);
});

test('a deleted customer is answered as such, and its subscriptions as ended or not at all', async () => {
  const id = await newCustomer();
  const made = await subscription(id, [{ price: (await price()).id, quantity: 1 }]);
  await stripe.customers.del(id);
  expect(await retrieveCustomer(stripe, id)).toEqual({ id, deleted: true });
  for (const one of await listSubscriptions(stripe, id)) expect(one.status).toBe('canceled');
  const own = await retrieveSubscription(stripe, stripeSubscriptionIdSchema.parse(made.id));
  expect(own).toMatchObject({ status: 'canceled' });
});

test('text that Postgres can’t keep does not reach it', async () => {
  const made = await stripe.products.create({ name: 'a\0b', metadata: { 'k\0': 'v\0w' } });
  expect(await retrieveProduct(stripe, stripeProductIdSchema.parse(made.id))).toMatchObject({
    name: 'ab',
    metadata: { k: 'vw' },
  });
});

test('archived prices are listed too, and those of an unknown product are none', async () => {
  const pro = await price();
  await stripe.prices.update(pro.id, { active: false });
  const product = stripeProductIdSchema.parse(pro.product);
  expect(await listPrices(stripe, product)).toMatchObject([{ id: pro.id, active: false }]);
  expect(await retrieveProduct(stripe, stripeProductIdSchema.parse('prod_unknown'))).toBeNull();
  expect(await listPrices(stripe, stripeProductIdSchema.parse('prod_unknown'))).toEqual([]);
});

test('a failure on the second page is a failure of the whole list, never a part of it', async () => {
  const id = await newCustomer();
  const pro = await price();
  await subscription(
    id,
    Array.from({ length: 11 }, () => ({ price: pro.id, quantity: 1 })),
  );
  await control.injectFault({ kind: 'error_before', path: '/v1/subscription_items' });
  await expect(listSubscriptions(stripe, id)).rejects.toMatchObject({ name: 'StripeUnavailable' });
});
