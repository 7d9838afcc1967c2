import { z } from 'zod';
import { DECLINE_GROUPS, type DeclineGroup } from './decline-codes.ts';
import { Failure } from './failures.ts';
import { COLLECTION_METHODS, type CollectionMethod } from './invoice.ts';
import { addInUtc, type IsoDuration, parseIsoDuration } from './iso-duration.ts';

/** How a case stands, as people call it; what the tenant may do follows from effects, not from these. */
export const DUNNING_STATES = [
  'retrying',
  'action_required',
  'grace',
  'restricted',
  'suspended',
  'canceled',
  'written_off',
] as const;
export type DunningState = (typeof DUNNING_STATES)[number];

/** In this order they grow harsher. */
export const DUNNING_EFFECTS = ['restrict', 'suspend', 'cancel', 'write_off'] as const;
export type DunningEffect = (typeof DUNNING_EFFECTS)[number];

/** The notices that a stage may send; a receipt goes when the money has come. */
export const STAGE_NOTICES = [
  'payment_failed',
  'reminder',
  'final_notice',
  'restricted',
  'suspended',
  'canceled',
] as const;
export type StageNotice = (typeof STAGE_NOTICES)[number];

/** Effects after which there is nothing left to decide. */
const LAST_EFFECTS: ReadonlySet<DunningEffect> = new Set(['cancel', 'write_off']);
const LAST_STATES: ReadonlySet<DunningState> = new Set(['canceled', 'written_off']);

const STAGES_MAX = 50;
const VARIANTS_MAX = 20;
const NAME_LENGTH_MAX = 64;
const YEARS_MAX = 5;

export const WEEKDAYS = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const;

const name = z
  .string()
  .max(NAME_LENGTH_MAX)
  .regex(/^[a-z0-9][a-z0-9_-]*$/, 'must be lower-case letters, digits, - and _');

const duration = z.string().transform((text, context): IsoDuration => {
  const parsed = parseIsoDuration(text);
  if (parsed) return parsed;
  context.addIssue({ code: 'custom', message: 'must be a duration of ISO 8601, such as P3D or PT10S' });
  return z.NEVER;
});

const stageSchema = z.strictObject({
  name,
  /** From the anchor: the first failed attempt of the oldest unpaid invoice, or its due date when it is sent. */
  after: duration,
  state: z.enum(DUNNING_STATES),
  notice: z.enum(STAGE_NOTICES).optional(),
  effect: z.enum(DUNNING_EFFECTS).optional(),
});

const stagesSchema = z.array(stageSchema).min(1).max(STAGES_MAX);

const whenSchema = z
  .strictObject({
    /** Why the last attempt failed. */
    decline: z.enum(DECLINE_GROUPS).optional(),
    collection_method: z.enum(COLLECTION_METHODS).optional(),
    /** Minor units by currency; an invoice in another currency is not below any. */
    amount_below: z
      .record(z.string().regex(/^[a-z]{3}$/, 'must be a currency such as usd'), z.int().min(1))
      .refine((amounts) => Object.keys(amounts).length > 0, { message: 'must name at least one currency' })
      .optional(),
    /** `tenants.plan` is one of these. */
    plans: z.array(z.string().min(1)).min(1).optional(),
  })
  .refine((when) => Object.values(when).some((condition) => condition !== undefined), {
    message: 'must name at least one condition',
  });

const variantSchema = z.strictObject({ name, when: whenSchema, stages: stagesSchema });

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as 20:00');

const timeZone = z.string().refine(isTimeZone, { message: 'must be a time zone such as Europe/Berlin' });

const policySchema = z.strictObject({
  version: z.string().min(1).max(NAME_LENGTH_MAX),
  stages: stagesSchema,
  /** The first whose conditions all hold replaces the stages above. */
  variants: z.array(variantSchema).max(VARIANTS_MAX).default([]),
  /** Nothing is told or done in these hours, or on other days than these, in the tenant's time zone. */
  quiet_hours: z.strictObject({ from: timeOfDay, to: timeOfDay }).optional(),
  weekdays: z.array(z.enum(WEEKDAYS)).min(1).optional(),
  /** Of tenants that have none of their own. */
  time_zone: timeZone.default('UTC'),
  /** Which subscriptions are told of their renewal: those of a year and longer, every one, or none. */
  renewal_reminder: z.enum(['none', 'yearly', 'every']).default('yearly'),
  trial_ending: z.boolean().default(true),
});

