import { describe, expect, test } from 'vitest';
import { stripeCustomerIdSchema, stripeSubscriptionIdSchema } from '../../domain/ids.ts';
import { isReminderEvent, remindersOf } from '../../domain/reminders.ts';
import {
  SUBSCRIPTION_STATUSES,
  type Subscription,
  type SubscriptionItem,
  type SubscriptionStatus,
} from '../../domain/subscription.ts';

const NOW = new Date('2026-05-20T12:00:00Z');
const days = (count: number) => new Date(NOW.getTime() + count * 86_400_000);
type Recurring = SubscriptionItem['price']['recurring'];
const YEARLY: Recurring = { interval: 'year', intervalCount: 1 };
const MONTHLY: Recurring = { interval: 'month', intervalCount: 1 };

function item(
  options: {
    recurring?: Recurring;
    unitAmountMinor?: number | null;
    quantity?: number | null;
    currency?: string;
    end?: Date;
  } = {},
): SubscriptionItem {
  const {
    recurring = YEARLY,
    unitAmountMinor = 1_000,
    quantity = 3,
    currency = 'usd',
    end = days(7),
  } = options;
  return {
    id: 'si_1',
    price: {
      id: 'price_1',
      productId: 'prod_1',
      active: true,
      currency,
      unitAmountMinor,
      recurring,
      metadata: {},
    },
    quantity,
    currentPeriodStart: days(-358),
    currentPeriodEnd: end,
    createdAt: days(-358),
  };
}

const subscription = (overrides: Partial<Subscription> = {}): Subscription => ({
  id: stripeSubscriptionIdSchema.parse('sub_1'),
  customerId: stripeCustomerIdSchema.parse('cus_1'),
  status: 'active',
  items: [item()],
  createdAt: days(-358),
  cancelAt: null,
  cancelAtPeriodEnd: false,
  canceledAt: null,
  cancellationReason: null,
  trialEnd: null,
  metadata: {},
  ...overrides,
});

type Policy = { renewal_reminder: 'none' | 'yearly' | 'every'; trial_ending: boolean };

function reminders(eventTypes: string[], subscriptions: Subscription[], policy: Partial<Policy> = {}) {
  return remindersOf({
    events: eventTypes.map((eventType, index) => ({
      stripeEventId: `evt_${index}`,
      eventType,
      objectId: 'in_upcoming',
    })),
    subscriptions,
    policy: { renewal_reminder: 'yearly', trial_ending: true, ...policy },
    now: NOW,
  });
}

const renewals = (changed: Partial<Subscription> = {}, policy: Partial<Policy> = {}) =>
  reminders(['invoice.upcoming'], [subscription(changed)], policy);
const trialing = (changed: Partial<Subscription> = {}, policy: Partial<Policy> = {}) =>
  reminders(
    ['customer.subscription.trial_will_end'],
    [subscription({ status: 'trialing', trialEnd: days(3), ...changed })],
    policy,
  );

test.each([
  ['invoice.upcoming', true],
  ['v1.invoice.upcoming', true],
  ['customer.subscription.trial_will_end', true],
  ['v1.customer.subscription.trial_will_end', true],
  ['invoice.created', false],
  ['customer.subscription.updated', false],
  ['v2.invoice.upcoming', false],
])('%s calls for a reminder: %s', (type, isOne) => {
  expect(isReminderEvent(type)).toBe(isOne);
});

