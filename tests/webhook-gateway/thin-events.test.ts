import { expect, test } from 'vitest';
import { fakeGateway, SNAPSHOT_SECRET, signature, subscriptionEvent, THIN_SECRET } from './fake-gateway.ts';

type Gateway = ReturnType<typeof fakeGateway>;

async function deliver({ app }: Gateway, event: object, secret: string): Promise<number> {
  const body = JSON.stringify(event);
  const headers = { 'stripe-signature': signature(body, secret), 'content-type': 'application/json' };
  const answer = await app.inject({ method: 'POST', url: '/webhooks/stripe', headers, body });
  return answer.statusCode;
}

const thinEvent = (overrides: object = {}) => ({
  id: 'evt_thin',
  object: 'v2.core.event',
  type: 'v1.customer.subscription.updated',
  created: '2026-11-21T05:52:44.123Z',
  livemode: false,
  related_object: { id: 'sub_1', type: 'subscription', url: '/v1/subscriptions/sub_1' },
  ...overrides,
});
const twin = thinEvent({ snapshot_event: 'evt_1' });

test.each([
  ['the snapshot event first', [subscriptionEvent(), twin], ['cus_1']],
  ['the thin event first', [twin, subscriptionEvent()], ['sub_1']],
])('I2 a snapshot event and its thin twin are one row and one wake, %s', async (_name, events, woken) => {
  const gateway = fakeGateway();
  for (const event of events) {
    const secret = event.object === 'event' ? SNAPSHOT_SECRET : THIN_SECRET;
    expect(await deliver(gateway, event, secret)).toBe(200);
  }
  expect([...gateway.rows.keys()]).toEqual(['evt_1']);
  expect(gateway.woken).toEqual(woken);
});

test.each([
  ['names no object', { related_object: null }],
  ['is of an unknown type', { type: 'v1.unicorn' }],
  ['comes from an organization, which names our account', { context: 'acct_1' }],
])('I1 a thin event that %s does not keep its snapshot twin away', async (_name, overrides) => {
  const gateway = fakeGateway();
  expect(await deliver(gateway, { ...twin, ...overrides }, THIN_SECRET)).toBe(200);
  expect(await deliver(gateway, subscriptionEvent(), SNAPSHOT_SECRET)).toBe(200);
  expect(gateway.rows.get('evt_1')).toMatchObject({ status: 'received', subject: 'cus_1' });
  expect(gateway.woken).toEqual(['cus_1']);
});

test('I3 granular events of one change have rows of their own and are woken by their subscription', async () => {
  const gateway = fakeGateway();
  const types = ['item_quantity_changed', 'item_price_changed', 'past_due'];
  for (const type of types) {
    const event = thinEvent({ id: `evt_${type}`, type: `v1.customer.subscription.${type}` });
    expect(await deliver(gateway, event, THIN_SECRET)).toBe(200);
  }
  expect([...gateway.rows.values()].map(({ status, subject }) => [status, subject])).toEqual(
    types.map(() => ['received', 'sub_1']),
  );
  expect(new Set(gateway.woken)).toEqual(new Set(['sub_1']));
});

test('the thin secret alone vouches for a thin event: unsigned, altered or signed by another is a 400', async () => {
  const gateway = fakeGateway();
  expect(await deliver(gateway, twin, SNAPSHOT_SECRET)).toBe(400);
  expect(await deliver(gateway, twin, 'whsec_another')).toBe(400);
  const headers = { 'stripe-signature': signature(JSON.stringify(twin), THIN_SECRET) };
  const altered = JSON.stringify({ ...twin, related_object: { id: 'sub_2' } });
  const answer = await gateway.app.inject({
    method: 'POST',
    url: '/webhooks/stripe',
    headers,
    body: altered,
  });
  expect(answer.statusCode).toBe(400);
  expect(gateway.rows.size).toBe(0);
  expect(gateway.woken).toEqual([]);
});

test('a thin price event is stored by its price', async () => {
  const gateway = fakeGateway();
  const event = thinEvent({ type: 'v1.price.updated', related_object: { id: 'price_1', type: 'price' } });
  expect(await deliver(gateway, event, THIN_SECRET)).toBe(200);
  expect(gateway.woken).toEqual(['price:price_1']);
});
