import fc from 'fast-check';
import {
  DEFAULT_DUNNING_POLICY_SOURCE,
  type DunningEffect,
  type DunningPolicy,
  type DunningState,
  readDunningPolicy,
  type StageNotice,
  WEEKDAYS,
} from '../../domain/dunning-policy.ts';

/** Clocks that are changed by an hour, by half an hour, at midnight, or never. */
export const TIME_ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/Havana',
  'Australia/Lord_Howe',
  'Asia/Kolkata',
  'Pacific/Apia',
] as const;

export const PLANS = ['basic', 'pro'] as const;

type StageSource = {
  name: string;
  after: string;
  state: DunningState;
  notice?: StageNotice;
  effect?: DunningEffect;
};

/** What one stage does, and how many steps of time after the one before. */
type Link = { gap: number; does: Pick<StageSource, 'state' | 'notice' | 'effect'> };

/** A stage's distance is counted in these: policies of days, of hours and of seconds. */
const UNITS = [
  { gapMax: 20, text: (count: number) => `P${count}D` },
  { gapMax: 200, text: (count: number) => `PT${count}H` },
  { gapMax: 60, text: (count: number) => `PT${count}S` },
  {
    gapMax: 200,
    // Days by the calendar and hours by the clock, mixed.
    text: (count: number) => `P${Math.floor(count / 24)}DT${count % 24}H`,
  },
] as const;

const tells = (notice: StageNotice, state: DunningState) =>
  fc.nat({ max: 1_000 }).map((gap): Link => ({ gap, does: { state, notice } }));

/** Nothing is told; only the state changes. */
const silent = (state: DunningState) => fc.nat({ max: 1_000 }).map((gap): Link => ({ gap, does: { state } }));

/** An effect comes later than what announces it, with a notice of its own or without. */
const acts = (effect: DunningEffect, state: DunningState, notice: StageNotice) =>
  fc.record({ gap: fc.integer({ min: 1, max: 1_000 }), isTold: fc.boolean() }).map(
    ({ gap, isTold }): Link => ({
      gap,
      does: { state, effect, ...(isTold && { notice }) },
    }),
  );

const optional = (link: fc.Arbitrary<Link>) => fc.array(link, { maxLength: 1 });

const access = (effect: 'restrict' | 'suspend', state: 'restricted' | 'suspended') =>
  fc
    .tuple(optional(tells('final_notice', 'grace')), optional(silent('grace')), acts(effect, state, state))
    .map(([told, quiet, act]) => [...told, ...quiet, act]);

const end = fc.oneof(
  acts('cancel', 'canceled', 'canceled').map((link) => [link]),
  acts('write_off', 'written_off', 'final_notice').map((link) => [link]),
  // A state that ends, without an effect or with one that is none of the last.
  silent('written_off').map((link) => [link]),
  acts('suspend', 'written_off', 'suspended').map((link) => [link]),
);

const chains = fc
  .tuple(
    fc.array(tells('payment_failed', 'retrying'), { minLength: 1, maxLength: 2 }),
    fc.array(fc.oneof(tells('reminder', 'action_required'), silent('action_required')), { maxLength: 2 }),
    fc.oneof(access('restrict', 'restricted'), fc.constant([])),
    fc.oneof(access('suspend', 'suspended'), fc.constant([])),
    optional(tells('final_notice', 'suspended')),
    end,
  )
  .map((parts) => parts.flat())
  // No effect comes twice, also not as the last one.
  .filter((links) => links.filter(({ does }) => does.effect === 'suspend').length < 2);

const stageLists = fc.record({
  links: chains,
  unit: fc.constantFrom(...UNITS),
  first: fc.constantFrom(0, 0, 0, 1),
});

/** Everybody's gaps add up, and an effect's is never nothing: its notice stands at an earlier time. */
function stagesOf(list: typeof stageLists extends fc.Arbitrary<infer L> ? L : never, prefix: string) {
  let steps = list.first;
  return list.links.map(({ gap, does }, index): StageSource => {
    const least = does.effect === undefined ? 0 : 1;
    if (index > 0) steps += Math.max(least, gap % (list.unit.gapMax + 1));
    return { name: `${prefix}${index}-${does.effect ?? does.state}`, after: list.unit.text(steps), ...does };
  });
}

const conditions = fc.oneof(
  fc.record({ decline: fc.constantFrom('try_later', 'new_card', 'authenticate') }),
  fc.record({ collection_method: fc.constantFrom('send_invoice', 'charge_automatically') }),
  fc.record({ amount_below: fc.constant({ usd: 500, eur: 400 }) }),
  fc.record({ plans: fc.constantFrom(['pro'], ['basic', 'pro']) }),
);

const timesOfDay = fc
  .integer({ min: 0, max: 24 * 60 - 1 })
  .map((minute) =>
    [Math.floor(minute / 60), minute % 60].map((part) => String(part).padStart(2, '0')).join(':'),
  );

export const quietTimes = fc
  .record({
    quiet_hours: fc.option(
      fc.record({ from: timesOfDay, to: timesOfDay }).filter(({ from, to }) => from !== to),
      { nil: undefined },
    ),
    weekdays: fc.option(fc.subarray([...WEEKDAYS], { minLength: 1 }), { nil: undefined }),
  })
  .map(({ quiet_hours, weekdays }) => ({
    ...(quiet_hours && { quiet_hours }),
    ...(weekdays && { weekdays }),
  }));

const generated = fc
  .record({
    list: stageLists,
    variants: fc.array(fc.record({ when: conditions, list: stageLists }), { maxLength: 2 }),
    quiet: fc.oneof(fc.constant({}), quietTimes),
  })
  .map(({ list, variants, quiet }) => ({
    version: 'generated',
    stages: stagesOf(list, 's'),
    variants: variants.map((variant, index) => ({
      name: `variant-${index}`,
      when: variant.when,
      stages: stagesOf(variant.list, `v${index}-`),
    })),
    ...quiet,
  }));

/** A policy as it would stand in its file, valid: the built-in one, that one with quiet times, or a made-up one. */
export const policySources: fc.Arbitrary<unknown> = fc.oneof(
  fc.constant(DEFAULT_DUNNING_POLICY_SOURCE),
  quietTimes.map((quiet) => ({ ...DEFAULT_DUNNING_POLICY_SOURCE, ...quiet })),
  { arbitrary: generated, weight: 4 },
);

const read = new WeakMap<object, DunningPolicy>();

/** Reads a source, the same one once. */
export function policyOf(source: unknown): DunningPolicy {
  if (typeof source !== 'object' || source === null) return readDunningPolicy(source);
  const known = read.get(source) ?? readDunningPolicy(source);
  read.set(source, known);
  return known;
}
