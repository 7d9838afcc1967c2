import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  announcingIndex,
  DEFAULT_DUNNING_POLICY_SOURCE,
  readDunningPolicy,
  stagesFor,
} from '../../domain/dunning-policy.ts';
import { Failure } from '../../domain/failures.ts';
import { seeded } from '../convergence/history.ts';
import { policySources } from '../dunning-histories/policies.ts';

type Source = Record<string, unknown>;
const FAILED = { name: 'failed', after: 'PT0S', state: 'retrying', notice: 'payment_failed' };
const FINAL = { name: 'final', after: 'P7D', state: 'grace', notice: 'final_notice' };
const RESTRICT = {
  name: 'restriction',
  after: 'P14D',
  state: 'restricted',
  notice: 'restricted',
  effect: 'restrict',
};
const END = { name: 'end', after: 'P90D', state: 'written_off', effect: 'write_off' };

const policy = (stages: Source[] = [FAILED, FINAL, RESTRICT, END], more: Source = {}): Source => ({
  version: 'v1',
  stages,
  ...more,
});

/** What is wrong with a policy, a line for each fault. */
function faults(source: unknown): string[] {
  try {
    readDunningPolicy(source);
  } catch (error) {
    if (error instanceof Failure && error.name === 'InvalidInput') {
      const [head, ...lines] = error.message.split('\n  ');
      expect(head).toBe('The dunning policy is not usable:');
      return lines;
    }
    throw error;
  }
  return [];
}

describe('the built-in policy', () => {
  test('is valid, and written off after 90 days whichever of its variants is followed', () => {
    const read = readDunningPolicy(DEFAULT_DUNNING_POLICY_SOURCE);
    const lists = [read, ...read.variants].map(({ stages }) => stages);
    expect(lists.map((stages) => stages.at(-1))).toEqual(
      lists.map(() =>
        expect.objectContaining({ effect: 'write_off', after: expect.objectContaining({ days: 90 }) }),
      ),
    );
  });

  test('has no quiet times, counts in UTC, and reminds of yearly renewals and ends of trials', () => {
    expect(readDunningPolicy(DEFAULT_DUNNING_POLICY_SOURCE)).toMatchObject({
      time_zone: 'UTC',
      renewal_reminder: 'yearly',
      trial_ending: true,
    });
    expect(readDunningPolicy(DEFAULT_DUNNING_POLICY_SOURCE)).not.toHaveProperty('quiet_hours');
  });
});

test('made-up policies that follow the rules are taken', () => {
  fc.assert(
    fc.property(policySources, (source) => {
      expect(faults(source)).toEqual([]);
    }),
    seeded(500),
  );
});

describe('what can be followed is taken', () => {
  test.each<[string, Source]>([
    ['no access is ever withheld', policy([FAILED, END])],
    [
      'a state that ends instead of an effect',
      policy([FAILED, { name: 'end', after: 'P9D', state: 'canceled' }]),
    ],
    ['stages at the same time, without an effect', policy([FAILED, { ...FINAL, after: 'PT0S' }, END])],
    ['a stage that tells nothing', policy([FAILED, { name: 'grace', after: 'P2D', state: 'grace' }, END])],
    [
      'a month after 28 days',
      policy([FAILED, { ...FINAL, after: 'P28D' }, { ...FINAL, name: 'month', after: 'P1M' }, END]),
    ],
    [
      'seconds, for a demonstration',
      policy([FAILED, { ...FINAL, after: 'PT0.5S' }, { ...END, after: 'PT1S' }]),
    ],
    ['five years', policy([FAILED, { ...END, after: 'P5Y' }])],
    ['quiet hours overnight', policy(undefined, { quiet_hours: { from: '20:00', to: '08:00' } })],
    ['one weekday', policy(undefined, { weekdays: ['monday'] })],
    ['a time zone', policy(undefined, { time_zone: 'Australia/Lord_Howe' })],
  ])('%s', (_name, source) => {
    expect(faults(source)).toEqual([]);
  });
});