export type DunningPolicy = z.output<typeof policySchema>;
export type DunningStage = z.output<typeof stageSchema>;
export type QuietTimes = Pick<DunningPolicy, 'quiet_hours' | 'weekdays'>;

/**
 * Reads a policy as it stands in its file.
 *
 * @throws Failure InvalidInput with every fault on a line of its own, each naming its stage and what is wrong with it
 */
export function readDunningPolicy(value: unknown): DunningPolicy {
  const parsed = policySchema.safeParse(value);
  const faults = parsed.success
    ? impossibilities(parsed.data)
    : parsed.error.issues.map((issue) => describe(issue, value));
  if (parsed.success && faults.length === 0) return parsed.data;
  throw new Failure('InvalidInput', ['The dunning policy is not usable:', ...faults].join('\n  '));
}

/** The stages by which an invoice is followed: those of the first variant that fits, or the policy's own. */
export function stagesFor(
  policy: DunningPolicy,
  invoice: {
    decline: DeclineGroup | null;
    collectionMethod: CollectionMethod;
    currency: string;
    amountRemainingMinor: number;
    plan: string | null;
  },
): readonly DunningStage[] {
  const variant = policy.variants.find(({ when }) => {
    const threshold = when.amount_below?.[invoice.currency];
    return (
      (when.decline === undefined || when.decline === invoice.decline) &&
      (when.collection_method === undefined || when.collection_method === invoice.collectionMethod) &&
      (when.amount_below === undefined ||
        (threshold !== undefined && invoice.amountRemainingMinor < threshold)) &&
      (when.plans === undefined || (invoice.plan !== null && when.plans.includes(invoice.plan)))
    );
  });
  return variant?.stages ?? policy.stages;
}

/** The place of the notice that announces the effect of the stage at `index`; undefined when none comes before it. */
export function announcingIndex(
  stages: readonly { notice?: string | undefined }[],
  index: number,
): number | undefined {
  for (let before = index - 1; before >= 0; before -= 1) {
    if (stages[before]?.notice !== undefined) return before;
  }
  return undefined;
}

/** Days as the months of every length have them: in each the offsets of a policy must keep their order. */
const REFERENCE_ANCHORS = Array.from({ length: 24 }, (_, month) => new Date(Date.UTC(2027, month, 28, 12)));

/** When a stage comes after each of the reference anchors. A number of days may be so large that no date is left: NaN. */
type Dates = readonly number[];
const datesAfter = (after: IsoDuration): Dates =>
  REFERENCE_ANCHORS.map((anchor) => addInUtc(anchor, after).getTime());
const isSometimes = (compare: (a: number, b: number) => boolean, some: Dates, others: Dates) =>
  some.some((date, month) => compare(date, others[month] ?? Number.NaN));

const LATEST = datesAfter({
  years: YEARS_MAX,
  months: 0,
  weeks: 0,
  days: 0,
  hours: 0,
  minutes: 0,
  seconds: 0,
});

/** What is well formed but can't be followed. */
function impossibilities(policy: DunningPolicy): string[] {
  const faults = faultsOfNames(policy);
  const lists = [
    { where: '', stages: policy.stages },
    ...policy.variants.map((variant) => ({ where: ` of variant "${variant.name}"`, stages: variant.stages })),
  ];
  for (const { where, stages } of lists) {
    const dates = stages.map(({ after }) => datesAfter(after));
    stages.forEach((stage, index) => {
      for (const fault of faultsOfStage({ stages, dates }, stage, index))
        faults.push(`stage "${stage.name}"${where} ${fault}`);
    });
  }
  const { quiet_hours: quiet } = policy;
  if (quiet !== undefined && quiet.from === quiet.to) faults.push('quiet_hours never end');
  return faults;
}

