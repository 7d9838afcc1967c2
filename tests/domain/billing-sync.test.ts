import { expect, test } from 'vitest';
import { isCustomerEvent, isSessionEvent, judgeEventsOfUnknownCustomer } from '../../domain/billing-sync.ts';
import type { CheckoutSession } from '../../domain/checkout-session.ts';
import { stripeCustomerIdSchema } from '../../domain/ids.ts';

const session = (id: string, overrides: Partial<CheckoutSession> = {}): CheckoutSession => ({
  id,
  mode: 'subscription',
  paymentStatus: 'paid',
  customerId: stripeCustomerIdSchema.parse('cus_1'),
  subscriptionId: null,
  lineItems: [{ priceId: 'price_pro', quantity: 3 }],
  email: 'ada@example.com',
  names: [id],
  ...overrides,
});
const event = (stripeEventId: string, eventType: string, objectId: string | null) => ({
  stripeEventId,
  eventType,
  objectId,
});
const judge = (events: ReturnType<typeof event>[], sessions: CheckoutSession[]) =>
  judgeEventsOfUnknownCustomer({
    events,
    sessions: new Map(sessions.map((one) => [one.id, one])),
    prices: new Set(['price_pro']),
  });
const COMPLETED = 'checkout.session.completed';

test('I3 every event gets exactly one verdict or belongs to the purchase', () => {
  const judged = judge(
    [
      event('evt_sub', 'customer.subscription.created', 'sub_1'),
      event('evt_paid', COMPLETED, 'cs_paid'),
      event('evt_wait', COMPLETED, 'cs_wait'),
      event('evt_other', COMPLETED, 'cs_other'),
      event('evt_gone', COMPLETED, 'cs_gone'),
      event('evt_null', COMPLETED, null),
    ],
    [
      session('cs_paid'),
      session('cs_wait', { paymentStatus: 'unpaid' }),
      session('cs_other', { mode: 'payment' }),
    ],
  );
  expect(judged.verdicts).toEqual([
    { stripeEventId: 'evt_sub', status: 'parked', reason: 'unknown_customer' },
    { stripeEventId: 'evt_wait', status: 'ignored', reason: 'awaiting_payment' },
    { stripeEventId: 'evt_other', status: 'ignored', reason: 'not_a_license_purchase' },
    { stripeEventId: 'evt_gone', status: 'parked', reason: 'unknown_customer' },
    { stripeEventId: 'evt_null', status: 'parked', reason: 'unknown_customer' },
  ]);
  expect(judged.purchase?.stripeEventIds).toEqual(['evt_paid']);
});

test('I6 two paid sessions of one customer are one purchase: the first, with both events', () => {
  const judged = judge(
    [event('evt_1', COMPLETED, 'cs_1'), event('evt_2', 'checkout.session.async_payment_succeeded', 'cs_2')],
    [session('cs_1'), session('cs_2')],
  );
  expect(judged.purchase).toMatchObject({
    input: { client_name: 'cs_1' },
    stripeEventIds: ['evt_1', 'evt_2'],
  });
  expect(judged.verdicts).toEqual([]);
});

test('I6 a session that names nobody does not keep another from beginning the tenant, nor events from being parked', () => {
  const nobody = session('cs_nobody', { email: null });
  const events = [
    event('evt_nobody', COMPLETED, 'cs_nobody'),
    event('evt_sub', 'customer.subscription.created', 'sub_1'),
  ];
  const alone = judge(events, [nobody]);
  expect(alone.verdicts.map((verdict) => verdict.stripeEventId)).toEqual(['evt_sub']);
  expect(alone).toMatchObject({ purchase: null, failure: { name: 'InvalidInput' } });
  const both = judge([...events, event('evt_paid', COMPLETED, 'cs_paid')], [nobody, session('cs_paid')]);
  expect(both.purchase?.stripeEventIds).toEqual(['evt_paid']);
});

test('a thin event of a session is judged like its twin', () => {
  expect(judge([event('evt_1', `v1.${COMPLETED}`, 'cs_1')], [session('cs_1')]).purchase).not.toBeNull();
});

test('no events: nothing to decide', () => {
  expect(judge([], [])).toEqual({ verdicts: [], purchase: null, failure: null });
});

test.each([
  [COMPLETED, true, false],
  [`v1.${COMPLETED}`, true, false],
  ['customer.updated', false, true],
  ['v1.customer.deleted', false, true],
  ['customer.subscription.updated', false, false],
  ['', false, false],
])('%s: about a session %s, about the customer %s', (type, aboutSession, aboutCustomer) => {
  expect([isSessionEvent(type), isCustomerEvent(type)]).toEqual([aboutSession, aboutCustomer]);
});
