import { describe, expect, test } from 'vitest';
import { useDatabase } from '../database.ts';
import { billingRows, event, newId } from '../db/billing-rows.ts';
import { useStripe } from '../stripe/stripe-simulator.ts';
import { activityWorld } from './activity-world.ts';

const { database, pool } = await useDatabase();
const rows = billingRows({ database, pool });
const { stripe, customer, price, subscription, requestsSince } = await useStripe();
const world = activityWorld({ database, stripe });
const pro = await price();

/** One run of a subject's sync as a wake starts it, followed by those that it wakes. @returns requests to Stripe */
async function settle(...subjects: string[]): Promise<string[]> {
  await requestsSince();
  for (const subject of subjects) {
    const round = await world.run(world.syncSubject, { subject, only_pending: true });
    const led = round.customer ?? round.product;
    if (led !== undefined) await world.run(world.syncSubject, { subject: led, only_pending: true });
  }
  return requestsSince();
}

const statusOf = async (id: string) => (await rows.eventRow(id))?.status;

describe('of a subscription', () => {
  /** A tenant whose customer bought licences, all of it known to us. */
  async function buyer() {
    const made = await customer();
    const { tenant } = await rows.tenantWithCustomer({ stripe_customer_id: made.id });
    const bought = await subscription(made.id, [{ price: pro.id, quantity: 10 }]);
    await world.run(world.syncSubject, { subject: made.id, only_pending: false });
    return { tenant, customer: made.id, bought };
  }

  /** One change as it comes: the snapshot event, and thin ones, of which the granular have no twin. */
  function eventsOf({ customer: subject, bought }: Awaited<ReturnType<typeof buyer>>) {
    return [
      event({ subject, eventType: 'customer.subscription.updated', objectId: bought.id }),
      event({ subject: bought.id, eventType: 'v1.customer.subscription.item_quantity_changed' }),
      event({ subject: bought.id, eventType: 'v1.customer.subscription.item_price_changed' }),
    ];
  }

  const orders = {
    'the customer’s sync first': (made: { customer: string; bought: { id: string } }) => [
      made.customer,
      made.bought.id,
    ],
    'the subscription’s sync first': (made: { customer: string; bought: { id: string } }) => [
      made.bought.id,
      made.customer,
    ],
  };
  test.each(Object.keys(orders) as (keyof typeof orders)[])(
    'I4 snapshot, thin and granular events of one change cost one request, %s',
    async (order) => {
      const made = await buyer();
      const item = made.bought.items.data[0]?.id ?? '';
      await stripe.subscriptions.update(made.bought.id, { items: [{ id: item, quantity: 25 }] });
      const ids = await rows.receive(...eventsOf(made));
      const requests = await settle(...orders[order](made));
      expect(requests).toEqual(['GET /v1/subscriptions']);
      for (const id of ids) expect(await statusOf(id)).toBe('processed');
      expect(await rows.tenantRow(made.tenant)).toMatchObject({ licensed_user_count: 25 });
    },
  );

  test('I4 both syncs at once cost at most one request each, and settle all', async () => {
    const made = await buyer();
    const ids = await rows.receive(...eventsOf(made));
    await requestsSince();
    const [, round] = await Promise.all(
      [made.customer, made.bought.id].map((subject) =>
        world.run(world.syncSubject, { subject, only_pending: true }),
      ),
    );
    if (round?.customer) await settleRest(round.customer);
    for (const id of ids) expect(await statusOf(id)).toBe('processed');
  });
  const settleRest = (subject: string) => world.run(world.syncSubject, { subject, only_pending: true });

  test('one that we do not know is asked for once, and its events are its customer’s', async () => {
    const made = await customer();
    const { tenant } = await rows.tenantWithCustomer({ stripe_customer_id: made.id });
    const bought = await subscription(made.id, [{ price: pro.id, quantity: 4 }]);
    const [id = ''] = await rows.receive(
      event({ subject: bought.id, eventType: 'v1.customer.subscription.created' }),
    );
    const requests = await settle(bought.id);
    expect(requests.filter((request) => request === `GET /v1/subscriptions/${bought.id}`)).toHaveLength(1);
    expect(requests.filter((request) => request === 'GET /v1/subscriptions')).toHaveLength(1);
    expect(await rows.eventRow(id)).toMatchObject({ status: 'processed', tenant, subject: made.id });
  });
});

describe('of a price', () => {
  const updated = (id: string) => event({ subject: `price:${id}`, eventType: 'v1.price.updated' });

  test('I4 one that we have leads to its product without a request, whose sync settles it', async () => {
    const sold = await price({ productName: 'Before' });
    const product = `product:${sold.product}`;
    await world.run(world.syncSubject, { subject: product, only_pending: false });
    await stripe.prices.update(sold.id, { metadata: { tier: 'gold' } });
    const [snapshot = '', thin = ''] = await rows.receive(
      event({ subject: product, eventType: 'price.updated' }),
      updated(sold.id),
    );
    const requests = await settle(`price:${sold.id}`, product);
    expect(requests).toEqual([`GET /v1/products/${sold.product}`, 'GET /v1/prices']);
    expect([await statusOf(snapshot), await statusOf(thin)]).toEqual(['processed', 'processed']);
    expect(await rows.priceRow(sold.id)).toMatchObject({ metadata: { tier: 'gold' } });
  });

  test('I4 a new one is asked for, and comes into the projection with its product', async () => {
    const sold = await price({ productName: 'New' });
    const [id = ''] = await rows.receive(
      event({ subject: `price:${sold.id}`, eventType: 'v1.price.created' }),
    );
    const requests = await settle(`price:${sold.id}`);
    expect(requests[0]).toBe(`GET /v1/prices/${sold.id}`);
    expect(await rows.eventRow(id)).toMatchObject({
      status: 'processed',
      subject: `product:${sold.product}`,
    });
    expect(await rows.priceRow(sold.id)).toMatchObject({ product_name: 'New', is_active: true });
  });

  test('I3 one that nobody has is settled: there is nothing to bring in line', async () => {
    const [id = ''] = await rows.receive(updated(newId('price')));
    const [{ subject } = { subject: '' }] = [(await rows.eventRow(id)) ?? { subject: '' }];
    await settle(subject);
    expect(await rows.eventRow(id)).toMatchObject({ status: 'processed', status_reason: null });
  });
});

describe('of a session', () => {
  test('without a customer is ignored', async () => {
    const open = await stripe.checkout.sessions.create({
      mode: 'payment',
      line_items: [
        { price_data: { currency: 'usd', unit_amount: 5, product_data: { name: 'Mug' } }, quantity: 1 },
      ],
      success_url: 'https://shop.example.com',
    });
    const [id = ''] = await rows.receive(
      event({ subject: open.id, eventType: 'v1.checkout.session.completed' }),
    );
    await settle(open.id);
    expect(await rows.eventRow(id)).toMatchObject({
      status: 'ignored',
      status_reason: 'not_a_license_purchase',
    });
  });
});