describe('what can’t be followed is refused, naming the stage and what is wrong with it', () => {
  test.each<[string, Source, string]>([
    [
      'an effect without an earlier notice',
      policy([{ ...RESTRICT, after: 'PT0S' }, END]),
      'stage "restriction" has the effect restrict without a notice in an earlier stage',
    ],
    [
      'an effect at the very time of its notice',
      policy([FAILED, { ...FINAL, after: 'P14D' }, RESTRICT, END]),
      'stage "restriction" has the effect restrict at the very time of its notice in "final"',
    ],
    [
      'an effect that is at the time of its notice in February alone',
      policy([FAILED, { ...FINAL, after: 'P28D' }, { ...RESTRICT, after: 'P1M' }, END]),
      'stage "restriction" has the effect restrict at the very time of its notice in "final"',
    ],
    [
      'offsets that go back',
      policy([FAILED, { ...FINAL, after: 'P15D' }, RESTRICT, END]),
      'stage "restriction" comes before "final", which stands above it',
    ],
    [
      'offsets that go back in some months: a month after 30 days',
      policy([FAILED, { ...FINAL, after: 'P30D' }, { name: 'month', after: 'P1M', state: 'grace' }, END]),
      'stage "month" comes before "final", which stands above it',
    ],
    [
      'offsets that go back in some years: 365 days after a year',
      policy([FAILED, { ...FINAL, after: 'P1Y' }, { ...END, after: 'P365D' }]),
      'stage "end" comes before "final", which stands above it',
    ],
    [
      'no end',
      policy([FAILED, FINAL, RESTRICT]),
      'stage "restriction" is the last one and ends nothing: it needs the effect cancel or write_off',
    ],
    [
      'a stage after the end',
      policy([FAILED, { ...END, after: 'P1D' }, FINAL, { ...END, name: 'again', effect: 'cancel' }]),
      'stage "end" ends the case, so no stage can follow it',
    ],
    [
      'a stage after a state that ends',
      policy([FAILED, { name: 'over', after: 'P1D', state: 'canceled' }, END]),
      'stage "over" ends the case, so no stage can follow it',
    ],
    [
      'an effect that was there already',
      policy([FAILED, RESTRICT, { ...RESTRICT, name: 'again', after: 'P20D' }, END]),
      'stage "again" has the effect restrict, but "restriction" before it is as harsh already',
    ],
    [
      'a milder effect after a harsher one',
      policy([
        FAILED,
        { ...RESTRICT, effect: 'suspend' },
        { ...RESTRICT, name: 'milder', after: 'P20D' },
        END,
      ]),
      'stage "milder" has the effect restrict, but "restriction" before it is as harsh already',
    ],
    [
      'more than five years',
      policy([FAILED, { ...END, after: 'P5Y1D' }]),
      'stage "end" comes after more than 5 years',
    ],
    [
      'so many days that there is no such date',
      policy([FAILED, { ...END, after: 'P999999999D' }]),
      'stage "end" comes after more than 5 years',
    ],
    [
      'so many hours',
      policy([FAILED, { ...END, after: 'PT43872H' }]),
      'stage "end" comes after more than 5 years',
    ],
    [
      'a name that stands there twice',
      policy([FAILED, { ...FINAL, name: 'failed' }, END]),
      'stage "failed" stands there twice',
    ],
    [
      'a name that a variant has too',
      policy(undefined, {
        variants: [{ name: 'v', when: { plans: ['pro'] }, stages: [FAILED, { ...END, name: 'e' }] }],
      }),
      'stage "failed" stands there twice',
    ],
    [
      'two variants of one name',
      policy(undefined, {
        variants: ['a', 'b'].map((prefix) => ({
          name: 'v',
          when: { plans: ['pro'] },
          stages: [FAILED, END].map((stage) => ({ ...stage, name: `${prefix}-${stage.name}` })),
        })),
      }),
      'variant "v" stands there twice',
    ],
    [
      'an effect of a variant without a notice',
      policy(undefined, {
        variants: [{ name: 'v', when: { plans: ['pro'] }, stages: [{ ...END, name: 'cut-off' }] }],
      }),
      'stage "cut-off" of variant "v" has the effect write_off without a notice in an earlier stage',
    ],
    [
      'quiet hours without end',
      policy(undefined, { quiet_hours: { from: '08:00', to: '08:00' } }),
      'quiet_hours never end',
    ],
  ])('%s', (_name, source, fault) => {
    expect(faults(source)).toContain(fault);
  });

  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'the policy: '],
    ['no version', { stages: [FAILED, END] }, 'version: '],
    ['no stages', policy([]), 'stages: '],
    [
      'too many stages',
      policy(Array.from({ length: 51 }, (_, at) => ({ ...FINAL, name: `s${at}` }))),
      'stages: ',
    ],
    ['an unknown field', policy(undefined, { stage: [] }), 'the policy: '],
    ['an unknown field of a stage', policy([FAILED, { ...END, efect: 'cancel' }]), 'stages "end": '],
    ['a stage without a name', policy([FAILED, { ...END, name: undefined }]), 'stages number 2 name: '],
    ['a name with a space', policy([FAILED, { ...END, name: 'the end' }]), 'stages "the end" name: '],
    ['a wrong duration', policy([FAILED, { ...END, after: '90 days' }]), 'stages "end" after: '],
    ['no duration', policy([FAILED, { ...END, after: undefined }]), 'stages "end" after: '],
    ['an unknown state', policy([FAILED, { ...END, state: 'gone' }]), 'stages "end" state: '],
    ['an unknown effect', policy([FAILED, { ...END, effect: 'delete' }]), 'stages "end" effect: '],
    ['an unknown notice', policy([{ ...FAILED, notice: 'letter' }, END]), 'stages "failed" notice: '],
    [
      'a receipt as a stage’s notice',
      policy([{ ...FAILED, notice: 'receipt' }, END]),
      'stages "failed" notice: ',
    ],
    ['an unknown time zone', policy(undefined, { time_zone: 'Middle-earth/Shire' }), 'time_zone: '],
    [
      'a time of day that is none',
      policy(undefined, { quiet_hours: { from: '24:00', to: '08:00' } }),
      'quiet_hours from: ',
    ],
    ['no weekday', policy(undefined, { weekdays: [] }), 'weekdays: '],
    ['an unknown weekday', policy(undefined, { weekdays: ['noday'] }), 'weekdays number 1: '],
    [
      'a variant without a condition',
      policy(undefined, { variants: [{ name: 'v', when: {}, stages: [{ ...FAILED, name: 'v' }] }] }),
      'variants "v" when: ',
    ],
    [
      'a variant for an amount in no currency',
      policy(undefined, { variants: [{ name: 'v', when: { amount_below: {} }, stages: [] }] }),
      'variants "v" when amount_below: ',
    ],
    [
      'a variant for amounts below nothing',
      policy(undefined, { variants: [{ name: 'v', when: { amount_below: { usd: 0 } }, stages: [] }] }),
      'variants "v" when amount_below usd: ',
    ],
    [
      'a variant for a currency that is none',
      policy(undefined, { variants: [{ name: 'v', when: { amount_below: { USD: 5 } }, stages: [] }] }),
      'variants "v" when amount_below USD: ',
    ],
    [
      'a variant for an unknown decline',
      policy(undefined, { variants: [{ name: 'v', when: { decline: 'soft' }, stages: [] }] }),
      'variants "v" when decline: ',
    ],
  ])('%s', (_name, source, where) => {
    expect(faults(source)).toContainEqual(expect.stringMatching(new RegExp(`^${where}\\S`)));
  });

  test('every fault at once', () => {
    const stages = [{ ...FINAL, after: 'P20D' }, RESTRICT, { ...FAILED, after: 'P21D' }];
    expect(faults(policy(stages))).toEqual([
      'stage "restriction" comes before "final", which stands above it',
      'stage "restriction" has the effect restrict at the very time of its notice in "final"',
      'stage "failed" is the last one and ends nothing: it needs the effect cancel or write_off',
    ]);
  });

  test('I9 of what was sent, no value stands in the refusal but names', () => {
    const source = policy([FAILED, { ...END, after: 'sk_live_secret', state: 'ada@example.com' }]);
    expect(faults(source).join()).not.toMatch(/sk_live|ada@/);
  });
});

