import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ALL_STRIPE_EVENT_TYPES, concernOf } from '../../domain/stripe-event-types.ts';
import {
  eventKind,
  IGNORED_REASONS,
  PARKED_REASONS,
  type RoutedEvent,
  routeEvent,
} from '../../domain/webhook-event.ts';

const snapshot = (type: string, object: unknown, overrides: object = {}) => ({
  id: 'evt_1',
  object: 'event',
  type,
  api_version: '2026-10-28.endive',
  livemode: false,
  created: 1_700_000_000,
  data: { object },
  ...overrides,
});
const thin = (type: string, objectId: string, overrides: object = {}) => ({
  id: 'evt_thin',
  object: 'v2.core.event',
  type,
  livemode: false,
  created: '2026-11-21T05:52:44.123Z',
  related_object: { id: objectId, type: 'x', url: '/v1/x' },
  ...overrides,
});
const route = (body: unknown) => routeEvent(body, false);

describe('every type that concerns us leads to whom it concerns', () => {
  const objects = {
    session: { id: 'cs_test_1', customer: 'cus_1' },
    customer: { id: 'cus_1' },
    subscription: { id: 'sub_1', customer: 'cus_1' },
    product: { id: 'prod_1' },
    price: { id: 'price_1', product: 'prod_1' },
    invoice: { id: 'in_1', customer: 'cus_1' },
  };
  test.each(ALL_STRIPE_EVENT_TYPES)('%s', (type) => {
    const concern = concernOf(type);
    if (concern === undefined) throw new Error(`${type} concerns nobody`);
    const subject = concern === 'product' || concern === 'price' ? 'product:prod_1' : 'cus_1';
    expect(route(snapshot(type, objects[concern]))).toEqual({
      stripeEventId: 'evt_1',
      eventType: type,
      stripeAccount: null,
      subject,
      objectId: objects[concern].id,
      livemode: false,
      apiVersion: '2026-10-28.endive',
      eventCreatedAt: new Date(1_700_000_000_000),
      status: 'received',
      statusReason: null,
    } satisfies RoutedEvent);
  });
});