describe('a renewal', () => {
  test('is told with its time and what it costs, under one key for each period', () => {
    expect(renewals()).toEqual([
      {
        kind: 'renewal_reminder',
        dedupeKey: `renewal_reminder:sub_1:${days(7).toISOString()}`,
        at: days(7),
        amount: { minor: 3_000, currency: 'usd' },
      },
    ]);
  });

  test('is told once, however often the event comes, also as a thin one', () => {
    const twice = reminders(['invoice.upcoming', 'v1.invoice.upcoming'], [subscription()]);
    expect(twice).toEqual(renewals());
    expect(reminders(['v1.invoice.upcoming'], [subscription()])).toEqual(renewals());
  });

  test.each<[string, Recurring, string[]]>([
    ['a year', YEARLY, ['yearly', 'every']],
    ['twelve months', { interval: 'month', intervalCount: 12 }, ['yearly', 'every']],
    ['two years', { interval: 'year', intervalCount: 2 }, ['yearly', 'every']],
    ['a month', MONTHLY, ['every']],
    ['six months', { interval: 'month', intervalCount: 6 }, ['every']],
    ['a price without an interval', null, ['every']],
  ])('of %s is told by the policies %j', (_name, recurring, policies) => {
    const items = [item({ recurring })];
    const told = (['none', 'yearly', 'every'] as const).filter(
      (renewal_reminder) => renewals({ items }, { renewal_reminder }).length > 0,
    );
    expect(told).toEqual(policies);
  });

  test('of a subscription that also has monthly items is that of the yearly ones, with all that renews then', () => {
    const items = [
      item({ recurring: MONTHLY, unitAmountMinor: 50, end: days(2) }),
      item({ end: days(7) }),
      item({ recurring: MONTHLY, unitAmountMinor: 7, quantity: 1, end: days(7) }),
    ];
    expect(renewals({ items })).toMatchObject([{ at: days(7), amount: { minor: 3_007 } }]);
    expect(renewals({ items }, { renewal_reminder: 'every' })).toMatchObject([
      { at: days(2), amount: { minor: 150 } },
    ]);
  });

  test.each<[string, Partial<Subscription>]>([
    ['it will be canceled', { cancelAtPeriodEnd: true }],
    ['it will be canceled at a time', { cancelAt: days(7) }],
    ['the period is over already', { items: [item({ end: NOW })] }],
    ['it is further away than Stripe announces any', { items: [item({ end: days(61) })] }],
    ['it has no items', { items: [] }],
    ...SUBSCRIPTION_STATUSES.filter((status) => status !== 'active').map(
      (status): [string, { status: SubscriptionStatus }] => [`it is ${status}`, { status }],
    ),
  ])('is not told when %s', (_name, changed) => {
    expect(renewals(changed)).toEqual([]);
  });

  test('is told of each subscription that renews', () => {
    const other = subscription({ id: stripeSubscriptionIdSchema.parse('sub_2') });
    expect(reminders(['invoice.upcoming'], [subscription(), other])).toHaveLength(2);
  });
});

describe('the end of a trial', () => {
  test('is told with its time and what follows costs, under one key', () => {
    expect(trialing()).toEqual([
      {
        kind: 'trial_ending',
        dedupeKey: `trial_ending:sub_1:${days(3).toISOString()}`,
        at: days(3),
        amount: { minor: 3_000, currency: 'usd' },
      },
    ]);
  });

  test.each<[string, Partial<Subscription>]>([
    ['it is over', { trialEnd: NOW }],
    ['the subscription has none', { trialEnd: null }],
    ['the subscription is active by now', { status: 'active' }],
    ['the subscription will be canceled', { cancelAtPeriodEnd: true }],
  ])('is not told when %s', (_name, changed) => {
    expect(trialing(changed)).toEqual([]);
  });

  test('is not told by a policy that wants none of it', () => {
    expect(trialing({}, { trial_ending: false })).toEqual([]);
  });
});

test('each event calls for its own kind alone', () => {
  const both = [subscription(), subscription({ status: 'trialing', trialEnd: days(3) })];
  expect(reminders(['invoice.upcoming'], both).map(({ kind }) => kind)).toEqual(['renewal_reminder']);
  expect(reminders(['customer.subscription.trial_will_end'], both).map(({ kind }) => kind)).toEqual([
    'trial_ending',
  ]);
  expect(reminders(['invoice.paid', 'customer.subscription.updated'], both)).toEqual([]);
});

describe('what it costs', () => {
  test.each<[string, SubscriptionItem[], { minor: number; currency: string } | null]>([
    [
      'is the sum of all items',
      [item(), item({ unitAmountMinor: 250, quantity: 2 })],
      { minor: 3_500, currency: 'usd' },
    ],
    ['is nothing for a free one', [item({ unitAmountMinor: 0 })], { minor: 0, currency: 'usd' }],
    ['is not told with a metered item', [item(), item({ quantity: null })], null],
    ['is not told where a price has no amount', [item({ unitAmountMinor: null })], null],
    ['is not told in two currencies', [item(), item({ currency: 'eur' })], null],
  ])('%s', (_name, items, amount) => {
    expect(renewals({ items })[0]?.amount).toEqual(amount);
  });

  test('is not told of a trial without items', () => {
    expect(trialing({ items: [] })[0]?.amount).toBeNull();
  });
});