describe('the stages of an invoice', () => {
  const END_OF = { ...END, after: 'P1D' };
  const variant = (name: string, when: Source): Source => ({
    name,
    when,
    stages: [
      { ...FAILED, name: `${name}-failed` },
      { ...END_OF, name: `${name}-end` },
    ],
  });
  const INVOICE = {
    decline: null,
    collectionMethod: 'charge_automatically',
    currency: 'usd',
    amountRemainingMinor: 2_900,
    plan: null,
  } as const;
  const followed = (variants: Source[], invoice: Partial<Parameters<typeof stagesFor>[1]> = {}) =>
    stagesFor(readDunningPolicy(policy(undefined, { variants })), { ...INVOICE, ...invoice })[0]?.name;

  test('are the policy’s own where no variant fits', () => {
    expect(followed([])).toBe('failed');
    expect(followed([variant('card', { decline: 'new_card' })])).toBe('failed');
  });

  test.each<
    [string, Source, Partial<Parameters<typeof stagesFor>[1]>, Partial<Parameters<typeof stagesFor>[1]>]
  >([
    ['decline', { decline: 'authenticate' }, { decline: 'authenticate' }, { decline: 'try_later' }],
    [
      'collection method',
      { collection_method: 'send_invoice' },
      { collectionMethod: 'send_invoice' },
      { collectionMethod: 'charge_automatically' },
    ],
    ['amount', { amount_below: { usd: 500 } }, { amountRemainingMinor: 499 }, { amountRemainingMinor: 500 }],
    [
      'currency: of another one no amount is below',
      { amount_below: { usd: 500 } },
      { amountRemainingMinor: 1, currency: 'usd' },
      { amountRemainingMinor: 1, currency: 'jpy' },
    ],
    ['plan', { plans: ['pro', 'team'] }, { plan: 'team' }, { plan: 'basic' }],
    ['plan: a tenant without one has none of them', { plans: ['pro'] }, { plan: 'pro' }, { plan: null }],
  ])('are a variant’s by %s', (_name, when, fits, differs) => {
    expect(followed([variant('v', when)], fits)).toBe('v-failed');
    expect(followed([variant('v', when)], differs)).toBe('failed');
  });

  test('are those of the first variant that fits, and all of its conditions must', () => {
    const variants = [
      variant('both', { decline: 'new_card', plans: ['pro'] }),
      variant('card', { decline: 'new_card' }),
      variant('pro', { plans: ['pro'] }),
    ];
    expect(followed(variants, { decline: 'new_card', plan: 'pro' })).toBe('both-failed');
    expect(followed(variants, { decline: 'new_card' })).toBe('card-failed');
    expect(followed(variants, { plan: 'pro' })).toBe('pro-failed');
  });

  test.each([
    [{ decline: 'authenticate' }, 'authenticate'],
    [{ decline: 'new_card' }, 'new-card'],
    [{ decline: 'try_later' }, 'payment-failed'],
    [{ collectionMethod: 'send_invoice' }, 'sent-overdue'],
    [{ amountRemainingMinor: 499 }, 'small-payment-failed'],
    [{ amountRemainingMinor: 499, decline: 'new_card' }, 'small-payment-failed'],
    [{ amountRemainingMinor: 499, currency: 'jpy' }, 'payment-failed'],
  ] as const)('built in: %j begins with %s', (invoice, first) => {
    const builtIn = readDunningPolicy(DEFAULT_DUNNING_POLICY_SOURCE);
    expect(stagesFor(builtIn, { ...INVOICE, ...invoice })[0]?.name).toBe(first);
  });
});

test('an effect is announced by the last notice in a stage before its own', () => {
  const stages = [{ notice: 'a' }, {}, { notice: 'b' }, {}, { notice: 'c' }];
  expect(stages.map((_, index) => announcingIndex(stages, index))).toEqual([undefined, 0, 0, 2, 2]);
});
