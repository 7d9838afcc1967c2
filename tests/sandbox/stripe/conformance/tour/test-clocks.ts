import type Stripe from 'stripe';
import { waitUntil } from '../../../../../sandbox/processes/wait-until.ts';
import type { Guide } from './guide.ts';

const day = 86_400;
const frozen = 1_900_000_000;
const readyMaxMs = 30_000;

/** A year's worth of time in small: a renewal that is paid, one that is not, an update that waits for its payment. */
export async function tourTestClocks({ stripe }: Guide): Promise<void> {
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: frozen, name: 'Renewals' });
  await stripe.testHelpers.testClocks.list();
  const id = await subscribe(stripe, clock.id);
  await advance(stripe, clock.id, frozen + 32 * day);
  await payBy(stripe, id, 'pm_card_chargeCustomerFail');
  const [item] = (await stripe.subscriptionItems.list({ subscription: id })).data;
  await stripe.subscriptions.update(id, {
    items: [{ id: item?.id ?? '', quantity: 20 }],
    payment_behavior: 'pending_if_incomplete',
    proration_behavior: 'always_invoice',
  });
  await advance(stripe, clock.id, frozen + 62 * day);
  await stripe.events.list({ limit: 100 });
  await stripe.testHelpers.testClocks.del(clock.id);
}

async function subscribe(stripe: Stripe, test_clock: string): Promise<string> {
  const payment_method = 'pm_card_visa';
  const customer = await stripe.customers.create({
    test_clock,
    payment_method,
    invoice_settings: { default_payment_method: payment_method },
  });
  const price = await stripe.prices.create({
    currency: 'usd',
    unit_amount: 500,
    recurring: { interval: 'month' },
    product_data: { name: 'Licence' },
  });
  const items = [{ price: price.id, quantity: 3 }];
  const { id } = await stripe.subscriptions.create({ customer: customer.id, items });
  return id;
}

async function payBy(stripe: Stripe, subscription: string, card: string): Promise<void> {
  const { customer } = await stripe.subscriptions.retrieve(subscription);
  const { id } = await stripe.paymentMethods.attach(card, { customer: String(customer) });
  await stripe.subscriptions.update(subscription, { default_payment_method: id });
}

async function advance(stripe: Stripe, clock: string, frozen_time: number): Promise<void> {
  await stripe.testHelpers.testClocks.advance(clock, { frozen_time });
  const isReady = async () => (await stripe.testHelpers.testClocks.retrieve(clock)).status === 'ready';
  await waitUntil({ what: 'the clock is ready', check: isReady, limitMs: readyMaxMs });
}