describe('what becomes of an event is told with its reason', () => {
  const updated = 'customer.subscription.updated';
  const object = { id: 'sub_1', customer: 'cus_1' };
  test.each<[string, unknown, string, string | null, string | null]>([
    ['an unknown type', snapshot('tax_rate.created', { id: 'txr_1' }), 'ignored', 'event_type', null],
    ['a type of tomorrow', snapshot('customer.teleported', { id: 'cus_1' }), 'ignored', 'event_type', null],
    [
      'a connected account',
      snapshot(updated, object, { account: 'acct_1' }),
      'ignored',
      'connected_account',
      'cus_1',
    ],
    [
      'an unknown type of a connected account',
      snapshot('x.y', {}, { account: 'acct_1' }),
      'ignored',
      'connected_account',
      null,
    ],
    ['the other mode', snapshot(updated, object, { livemode: true }), 'parked', 'livemode_mismatch', 'cus_1'],
    ['no mode at all', snapshot(updated, object, { livemode: undefined }), 'received', null, 'cus_1'],
    [
      'an expanded customer',
      snapshot(updated, { id: 'sub_1', customer: { id: 'cus_1', object: 'customer' } }),
      'received',
      null,
      'cus_1',
    ],
    [
      'a subscription that names no customer',
      snapshot(updated, { id: 'sub_1' }),
      'parked',
      'unknown_customer',
      null,
    ],
    ['an object that is none', snapshot(updated, 7), 'parked', 'unknown_customer', null],
    ['no data', snapshot(updated, object, { data: undefined }), 'parked', 'unknown_customer', null],
    [
      'a session without a customer',
      snapshot('checkout.session.completed', { id: 'cs_1', customer: null }),
      'ignored',
      'not_a_license_purchase',
      null,
    ],
    [
      'a price with an expanded product',
      snapshot('price.updated', { id: 'price_1', product: { id: 'prod_1' } }),
      'received',
      null,
      'product:prod_1',
    ],
    [
      'a thin subscription event',
      thin('v1.customer.subscription.updated', 'sub_1'),
      'received',
      null,
      'sub_1',
    ],
    [
      'a thin subscription event of a finer grain than snapshots have',
      thin('v1.customer.subscription.item_quantity_changed', 'sub_1'),
      'received',
      null,
      'sub_1',
    ],
    ['a thin customer event', thin('v1.customer.updated', 'cus_1'), 'received', null, 'cus_1'],
    ['a thin product event', thin('v1.product.updated', 'prod_1'), 'received', null, 'product:prod_1'],
    ['a thin price event', thin('v1.price.updated', 'price_1'), 'received', null, 'price:price_1'],
    [
      'a thin event of a price that was a plan',
      thin('v1.price.updated', 'gold'),
      'received',
      null,
      'price:gold',
    ],
    ['a thin session event', thin('v1.checkout.session.completed', 'cs_1'), 'received', null, 'cs_1'],
    [
      'a thin event of no concern',
      thin('v1.billing.meter.error_report_triggered', 'mtr_1'),
      'ignored',
      'event_type',
      null,
    ],
    [
      'a thin event of a connected account',
      thin('v1.customer.updated', 'cus_1', { context: 'acct_1' }),
      'ignored',
      'connected_account',
      'cus_1',
    ],
    [
      'a thin event of the other mode',
      thin('v1.customer.updated', 'cus_1', { livemode: true }),
      'parked',
      'livemode_mismatch',
      'cus_1',
    ],
    [
      'a thin event about nothing',
      thin('v1.customer.updated', 'cus_1', { related_object: null }),
      'parked',
      'unknown_customer',
      null,
    ],
  ])('%s', (_name, body, status, statusReason, subject) => {
    expect(route(body)).toMatchObject({ status, statusReason, subject });
  });
});

test.each(ALL_STRIPE_EVENT_TYPES)('I3 its thin twin, v1.%s, is received too', (type) => {
  expect(route(thin(`v1.${type}`, 'x_1'))).toMatchObject({ status: 'received', statusReason: null });
});

test('I2 a thin event with a snapshot twin has the id of its twin, one without keeps its own', () => {
  expect(route(thin('v1.customer.updated', 'cus_1', { snapshot_event: 'evt_1' }))?.stripeEventId).toBe(
    'evt_1',
  );
  expect(route(thin('v1.customer.updated', 'cus_1', { snapshot_event: null }))?.stripeEventId).toBe(
    'evt_thin',
  );
});

test.each<[string, unknown]>([
  ['nothing', undefined],
  ['null', null],
  ['a number', 7],
  ['a list of events', [snapshot('customer.updated', { id: 'cus_1' })]],
  ['no id', snapshot('customer.updated', {}, { id: undefined })],
  ['an empty id', snapshot('customer.updated', {}, { id: '' })],
  ['an id that is no text', snapshot('customer.updated', {}, { id: { $gt: '' } })],
  ['an id that Postgres could not keep', snapshot('customer.updated', {}, { id: 'evt_\0' })],
  ['an id that is too long', snapshot('customer.updated', {}, { id: 'x'.repeat(256) })],
  ['no type', snapshot('customer.updated', {}, { type: undefined })],
  ['another object', snapshot('customer.updated', {}, { object: 'customer' })],
])('no event: %s', (_name, body) => {
  expect(route(body)).toBeUndefined();
});

test.each<[string, object]>([
  ['created is a fraction', { created: 1.5 }],
  ['created is in the year 10000', { created: 253_402_300_800 }],
  ['created is text', { created: 'yesterday' }],
  ['the API version is no text', { api_version: 7 }],
])('an event with id and type is kept when %s', (_name, overrides) => {
  expect(route(snapshot('customer.updated', { id: 'cus_1' }, overrides))).toMatchObject({
    status: 'received',
    subject: 'cus_1',
  });
});