function faultsOfNames({ stages, variants }: DunningPolicy): string[] {
  const names = [...stages, ...variants.flatMap((variant) => variant.stages)].map((stage) => stage.name);
  const variantNames = variants.map((variant) => variant.name);
  return [
    ...repeated(names).map((twice) => `stage "${twice}" stands there twice`),
    ...repeated(variantNames).map((twice) => `variant "${twice}" stands there twice`),
  ];
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((each, index) => names.indexOf(each) !== index))];
}

type DatedList = { stages: readonly DunningStage[]; dates: readonly Dates[] };

function faultsOfStage(list: DatedList, stage: DunningStage, index: number): string[] {
  const { stages, dates } = list;
  const [own, ofBefore, before] = [dates[index] ?? [], dates[index - 1] ?? [], stages[index - 1]];
  const faults: string[] = [];
  if (isSometimes((date, latest) => !(date <= latest), own, LATEST))
    faults.push(`comes after more than ${YEARS_MAX} years`);
  if (before && isSometimes((date, earlier) => date < earlier, own, ofBefore))
    faults.push(`comes before "${before.name}", which stands above it`);
  if (stage.effect !== undefined) faults.push(...faultsOfEffect(list, stage.effect, index));
  const isLast = index === stages.length - 1;
  if (isLast && !isEnd(stage)) {
    faults.push('is the last one and ends nothing: it needs the effect cancel or write_off');
  }
  if (!isLast && isEnd(stage)) faults.push('ends the case, so no stage can follow it');
  return faults;
}

function faultsOfEffect({ stages, dates }: DatedList, effect: DunningEffect, index: number): string[] {
  const announcing = announcingIndex(stages, index) ?? -1;
  const announced = stages[announcing];
  const softer = stages.slice(0, index).find((other) => rank(other.effect) >= rank(effect));
  const faults = softer
    ? [`has the effect ${effect}, but "${softer.name}" before it is as harsh already`]
    : [];
  if (announced === undefined)
    return [...faults, `has the effect ${effect} without a notice in an earlier stage`];
  const isAtOnce = isSometimes(
    (date, ofNotice) => date <= ofNotice,
    dates[index] ?? [],
    dates[announcing] ?? [],
  );
  if (isAtOnce) faults.push(`has the effect ${effect} at the very time of its notice in "${announced.name}"`);
  return faults;
}

function rank(effect: DunningEffect | undefined): number {
  return effect === undefined ? -1 : DUNNING_EFFECTS.indexOf(effect);
}

function isEnd(stage: DunningStage): boolean {
  return (stage.effect !== undefined && LAST_EFFECTS.has(stage.effect)) || LAST_STATES.has(stage.state);
}

/** A fault of form, with the stage's own name instead of its number where it has one. */
function describe(issue: z.core.$ZodIssue, value: unknown): string {
  let at: unknown = value;
  const words: string[] = [];
  for (const key of issue.path) {
    at = typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined;
    const called = typeof at === 'object' && at !== null ? Reflect.get(at, 'name') : undefined;
    if (typeof key !== 'number') words.push(String(key));
    else words.push(typeof called === 'string' ? `"${called}"` : `number ${key + 1}`);
  }
  return `${words.join(' ') || 'the policy'}: ${issue.message}`;
}

function isTimeZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }) !== undefined;
  } catch {
    return false;
  }
}

/**
 * The built-in policy: three months from the first failed attempt to the write-off. Whom Stripe cancels first, because
 * the dashboard says so, is followed no longer than that.
 */
