import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  isRoutedAgain,
  judgeReplay,
  refusalOfIgnoring,
  type SettledEvent,
} from '../../domain/event-replay.ts';
import {
  IGNORED_REASONS,
  PARKED_REASONS,
  type RoutedEvent,
  routeEvent,
  WEBHOOK_EVENT_STATUSES,
} from '../../domain/webhook-event.ts';
import { seeded } from '../convergence/history.ts';

const REASONS = {
  ignored: IGNORED_REASONS,
  parked: PARKED_REASONS,
  failed: ['DatabaseRefused', 'Unexpected'],
};

/** Events as the table's constraints allow them. */
const settled: fc.Arbitrary<SettledEvent> = fc.constantFrom(...WEBHOOK_EVENT_STATUSES).chain((status) => {
  const reasons: readonly (string | null)[] =
    status === 'received' || status === 'processed' ? [null] : REASONS[status];
  const subjects = status === 'received' ? ['cus_1'] : ['cus_1', null];
  return fc.record({
    status: fc.constant(status),
    statusReason: fc.constantFrom(...reasons),
    subject: fc.constantFrom(...subjects),
  });
});

const bodies = fc.record({
  id: fc.constant('evt_1'),
  type: fc.constantFrom('invoice.paid', 'customer.updated', 'tax_rate.created', 'checkout.session.completed'),
  livemode: fc.boolean(),
  account: fc.constantFrom(undefined, 'acct_1'),
  data: fc.constantFrom({ object: {} }, { object: { id: 'cus_2', customer: 'cus_2' } }),
});
const routed = fc.option(
  fc.tuple(bodies, fc.boolean()).map(([body, livemode]) => routeEvent(body, livemode)),
  { nil: undefined },
);

test('whatever an event is: processed only when forced, and what the door turned away only when it passes today', () => {
  fc.assert(
    fc.property(settled, routed, fc.boolean(), (event, today, isForced) => {
      const verdict = judgeReplay(event, { isForced, routed: today });
      const passes = !isRoutedAgain(event) || (today?.status === 'received' && today.subject !== null);
      const isAllowed = passes && (event.status !== 'processed' || isForced);
      expect(verdict.do !== 'refuse').toBe(isAllowed);
      if (verdict.do === 'refuse') expect(verdict.why).toMatch(/^(it|its|events) /);
      else expect(verdict.subject).toBe(event.subject ?? today?.subject);
      expect(verdict.do === 'wake').toBe(event.status === 'received');
    }),
    seeded(2_000),
  );
});

test.each<[SettledEvent['status'], string | null, string | null, boolean]>([
  ['failed', 'DatabaseRefused', 'cus_1', false],
  ['processed', null, 'cus_1', false],
  ['received', null, 'cus_1', false],
  ['parked', 'unknown_customer', 'cus_1', false],
  ['ignored', 'not_a_license_purchase', 'cus_1', false],
  ['ignored', 'awaiting_payment', 'cus_1', false],
  ['parked', 'unknown_customer', null, true],
  ['ignored', 'not_a_license_purchase', null, true],
  ['ignored', 'event_type', null, true],
  ['ignored', 'connected_account', 'cus_1', true],
  ['parked', 'livemode_mismatch', 'cus_1', true],
  ['ignored', 'operator', 'cus_1', true],
])('%s, %s, of %s: passes the door again: %s', (status, statusReason, subject, isAgain) => {
  expect(isRoutedAgain({ status, statusReason, subject })).toBe(isAgain);
});

test('of another mode, of a connected account or of a type nobody handles: the refusal says which', () => {
  const why = (statusReason: RoutedEvent['statusReason'], more: Partial<RoutedEvent> = {}) => {
    const event: SettledEvent = { status: 'ignored', statusReason: 'operator', subject: 'cus_1' };
    const today = routeEvent({ id: 'evt_1', type: 'tax_rate.created' }, false);
    if (today === undefined) throw new Error('unreachable: it is an event');
    return judgeReplay(event, { isForced: false, routed: { ...today, statusReason, ...more } });
  };
  expect(why('livemode_mismatch', { livemode: true })).toMatchObject({
    why: expect.stringMatching(/live mode and the key of test/),
  });
  expect(why('livemode_mismatch', { livemode: false })).toMatchObject({
    why: expect.stringMatching(/test mode and the key of live/),
  });
  expect(why('connected_account', { stripeAccount: 'acct_1' })).toMatchObject({
    why: expect.stringMatching(/acct_1/),
  });
  expect(why('event_type')).toMatchObject({ why: expect.stringMatching(/tax_rate.created/) });
  expect(why('not_a_license_purchase')).toMatchObject({ why: expect.stringMatching(/without a customer/) });
});

test('what is settled for good or ignored already is not ignored', () => {
  const refused = WEBHOOK_EVENT_STATUSES.filter((status) => refusalOfIgnoring({ status }) !== undefined);
  expect(refused).toEqual(['processed', 'ignored']);
});