test('both kinds are told apart by what a body claims to be, and by nothing else of it', () => {
  expect(eventKind(snapshot('x.y', {}))).toBe('snapshot');
  expect(eventKind(thin('v1.x.y', 'x_1'))).toBe('thin');
  for (const body of [undefined, null, 7, [], {}]) expect(eventKind(body)).toBe('snapshot');
  const [body, read] = watched(thin('v1.x.y', 'x_1'));
  expect([eventKind(body), read]).toEqual(['thin', ['object']]);
});

test('of the object that an event is about only its ids are read, however large it is', () => {
  const [object, read] = watched({ id: 'sub_1', customer: 'cus_1', items: {}, metadata: {} });
  expect(route(snapshot('customer.subscription.updated', object))).toMatchObject({
    subject: 'cus_1',
    objectId: 'sub_1',
  });
  expect([...new Set(read)].sort()).toEqual(['customer', 'id']);
});

/** An object, and the names of its fields that were read, in order; a look at all of them is `*`. */
function watched(object: object): [watched: object, read: string[]] {
  const read: string[] = [];
  const proxy = new Proxy(object, {
    get(target, name, receiver) {
      read.push(String(name));
      return Reflect.get(target, name, receiver);
    },
    ownKeys(target) {
      read.push('*');
      return Reflect.ownKeys(target);
    },
  });
  return [proxy, read];
}

const ids = fc.oneof(
  fc.constantFrom('evt_1', 'cus_1', 'sub_1', 'prod_1'),
  fc.string({ unit: 'binary' }),
  fc.anything(),
);
const bodies = fc.oneof(
  fc.anything(),
  fc.record(
    {
      id: ids,
      object: fc.constantFrom('event', 'v2.core.event', undefined, 'customer'),
      type: fc.oneof(
        fc.constantFrom(...ALL_STRIPE_EVENT_TYPES, 'v1.customer.updated', 'v1.price.updated'),
        ids,
      ),
      account: fc.oneof(fc.constant(null), ids),
      context: fc.oneof(fc.constant(null), ids),
      api_version: ids,
      livemode: fc.oneof(fc.boolean(), fc.anything()),
      created: fc.oneof(fc.integer(), fc.double(), fc.date().map(String), fc.anything()),
      data: fc.oneof(
        fc.record({ object: fc.record({ id: ids, customer: ids, product: ids }, { requiredKeys: [] }) }),
        fc.anything(),
      ),
      related_object: fc.oneof(fc.record({ id: ids }), fc.anything()),
      snapshot_event: ids,
    },
    { requiredKeys: [] },
  ),
);

test('whatever comes, routing never throws, and what it answers fits the inbox', () => {
  fc.assert(
    fc.property(bodies, fc.boolean(), (body, livemode) => {
      const routed = routeEvent(body, livemode);
      if (routed === undefined) return;
      const texts = [
        routed.stripeEventId,
        routed.eventType,
        routed.stripeAccount,
        routed.subject,
        routed.objectId,
        routed.apiVersion,
      ];
      for (const text of texts) expect(text ?? '').not.toMatch(/[\0\p{Cs}]/u);
      expect(routed.stripeEventId).not.toBe('');
      if (routed.status === 'received') expect(routed.subject).not.toBeNull();
      const reasons: readonly (string | null)[] =
        routed.status === 'received'
          ? [null]
          : routed.status === 'ignored'
            ? IGNORED_REASONS
            : PARKED_REASONS;
      expect(reasons).toContain(routed.statusReason);
      if (routed.eventCreatedAt !== null) expect(routed.eventCreatedAt.getTime()).not.toBeNaN();
    }),
    { numRuns: 2_000 },
  );
});