export const DEFAULT_DUNNING_POLICY_SOURCE = {
  version: 'built-in-1',
  stages: [
    { name: 'payment-failed', after: 'PT0S', state: 'retrying', notice: 'payment_failed' },
    { name: 'reminder', after: 'P3D', state: 'action_required', notice: 'reminder' },
    { name: 'final-notice', after: 'P7D', state: 'grace', notice: 'final_notice' },
    { name: 'restriction', after: 'P14D', state: 'restricted', notice: 'restricted', effect: 'restrict' },
    { name: 'suspension-notice', after: 'P23D', state: 'restricted', notice: 'final_notice' },
    { name: 'suspension', after: 'P30D', state: 'suspended', notice: 'suspended', effect: 'suspend' },
    { name: 'write-off-notice', after: 'P76D', state: 'suspended', notice: 'final_notice' },
    { name: 'write-off', after: 'P90D', state: 'written_off', effect: 'write_off' },
  ],
  variants: [
    {
      // Small sums are asked for, and nobody is locked out over them.
      name: 'small-amount',
      when: { amount_below: { usd: 500, eur: 500, gbp: 500, chf: 500 } },
      stages: [
        { name: 'small-payment-failed', after: 'PT0S', state: 'retrying', notice: 'payment_failed' },
        { name: 'small-reminder', after: 'P7D', state: 'action_required', notice: 'reminder' },
        { name: 'small-second-reminder', after: 'P30D', state: 'action_required', notice: 'reminder' },
        { name: 'small-write-off', after: 'P90D', state: 'written_off', effect: 'write_off' },
      ],
    },
    {
      // The invoice was sent with its own term; its first reminder comes with the day after.
      name: 'sent-invoice',
      when: { collection_method: 'send_invoice' },
      stages: [
        { name: 'sent-overdue', after: 'P1D', state: 'action_required', notice: 'reminder' },
        { name: 'sent-reminder', after: 'P10D', state: 'action_required', notice: 'reminder' },
        { name: 'sent-final-notice', after: 'P21D', state: 'grace', notice: 'final_notice' },
        {
          name: 'sent-restriction',
          after: 'P30D',
          state: 'restricted',
          notice: 'restricted',
          effect: 'restrict',
        },
        { name: 'sent-suspension-notice', after: 'P38D', state: 'restricted', notice: 'final_notice' },
        {
          name: 'sent-suspension',
          after: 'P45D',
          state: 'suspended',
          notice: 'suspended',
          effect: 'suspend',
        },
        { name: 'sent-write-off-notice', after: 'P76D', state: 'suspended', notice: 'final_notice' },
        { name: 'sent-write-off', after: 'P90D', state: 'written_off', effect: 'write_off' },
      ],
    },
    {
      // The bank wants the customer's own confirmation: no retry can bring it, so it is asked for at once and again.
      name: 'authentication',
      when: { decline: 'authenticate' },
      stages: [
        { name: 'authenticate', after: 'PT0S', state: 'action_required', notice: 'payment_failed' },
        { name: 'authenticate-reminder', after: 'P2D', state: 'action_required', notice: 'reminder' },
        { name: 'authenticate-final-notice', after: 'P5D', state: 'grace', notice: 'final_notice' },
        {
          name: 'authenticate-restriction',
          after: 'P10D',
          state: 'restricted',
          notice: 'restricted',
          effect: 'restrict',
        },
        {
          name: 'authenticate-suspension-notice',
          after: 'P23D',
          state: 'restricted',
          notice: 'final_notice',
        },
        {
          name: 'authenticate-suspension',
          after: 'P30D',
          state: 'suspended',
          notice: 'suspended',
          effect: 'suspend',
        },
        { name: 'authenticate-write-off-notice', after: 'P76D', state: 'suspended', notice: 'final_notice' },
        { name: 'authenticate-write-off', after: 'P90D', state: 'written_off', effect: 'write_off' },
      ],
    },
    {
      // This card will never be charged again; waiting for retries would only cost the customer days.
      name: 'new-card',
      when: { decline: 'new_card' },
      stages: [
        { name: 'new-card', after: 'PT0S', state: 'action_required', notice: 'payment_failed' },
        { name: 'new-card-reminder', after: 'P2D', state: 'action_required', notice: 'reminder' },
        { name: 'new-card-final-notice', after: 'P7D', state: 'grace', notice: 'final_notice' },
        {
          name: 'new-card-restriction',
          after: 'P14D',
          state: 'restricted',
          notice: 'restricted',
          effect: 'restrict',
        },
        { name: 'new-card-suspension-notice', after: 'P23D', state: 'restricted', notice: 'final_notice' },
        {
          name: 'new-card-suspension',
          after: 'P30D',
          state: 'suspended',
          notice: 'suspended',
          effect: 'suspend',
        },
        { name: 'new-card-write-off-notice', after: 'P76D', state: 'suspended', notice: 'final_notice' },
        { name: 'new-card-write-off', after: 'P90D', state: 'written_off', effect: 'write_off' },
      ],
    },
  ],
} as const;
