import type Stripe from 'stripe';
import { beforeAll, describe, expect, it } from 'vitest';
import { startStripeSimulator } from '../../../../sandbox/stripe/simulator.ts';
import { clientOf } from '../simulator-fixture.ts';
import type { What } from './deviations.ts';
import { createJudge } from './judge.ts';

type Hash = Record<string, unknown>;

let price: Hash;
let created: Hash;

beforeAll(async () => {
  ({ price, created } = await priceAndEvent());
});

describe('an answer', () => {
  it('as the simulator gives it fits', async () => {
    expect(await objectionsTo(price)).toEqual([]);
  });

  it.each<[string, Hash, string, What]>([
    ['a key that the specification does not know', { plan: null }, 'price.plan', 'unknown'],
    ['a key that may be null but is not there', { nickname: undefined }, 'price.nickname', 'missing'],
    ['a value that is none of those it may have', { type: 'weekly' }, 'price.type', 'value'],
    ['a value of another type', { unit_amount: '500' }, 'price.unit_amount', 'value'],
    ['a currency in capitals', { currency: 'USD' }, 'price.currency', 'value'],
    ['a time that is no number', { created: '2026-01-01' }, 'price.created', 'value'],
    ['a hash with a key too many', { recurring: { extra: 1 } }, 'recurring.extra', 'unknown'],
    ['another object in place of an id', { product: { object: 'charge' } }, 'price.product', 'value'],
    ['an expanded object that is not whole', { product: { object: 'product' } }, 'product.name', 'missing'],
    [
      'a stub that is not whole',
      { product: { object: 'product', deleted: true } },
      'deleted_product.id',
      'missing',
    ],
  ])('with %s does not', async (_, change, where, what) => {
    expect(await objectionsTo({ ...price, ...change })).toContainEqual({ where, what });
  });

  it('of another endpoint does not fit', async () => {
    const objections = await objectionsTo(price, { path: '/v1/products/:id' });
    expect(objections).toEqual([{ where: 'GET /v1/products/*', what: 'value' }]);
  });

  it('to a request with a parameter that the specification does not know does not fit', async () => {
    const objections = await objectionsTo(price, { parameters: { hidden: 'true' } });
    expect(objections).toEqual([{ where: 'GET /v1/prices/*?hidden', what: 'unknown' }]);
  });

  it('of an endpoint that the specification does not know does not fit', async () => {
    const objections = await objectionsTo(price, { path: '/v1/prices/:id/history' });
    expect(objections).toEqual([{ where: 'GET /v1/prices/*/history', what: 'unknown' }]);
  });

  it('that is an error is held against the schema of errors', async () => {
    const error = { type: 'my_error', message: 'No', reason: 'none' };
    expect(await objectionsTo({ error }, { status: 400 })).toEqual([
      { where: 'api_errors.reason', what: 'unknown' },
      { where: 'api_errors.type', what: 'value' },
    ]);
  });
});

describe('an event', () => {
  it('as the simulator writes it fits', async () => {
    expect(await objectionsToEvent(created)).toEqual([]);
  });

  it.each<[string, Hash, string, What]>([
    ['of a type that stripe-node does not know', { type: 'price.sold' }, 'event price.sold', 'unknown'],
    ['about an object of another kind', { type: 'charge.failed' }, 'charge.amount', 'missing'],
    ['with a key too many', { user_id: null }, 'event.user_id', 'unknown'],
    ['without its version', { api_version: undefined }, 'event.api_version', 'missing'],
  ])('%s does not', async (_, change, where, what) => {
    expect(await objectionsToEvent({ ...created, ...change })).toContainEqual({ where, what });
  });

  it('with an object where it should be its id does not fit, though it would in an answer', async () => {
    const product = { id: 'prod_1', object: 'product', deleted: true };
    expect(await objectionsTo({ ...price, product })).toEqual([]);
    const data = { object: { ...price, product } };
    expect(await objectionsToEvent({ ...created, data })).toEqual([
      { where: 'price.product', what: 'value' },
    ]);
  });

  it('with an old value of a key that the object does not have does not fit', async () => {
    const data = { object: price, previous_attributes: { amount: 1 } };
    const objections = await objectionsToEvent({ ...created, type: 'price.updated', data });
    expect(objections).toEqual([{ where: 'price.amount', what: 'unknown' }]);
  });

  it.each<[string, Hash, string, What]>([
    [
      'without the object that its type is about',
      { related_object: null },
      'v2.core.event.related_object',
      'value',
    ],
    ['of an unknown type', { type: 'v1.price.sold' }, 'event v1.price.sold', 'unknown'],
    ['with seconds in place of a date', { created: 1_700_000_000 }, 'v2.core.event.created', 'value'],
  ])('that is thin, %s, does not', async (_, change, where, what) => {
    const related_object = { id: 'price_1', type: 'price', url: '/v1/prices/price_1' };
    const thin = { id: 'evt_1', object: 'v2.core.event', type: 'v1.price.created', livemode: false };
    const event = { ...thin, created: '2026-11-21T08:00:00.000Z', related_object };
    expect(await objectionsToEvent(event)).toEqual([]);
    expect(await objectionsToEvent({ ...event, ...change })).toContainEqual({ where, what });
  });
});

async function priceAndEvent(): Promise<{ price: Hash; created: Hash }> {
  const simulator = await startStripeSimulator();
  try {
    const stripe = clientOf(simulator);
    const { id } = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 500,
      recurring: { interval: 'month' },
      product_data: { name: 'Licence' },
    });
    const [event] = (await stripe.events.list({ type: 'price.created' })).data;
    return {
      price: await wire(stripe, `/v1/prices/${id}`),
      created: await wire(stripe, `/v1/events/${event?.id}`),
    };
  } finally {
    await simulator.close();
  }
}

/** An answer as it was sent: stripe-node makes objects of decimals. */
async function wire(stripe: Stripe, path: string): Promise<Hash> {
  const answer = await stripe.rawRequest('GET', path);
  return JSON.parse(JSON.stringify(answer));
}

async function objectionsTo(
  body: Hash,
  answer: { path?: string; status?: number; parameters?: Hash } = {},
): Promise<{ where: string; what: What }[]> {
  const judge = await createJudge();
  judge.onAnswer({
    method: 'GET',
    path: '/v1/prices/:id',
    parameters: {},
    status: 200,
    fault: null,
    ...answer,
    body: JSON.stringify(body),
  });
  return judge.objections.map(({ where, what }) => ({ where, what }));
}

async function objectionsToEvent(event: Hash): Promise<{ where: string; what: What }[]> {
  const judge = await createJudge();
  judge.onEvent(JSON.parse(JSON.stringify(event)));
  return judge.objections.map(({ where, what }) => ({ where, what }));
}
