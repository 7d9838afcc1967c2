import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import {
  createCustomer,
  createSubscription,
  refusalOf,
  startReceiver,
  startSandbox,
} from '../simulator-fixture.ts';
import { iso, seconds, startStage, untilReady } from './stage.ts';
import { createStoryteller, line } from './story.ts';

const start = seconds('2027-01-10T00:00:00Z');
const day = 86_400;

/** The latest time that is taken, as what comes after it is refused. */
async function furthestOf(stripe: Stripe, clock: string, expected: string): Promise<string> {
  const advance = (to: number) => stripe.testHelpers.testClocks.advance(clock, { frozen_time: to });
  const refusal = await refusalOf(advance(seconds(expected) + 1));
  expect(refusal).toMatchObject({ statusCode: 400, param: 'frozen_time' });
  return iso((await advance(seconds(expected))).status_details.advancing?.target_frozen_time ?? 0);
}

describe('test clock', () => {
  it('is made at a frozen time, is ready, and goes after 30 days of real time', async () => {
    const { control, stripe } = await startSandbox();
    const { story } = await createStoryteller(stripe);
    const clock = await stripe.testHelpers.testClocks.create({ frozen_time: start, name: 'Year' });
    expect(clock).toMatchObject({
      object: 'test_helpers.test_clock',
      status: 'ready',
      frozen_time: start,
      name: 'Year',
    });
    expect(clock.deletes_after - clock.created).toBe(30 * day);
    await createCustomer(stripe, { test_clock: clock.id });
    await story();
    await control.setTimeOffset(31 * day * 1_000);
    expect(await refusalOf(stripe.testHelpers.testClocks.retrieve(clock.id))).toMatchObject({
      statusCode: 404,
      code: 'resource_missing',
    });
    expect((await story()).types).toEqual(['customer.deleted']);
  });

  it('advances by itself: the answer says advancing, and ready comes later', async () => {
    const { clock, stripe, subscribe } = await startStage();
    const { id } = await subscribe();
    const advancing = await stripe.testHelpers.testClocks.advance(clock, { frozen_time: start + 40 * day });
    expect(advancing).toMatchObject({
      status: 'advancing',
      status_details: { advancing: { target_frozen_time: start + 40 * day } },
    });
    await untilReady(stripe, clock);
    expect((await stripe.testHelpers.testClocks.retrieve(clock)).frozen_time).toBe(start + 40 * day);
    expect((await stripe.invoices.list({ subscription: id })).data).toHaveLength(2);
    const [newest, ...others] = (await stripe.events.list({ limit: 100 })).data;
    expect(newest?.type).toBe('test_helpers.test_clock.ready');
    const types = others.map(({ type }) => type as string);
    expect(types.indexOf('invoice.created')).toBeLessThan(types.indexOf('test_helpers.test_clock.advancing'));
  });

  it.each([
    ['back', -1],
    ['to where it is', 0],
  ])('does not go %s', async (_where, by) => {
    const { clock, stripe } = await startStage();
    const refusal = await refusalOf(
      stripe.testHelpers.testClocks.advance(clock, { frozen_time: start + by }),
    );
    expect(refusal).toMatchObject({ statusCode: 400, param: 'frozen_time' });
  });

  it('is not advanced again while it is advancing', async () => {
    const { clock, stripe, subscribe } = await startStage();
    await subscribe();
    // Time goes on when what it has told is answered.
    const receiver = await startReceiver({ delayMs: 3_000 });
    await stripe.webhookEndpoints.create({ url: receiver.url, enabled_events: ['*'] });
    const advance = (days: number) =>
      stripe.testHelpers.testClocks.advance(clock, { frozen_time: start + days * day });
    await advance(40);
    expect(await refusalOf(advance(50))).toMatchObject({ statusCode: 400 });
    await untilReady(stripe, clock);
    await advance(50);
  });

  it('goes two years at most without a subscription', async () => {
    const { clock, stripe } = await startStage();
    expect(await furthestOf(stripe, clock, '2029-01-10T00:00:00Z')).toBe('2029-01-10T00:00:00Z');
  });

  it.each([
    ['a month', ['month'], '2027-03-10T00:00:00Z'],
    ['a year', ['year'], '2029-01-10T00:00:00Z'],
    ['a year and a week', ['year', 'week'], '2027-01-24T00:00:00Z'],
  ] as const)(
    'goes two intervals of its shortest subscription at most: %s',
    async (_what, intervals, expected) => {
      const { clock, price, stripe, subscribe } = await startStage();
      for (const interval of intervals) {
        const { id } = await stripe.prices.create({
          currency: 'usd',
          unit_amount: 900,
          recurring: { interval },
          product: String(price.product),
        });
        await subscribe({ items: [{ price: id }] });
      }
      expect(await furthestOf(stripe, clock, expected)).toBe(expected);
      await untilReady(stripe, clock);
    },
  );

  it('has 3 customers at most, and each of them 3 subscriptions', async () => {
    const { clock, customer, stripe, subscribe } = await startStage();
    await createCustomer(stripe, { test_clock: clock });
    await createCustomer(stripe, { test_clock: clock });
    expect(await refusalOf(createCustomer(stripe, { test_clock: clock }))).toMatchObject({
      statusCode: 400,
      param: 'test_clock',
    });
    const [first] = [await subscribe(), await subscribe(), await subscribe()];
    expect(await refusalOf(subscribe())).toMatchObject({ statusCode: 400, param: 'customer' });
    await stripe.subscriptions.cancel(first.id);
    expect((await subscribe()).customer).toBe(customer.id);
  });

  it('takes its customers and their subscriptions along when it is deleted', async () => {
    const { clock, customer, story, stripe, subscribe } = await startStage();
    const { id } = await subscribe();
    await story();
    await stripe.testHelpers.testClocks.del(clock);
    expect((await story()).types).toEqual(expect.arrayContaining(line('customer.deleted, sub.deleted')));
    expect(await stripe.customers.retrieve(customer.id)).toMatchObject({ deleted: true });
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('canceled');
    expect(await refusalOf(stripe.testHelpers.testClocks.retrieve(clock))).toMatchObject({ statusCode: 404 });
  });

  it('keeps what is on it out of plain lists', async () => {
    const { clock, customer, stripe, subscribe } = await startStage();
    const { id } = await subscribe();
    const real = await createSubscription(stripe, 1);
    const ids = async (page: Promise<{ data: { id: string }[] }>): Promise<string[]> =>
      (await page).data.map((row) => row.id);
    expect(await ids(stripe.subscriptions.list())).toEqual([real.subscription.id]);
    expect(await ids(stripe.subscriptions.list({ status: 'all' }))).toEqual([real.subscription.id]);
    expect(await ids(stripe.subscriptions.list({ test_clock: clock }))).toEqual([id]);
    expect(await ids(stripe.subscriptions.list({ customer: customer.id }))).toEqual([id]);
    expect(await ids(stripe.customers.list())).toEqual([real.customer.id]);
    expect(await ids(stripe.customers.list({ test_clock: clock }))).toEqual([customer.id]);
  });

  it('freezes subscriptions and invoices; payments, charges and events have the real time', async () => {
    const { advance, story, subscribe } = await startStage();
    const before = Math.floor(Date.now() / 1_000);
    const { created } = await subscribe();
    await advance('2027-02-10T02:00:00Z');
    const told = await story();
    const after = Math.ceil(Date.now() / 1_000);
    expect(created).toBe(start);
    const invoices = told.of('invoice.created').map(({ data }) => iso(data.object.created));
    expect(invoices).toEqual(['2027-01-10T00:00:00Z', '2027-02-10T00:00:00Z']);
    const real = [
      ...told.events.map((event) => event.created),
      ...told.of('payment_intent.created').map(({ data }) => data.object.created),
      ...told.of('charge.succeeded').map(({ data }) => data.object.created),
    ];
    for (const at of real) {
      expect(at).toBeGreaterThanOrEqual(before);
      expect(at).toBeLessThanOrEqual(after);
    }
  });

  it('does what is due in the order of time, over all its customers', async () => {
    const { advance, clock, price, story, stripe, subscribe } = await startStage();
    const late = await subscribe();
    await advance('2027-01-20T00:00:00Z');
    const other = await createCustomer(stripe, { test_clock: clock });
    const early = await stripe.subscriptions.create({
      customer: other.id,
      items: [{ price: price.id }],
      trial_end: seconds('2027-02-01T00:00:00Z'),
    });
    await story();
    await advance('2027-03-09T00:00:00Z');
    const renewals = (await story()).of('invoice.created').map(({ data }) => data.object);
    expect(
      renewals.map(({ created, parent }) => [iso(created), parent?.subscription_details?.subscription]),
    ).toEqual([
      ['2027-02-01T00:00:00Z', early.id],
      ['2027-02-10T00:00:00Z', late.id],
      ['2027-03-01T00:00:00Z', early.id],
    ]);
  });

  it('leaves everybody else alone', async () => {
    const { advance, stripe } = await startStage();
    const { subscription } = await createSubscription(stripe, 1);
    await advance('2028-12-01T00:00:00Z');
    expect((await stripe.invoices.list({ subscription: subscription.id })).data).toHaveLength(1);
  });
});
