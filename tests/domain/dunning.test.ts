import { describe, expect, test } from 'vitest';
import { datesOf } from '../../activities/dunning-calendar.ts';
import {
  accessOfEffect,
  anchorOf,
  type Calendar,
  type CaseAccess,
  type CaseFile,
  type DunningSituation,
  type DunningStep,
  decideDunning,
  plannedStages,
  type StepNotice,
} from '../../domain/dunning.ts';
import {
  DEFAULT_DUNNING_POLICY_SOURCE,
  type DunningStage,
  type QuietTimes,
  readDunningPolicy,
  stagesFor,
} from '../../domain/dunning-policy.ts';
import type { UnpaidInvoice } from '../../domain/invoice.ts';

const BUILT_IN = readDunningPolicy(DEFAULT_DUNNING_POLICY_SOURCE);
/** The first failure of the invoice that most of these are about, a Monday. */
const SINCE = new Date('2026-06-01T12:00:00Z');
const day = (days: number) => new Date(SINCE.getTime() + days * 86_400_000);

const invoice = (id: string, overrides: Partial<UnpaidInvoice> = {}): UnpaidInvoice => ({
  id,
  number: null,
  unpaidSince: SINCE,
  createdAt: SINCE,
  collectionMethod: 'charge_automatically',
  currency: 'usd',
  amountRemainingMinor: 2_900,
  decline: 'try_later',
  declineCode: 'insufficient_funds',
  isProcessing: false,
  nextPaymentAttempt: null,
  hostedInvoiceUrl: null,
  ...overrides,
});

function stagesOf(...stages: object[]): readonly DunningStage[] {
  return readDunningPolicy({ version: 'small', stages }).stages;
}

type Setting = Partial<CaseFile> & {
  /** Days after the first failure. */
  at: number;
  unpaid?: UnpaidInvoice[];
  isSubscriptionLive?: boolean;
  lastAnchorStatus?: DunningSituation['lastAnchorStatus'];
  /** Else those of the built-in policy that fit the oldest invoice. */
  stages?: readonly DunningStage[];
  quietTimes?: QuietTimes;
  extendedDays?: number;
};

function situation(setting: Setting): DunningSituation {
  const { at, unpaid = [invoice('in_1')], isSubscriptionLive = true, lastAnchorStatus = 'open' } = setting;
  const { stages, quietTimes = {}, extendedDays = 0, ...file } = setting;
  const full: CaseFile = {
    anchor: 'in_1',
    access: 'active',
    steps: [],
    pausedUntil: null,
    excludedInvoices: [],
    isWriteOffRequested: false,
    ...file,
  };
  const anchor = anchorOf(unpaid, full.excludedInvoices);
  const listed = anchor === undefined ? [] : (stages ?? stagesFor(BUILT_IN, { ...anchor, plan: null }));
  const calendar: Calendar = datesOf({
    stages: listed,
    anchor: anchor?.unpaidSince ?? SINCE,
    extendedDays,
    timeZone: 'UTC',
    quietTimes,
  });
  return { file: full, isSubscriptionLive, unpaid, lastAnchorStatus, calendar, now: day(at) };
}

const decide = (setting: Setting) => decideDunning(situation(setting));

const sent = (days: number): StepNotice => ({ status: 'sent', sentAt: day(days) });
const QUEUED: StepNotice = { status: 'queued', retryAt: null };
const step = (stage: string, notice: StepNotice | null, more: Partial<DunningStep> = {}): DunningStep => ({
  anchor: 'in_1',
  stage,
  notice,
  isApplied: true,
  ...more,
});

/** The built-in policy's steps as they are when all went as planned. */
const TOLD = [
  step('payment-failed', sent(0)),
  step('reminder', sent(3)),
  step('final-notice', sent(7)),
  step('restriction', sent(14)),
  step('suspension-notice', sent(23)),
  step('suspension', sent(30)),
  step('write-off-notice', sent(76)),
];
const told = (...names: string[]) => TOLD.filter(({ stage }) => names.includes(stage));
const UNTIL_FINAL_NOTICE = told('payment-failed', 'reminder', 'final-notice');
const UNTIL_RESTRICTION = [...UNTIL_FINAL_NOTICE, ...told('restriction')];
const UNTIL_SUSPENSION = [...UNTIL_RESTRICTION, ...told('suspension-notice', 'suspension')];

/** A decision with its stage by name. */
function short(decision: ReturnType<typeof decideDunning>) {
  return 'stage' in decision && typeof decision.stage === 'object'
    ? { ...decision, stage: decision.stage.name }
    : decision;
}

describe('the first look', () => {
  test('follows the oldest unpaid invoice', () => {
    expect(decide({ at: 0, anchor: null, lastAnchorStatus: null })).toEqual({
      do: 'follow',
      invoice: 'in_1',
      state: 'retrying',
      access: 'active',
    });
  });

  test('then enters the first stage, and queues its notice', () => {
    expect(short(decide({ at: 0 }))).toEqual({
      do: 'enter',
      stage: 'payment-failed',
      inPlaceOf: [],
      state: 'retrying',
      access: 'active',
      isApplied: true,
    });
  });

  test('waits for the first stage when that comes later', () => {
    expect(decide({ at: 0.5, unpaid: [invoice('in_1', { collectionMethod: 'send_invoice' })] })).toEqual({
      do: 'wait',
      until: day(1),
      because: 'next_stage',
    });
  });

  test('that comes late, of a case that nobody followed, begins with the stage that is due', () => {
    expect(short(decide({ at: 5 }))).toMatchObject({ do: 'enter', stage: 'reminder' });
  });
});

describe('a stage', () => {
  test('whose notice is queued has it delivered', () => {
    expect(decide({ at: 0, steps: [step('payment-failed', QUEUED)] })).toEqual({
      do: 'deliver',
      stage: 'payment-failed',
    });
  });

  test('that is done is followed by the next, at its time', () => {
    const steps = told('payment-failed');
    expect(decide({ at: 0.1, steps })).toEqual({ do: 'wait', until: day(3), because: 'next_stage' });
    expect(short(decide({ at: 3, steps }))).toMatchObject({ do: 'enter', stage: 'reminder' });
  });

  test('with a notice and an effect tells first: the state stays until the effect is applied', () => {
    const setting = { at: 14, steps: UNTIL_FINAL_NOTICE };
    expect(short(decide(setting))).toEqual({
      do: 'enter',
      stage: 'restriction',
      inPlaceOf: [],
      state: null,
      access: 'active',
      isApplied: false,
    });
    const queued = [...UNTIL_FINAL_NOTICE, step('restriction', QUEUED, { isApplied: false })];
    expect(decide({ at: 14, steps: queued })).toEqual({ do: 'deliver', stage: 'restriction' });
    const delivered = [...UNTIL_FINAL_NOTICE, step('restriction', sent(14), { isApplied: false })];
    expect(short(decide({ at: 14, steps: delivered }))).toEqual({
      do: 'apply',
      stage: 'restriction',
      effect: 'restrict',
    });
  });

  test('whose effect was put off after it was entered waits for its new time', () => {
    const steps = [...UNTIL_FINAL_NOTICE, step('restriction', sent(14), { isApplied: false })];
    expect(decide({ at: 14, steps, extendedDays: 5 })).toEqual({
      do: 'wait',
      until: day(19),
      because: 'next_stage',
    });
  });

  test('whose effect is in force already has nothing left to apply', () => {
    const steps = [...UNTIL_FINAL_NOTICE, step('restriction', sent(14), { isApplied: false })];
    expect(decide({ at: 14, steps, access: 'suspended' })).toEqual({
      do: 'wait',
      until: day(23),
      because: 'next_stage',
    });
  });

  test('an extension puts off what is to come, and takes nothing back', () => {
    expect(decide({ at: 7, steps: UNTIL_FINAL_NOTICE, extendedDays: 10 })).toEqual({
      do: 'wait',
      until: day(24),
      because: 'next_stage',
    });
  });

  test('without a notice is entered when it is due, and only the state changes', () => {
    const stages = stagesOf(
      { name: 'told', after: 'PT0S', state: 'retrying', notice: 'payment_failed' },
      { name: 'silent', after: 'P2D', state: 'grace' },
      { name: 'end', after: 'P9D', state: 'written_off', effect: 'write_off' },
    );
    expect(short(decide({ at: 2, stages, steps: [step('told', sent(0))] }))).toMatchObject({
      do: 'enter',
      stage: 'silent',
      state: 'grace',
      inPlaceOf: [],
    });
    const steps = [step('told', sent(0)), step('silent', null)];
    expect(decide({ at: 2, stages, steps })).toEqual({ do: 'wait', until: day(9), because: 'next_stage' });
  });
});

describe('I11 an effect', () => {
  test('waits for its full time after a notice that was sent late', () => {
    const steps = [step('payment-failed', sent(0)), step('final-notice', sent(12))];
    expect(decide({ at: 14, steps })).toEqual({ do: 'wait', until: day(19), because: 'next_stage' });
    expect(short(decide({ at: 19, steps }))).toMatchObject({ do: 'enter', stage: 'restriction' });
  });

  test('does not come sooner after a notice that was sent early', () => {
    const steps = [step('payment-failed', sent(0)), step('final-notice', sent(5))];
    expect(decide({ at: 7, steps })).toEqual({ do: 'wait', until: day(14), because: 'next_stage' });
  });

  test('waits out quiet times after its full time', () => {
    const steps = [step('payment-failed', sent(0)), step('final-notice', sent(12))];
    const weekdays: QuietTimes = { weekdays: ['monday'] };
    expect(decide({ at: 14, steps, quietTimes: weekdays })).toEqual({
      do: 'wait',
      until: new Date('2026-06-22T00:00:00Z'),
      because: 'next_stage',
    });
  });

  test('does not come at all while its notice is not sent', () => {
    const waits = { status: 'queued', retryAt: day(14.5) } as const;
    const steps = [step('payment-failed', sent(0)), step('final-notice', waits)];
    expect(decide({ at: 14, steps })).toEqual({ do: 'wait', until: day(14.5), because: 'mail_server' });
  });

  test('does not come after a notice that was suppressed: an operator has to look', () => {
    const steps = [step('payment-failed', sent(0)), step('final-notice', { status: 'suppressed' })];
    expect(decide({ at: 14, steps })).toEqual({ do: 'wait', until: null, because: 'unreachable' });
  });

  test('does not come where no notice is left before it', () => {
    const stages = stagesOf(
      { name: 'told', after: 'PT0S', state: 'retrying', notice: 'payment_failed' },
      { name: 'restriction', after: 'P2D', state: 'restricted', effect: 'restrict' },
      { name: 'end', after: 'P9D', state: 'written_off', effect: 'write_off' },
    ).slice(1);
    expect(decide({ at: 5, stages })).toEqual({ do: 'wait', until: null, because: 'unreachable' });
  });

  test('is announced late when its notice was never queued though a later stage was entered', () => {
    const stages = stagesOf(
      { name: 'told', after: 'P1D', state: 'retrying', notice: 'payment_failed' },
      { name: 'silent', after: 'P2D', state: 'grace' },
      { name: 'end', after: 'P9D', state: 'written_off', effect: 'write_off' },
    );
    expect(short(decide({ at: 12, stages, steps: [step('silent', null)] }))).toEqual({
      do: 'enter',
      stage: 'told',
      inPlaceOf: [],
      state: null,
      access: 'active',
      isApplied: true,
    });
  });

  test('of the last stage is Stripe’s to carry out, as long as something is unpaid', () => {
    const steps = [...TOLD, step('write-off', null, { isApplied: false })];
    const setting: Setting = { at: 90, access: 'suspended', steps };
    expect(short(decide({ ...setting, steps: TOLD }))).toMatchObject({ do: 'enter', stage: 'write-off' });
    expect(short(decide(setting))).toEqual({ do: 'apply', stage: 'write-off', effect: 'write_off' });
    expect(short(decide({ ...setting, at: 95 }))).toEqual({
      do: 'apply',
      stage: 'write-off',
      effect: 'write_off',
    });
  });
});

describe('I11 after an absence', () => {
  test('of several notices that were missed only the last one’s goes, and effects wait for their full warning', () => {
    const late: Setting = { at: 80, steps: told('payment-failed') };
    expect(short(decide(late))).toMatchObject({ do: 'enter', stage: 'final-notice', access: 'active' });
    const steps = [step('payment-failed', sent(0)), step('final-notice', sent(80))];
    expect(decide({ at: 80, steps })).toEqual({ do: 'wait', until: day(87), because: 'next_stage' });
  });

  test('an effect that was announced comes with the notice of the stage that is due now, which announces the next', () => {
    const steps = [step('payment-failed', sent(0)), step('final-notice', sent(80))];
    expect(short(decide({ at: 87, steps }))).toEqual({
      do: 'enter',
      stage: 'suspension-notice',
      inPlaceOf: [],
      state: 'restricted',
      access: 'restricted',
      isApplied: true,
    });
    const later = [...steps, step('suspension-notice', sent(87))];
    expect(decide({ at: 87, access: 'restricted', steps: later })).toEqual({
      do: 'wait',
      until: day(94),
      because: 'next_stage',
    });
  });

  test('a stage without a notice is entered by way of the one that tells', () => {
    const stages = stagesOf(
      { name: 'first', after: 'PT0S', state: 'retrying', notice: 'payment_failed' },
      { name: 'told', after: 'P1D', state: 'action_required', notice: 'reminder' },
      { name: 'silent', after: 'P2D', state: 'grace' },
      { name: 'end', after: 'P9D', state: 'written_off', effect: 'write_off' },
    );
    const steps = [step('first', sent(0))];
    expect(short(decide({ at: 5, stages, steps }))).toMatchObject({ do: 'enter', stage: 'told' });
    steps.push(step('told', sent(5)));
    expect(short(decide({ at: 5, stages, steps }))).toMatchObject({ do: 'enter', stage: 'silent' });
  });

  test('a notice that the mail server did not take for so long gives way to the one that is due', () => {
    const steps = [step('payment-failed', sent(0)), step('reminder', QUEUED)];
    expect(decide({ at: 6.9, steps })).toEqual({ do: 'deliver', stage: 'reminder' });
    expect(short(decide({ at: 7, steps }))).toMatchObject({
      do: 'enter',
      stage: 'final-notice',
      inPlaceOf: ['reminder'],
    });
  });

  test('it gives way to none behind an effect that has to wait', () => {
    const steps = [step('payment-failed', sent(0)), step('final-notice', QUEUED)];
    expect(decide({ at: 80, steps })).toEqual({ do: 'deliver', stage: 'final-notice' });
  });

  test('what was passed over while something harsher was in force does not come back unannounced', () => {
    // Restricted by an older invoice, eased since; this one's own notice of it was never sent.
    const steps = [
      step('payment-failed', sent(0)),
      step('final-notice', { status: 'suppressed' }),
      step('restriction', sent(14)),
    ];
    expect(short(decide({ at: 23, access: 'active', steps }))).toMatchObject({
      do: 'enter',
      stage: 'suspension-notice',
      access: 'active',
    });
  });
});

describe('another invoice is the oldest', () => {
  /** The one that was followed was paid `at` days after its failure; the next one failed so many days after it. */
  const newer = (at: number, failedOn: number, access: CaseAccess): Setting => ({
    at,
    access,
    lastAnchorStatus: 'paid',
    unpaid: [invoice('in_2', { unpaidSince: day(failedOn) })],
    steps: UNTIL_SUSPENSION,
  });

  test.each<[string, number, number, CaseAccess, string, CaseAccess]>([
    ['while it was retried', 1, 0.5, 'active', 'retrying', 'active'],
    ['after the reminder', 5, 1, 'active', 'action_required', 'active'],
    ['in grace, the newer one too', 13, 5, 'active', 'grace', 'active'],
    ['restricted, the newer one just failed', 16, 15, 'restricted', 'retrying', 'active'],
    ['restricted, the newer one in grace', 22, 14, 'restricted', 'grace', 'active'],
    ['restricted, the newer one calls for that too', 29, 14, 'restricted', 'restricted', 'restricted'],
    ['suspended, the newer one calls for a restriction', 50, 34, 'suspended', 'restricted', 'restricted'],
    ['suspended, the newer one just failed', 50, 50, 'suspended', 'retrying', 'active'],
    ['suspended, the newer one calls for that too', 75, 40, 'suspended', 'suspended', 'suspended'],
  ])('%s: access is eased to what that one calls for', (_name, at, failedOn, access, state, eased) => {
    expect(decide(newer(at, failedOn, access))).toEqual({
      do: 'follow',
      invoice: 'in_2',
      state,
      access: eased,
    });
  });

  test('access is never made harsher by it, and the state tells no more than what was told', () => {
    expect(decide(newer(60, 20, 'active'))).toEqual({
      do: 'follow',
      invoice: 'in_2',
      state: 'grace',
      access: 'active',
    });
  });

  test('one that is older than the one that was followed is followed', () => {
    const unpaid = [invoice('in_1'), invoice('in_0', { unpaidSince: day(-2) })];
    expect(decide({ at: 1, unpaid, steps: told('payment-failed') })).toMatchObject({
      do: 'follow',
      invoice: 'in_0',
    });
  });

  test('its own stage is entered then; an effect that is in force needs no notice before', () => {
    const followed = { ...newer(29, 14, 'restricted'), anchor: 'in_2' };
    expect(short(decide(followed))).toEqual({
      do: 'enter',
      stage: 'restriction',
      inPlaceOf: [],
      state: 'restricted',
      access: 'restricted',
      isApplied: true,
    });
  });

  test('I11 notices of the earlier one announce nothing of this one', () => {
    const followed = { ...newer(60, 20, 'active'), anchor: 'in_2' };
    expect(short(decide(followed))).toMatchObject({ do: 'enter', stage: 'final-notice' });
  });

  test('it is followed also while the case is paused or money is on its way: who paid is eased at once', () => {
    const paused = { ...newer(16, 15, 'restricted'), pausedUntil: day(40) };
    expect(decide(paused)).toMatchObject({ do: 'follow', access: 'active' });
    const unpaid = [invoice('in_2', { unpaidSince: day(15), isProcessing: true })];
    expect(decide({ ...paused, unpaid })).toMatchObject({ do: 'follow', access: 'active' });
  });

  test('one that is excluded is not followed', () => {
    const unpaid = [invoice('in_1'), invoice('in_2', { unpaidSince: day(1) })];
    expect(decide({ at: 2, unpaid, excludedInvoices: ['in_1'] })).toMatchObject({
      do: 'follow',
      invoice: 'in_2',
    });
    expect(anchorOf(unpaid, ['in_1', 'in_2'])).toBeUndefined();
  });
});

describe('another variant is followed', () => {
  const newCard = [invoice('in_1', { decline: 'new_card', declineCode: 'expired_card' })];

  test('its stage that is due now is entered at once', () => {
    expect(
      short(decide({ at: 4, unpaid: newCard, steps: told('payment-failed', 'reminder') })),
    ).toMatchObject({
      do: 'enter',
      stage: 'new-card-reminder',
    });
  });

  test('I11 its effects need notices of its own', () => {
    const steps = [...UNTIL_FINAL_NOTICE, step('new-card-final-notice', sent(13))];
    expect(decide({ at: 14, unpaid: newCard, steps })).toEqual({
      do: 'wait',
      until: day(20),
      because: 'next_stage',
    });
  });

  test('what is in force stays', () => {
    expect(
      short(decide({ at: 15, unpaid: newCard, access: 'restricted', steps: UNTIL_RESTRICTION })),
    ).toEqual({
      do: 'enter',
      stage: 'new-card-restriction',
      inPlaceOf: [],
      state: 'restricted',
      access: 'restricted',
      isApplied: true,
    });
  });

  test('a notice of the first that was not sent keeps its place, should that one be followed again', () => {
    const steps = [step('payment-failed', sent(0)), step('final-notice', QUEUED)];
    expect(short(decide({ at: 8, unpaid: newCard, steps }))).toMatchObject({
      do: 'enter',
      stage: 'new-card-final-notice',
      inPlaceOf: [],
    });
    const both = [...steps, step('new-card-final-notice', sent(8))];
    expect(decide({ at: 9, steps: both })).toEqual({ do: 'deliver', stage: 'final-notice' });
  });
});

describe('nothing is told or done', () => {
  const due = { at: 14, steps: UNTIL_FINAL_NOTICE };

  test('while the case is paused', () => {
    expect(decide({ ...due, pausedUntil: day(20) })).toEqual({
      do: 'wait',
      until: day(20),
      because: 'paused',
    });
    expect(short(decide({ ...due, pausedUntil: day(14) }))).toMatchObject({ do: 'enter' });
  });

  test('while money is on its way; it is looked after a day later', () => {
    expect(decide({ ...due, unpaid: [invoice('in_1', { isProcessing: true })] })).toEqual({
      do: 'wait',
      until: day(15),
      because: 'processing',
    });
  });

  test('while no address takes the notices, until an operator resumes', () => {
    const unreachable = [step('payment-failed', sent(0)), step('final-notice', { status: 'failed' })];
    const waits = { do: 'wait', until: null, because: 'unreachable' };
    expect(decide({ at: 8, steps: unreachable })).toEqual(waits);
    expect(decide({ at: 100, steps: unreachable })).toEqual(waits);
  });

  test('also when another variant is followed since: the mailbox is the same', () => {
    const steps = [step('payment-failed', { status: 'failed' })];
    const unpaid = [invoice('in_1', { decline: 'new_card' })];
    expect(decide({ at: 8, unpaid, steps })).toEqual({ do: 'wait', until: null, because: 'unreachable' });
  });

  test('that an earlier invoice’s notice reached nobody does not keep the next one from being told', () => {
    const steps = [step('payment-failed', { status: 'failed' }, { anchor: 'in_0' })];
    expect(short(decide({ at: 0, steps }))).toMatchObject({ do: 'enter', stage: 'payment-failed' });
  });

  test('before the mail server is to be tried again', () => {
    const steps = [step('payment-failed', { status: 'queued', retryAt: day(0.1) })];
    expect(decide({ at: 0.05, steps })).toEqual({ do: 'wait', until: day(0.1), because: 'mail_server' });
    expect(decide({ at: 0.1, steps })).toEqual({ do: 'deliver', stage: 'payment-failed' });
  });

  test.each<[string, DunningStep[]]>([
    ['a stage is not entered', UNTIL_FINAL_NOTICE],
    ['a notice is not delivered', [...UNTIL_FINAL_NOTICE, step('restriction', QUEUED, { isApplied: false })]],
    [
      'an effect is not applied',
      [...UNTIL_FINAL_NOTICE, step('restriction', sent(14), { isApplied: false })],
    ],
  ])('in quiet times, however late it is: %s', (_name, steps) => {
    const quietTimes = { quiet_hours: { from: '20:00', to: '08:00' } };
    // Ten in the evening.
    const at = 16 + 10 / 24;
    expect(decide({ at, steps, quietTimes })).toEqual({
      do: 'wait',
      until: new Date('2026-06-18T08:00:00Z'),
      because: 'next_stage',
    });
  });

  test('but who paid is eased and let go at any hour', () => {
    const quietTimes = { quiet_hours: { from: '20:00', to: '08:00' } };
    const at = 16 + 10 / 24;
    const unpaid = [invoice('in_2', { unpaidSince: day(16) })];
    expect(decide({ at, unpaid, access: 'restricted', quietTimes })).toMatchObject({
      do: 'follow',
      access: 'active',
    });
    expect(decide({ at, unpaid: [], lastAnchorStatus: 'paid', quietTimes })).toMatchObject({ do: 'close' });
  });
});

describe('an operator', () => {
  test('who leaves a notice out has the one before it announce the effect', () => {
    const left = stagesFor(BUILT_IN, { ...invoice('in_1'), plan: null }).filter(
      ({ name }) => name !== 'final-notice',
    );
    const steps = told('payment-failed', 'reminder');
    expect(decide({ at: 7, stages: left, steps })).toEqual({
      do: 'wait',
      until: day(14),
      because: 'next_stage',
    });
    expect(short(decide({ at: 14, stages: left, steps }))).toMatchObject({
      do: 'enter',
      stage: 'restriction',
    });
  });

  test('who leaves an effect out has the case go on with the next stage', () => {
    const left = stagesFor(BUILT_IN, { ...invoice('in_1'), plan: null }).filter(
      ({ name }) => name !== 'restriction',
    );
    expect(decide({ at: 14, stages: left, steps: UNTIL_FINAL_NOTICE })).toEqual({
      do: 'wait',
      until: day(23),
      because: 'next_stage',
    });
  });

  test.each<[string, Partial<Setting>]>([
    ['at once', {}],
    ['also while the case is paused', { pausedUntil: day(50) }],
    ['also in quiet times', { quietTimes: { weekdays: ['sunday'] } }],
    ['also before another invoice is followed', { anchor: 'in_0' }],
  ])('who writes off is heeded %s', (_when, more) => {
    expect(decide({ at: 1, isWriteOffRequested: true, ...more })).toEqual({ do: 'write_off' });
  });
});

describe('a case ends', () => {
  const none: Setting = { at: 20, unpaid: [], steps: UNTIL_RESTRICTION, access: 'restricted' };
  const excluded = { unpaid: [invoice('in_9')], excludedInvoices: ['in_9'] };

  test.each<[string, Partial<Setting>, string]>([
    ['its invoice was paid', { lastAnchorStatus: 'paid' }, 'recovered'],
    ['its invoice was voided', { lastAnchorStatus: 'void' }, 'voided'],
    ['its invoice was written off', { lastAnchorStatus: 'uncollectible' }, 'written_off'],
    ['its invoice costs nothing any more', { lastAnchorStatus: 'open' }, 'recovered'],
    ['it was paid before the first look', { anchor: null, lastAnchorStatus: null }, 'recovered'],
    ['it was paid, another one is excluded', { ...excluded, lastAnchorStatus: 'paid' }, 'recovered'],
    ['it was voided, another one is excluded', { ...excluded, lastAnchorStatus: 'void' }, 'voided'],
    [
      'it was written off, another one is excluded',
      { ...excluded, lastAnchorStatus: 'uncollectible' },
      'written_off',
    ],
    ['it is excluded itself', { ...excluded, anchor: 'in_9', lastAnchorStatus: 'open' }, 'excluded'],
    [
      'all was excluded before the first look',
      { ...excluded, anchor: null, lastAnchorStatus: null },
      'excluded',
    ],
    [
      'it was written off by an operator',
      { isWriteOffRequested: true, lastAnchorStatus: 'uncollectible' },
      'written_off',
    ],
    [
      'it was paid before an operator’s write-off came',
      { isWriteOffRequested: true, lastAnchorStatus: 'paid' },
      'recovered',
    ],
    [
      'it costs nothing, an operator had it written off',
      { isWriteOffRequested: true, lastAnchorStatus: 'open' },
      'written_off',
    ],
    ['the subscription ended', { isSubscriptionLive: false, lastAnchorStatus: 'open' }, 'canceled'],
    ['while it is paused', { pausedUntil: day(50), lastAnchorStatus: 'paid' }, 'recovered'],
  ])('%s: as %s', (_when, more, outcome) => {
    expect(decide({ ...none, ...more })).toEqual({ do: 'close', outcome });
  });

  test('with its subscription, whatever is unpaid', () => {
    expect(decide({ at: 20, isSubscriptionLive: false, isWriteOffRequested: true })).toEqual({
      do: 'close',
      outcome: 'canceled',
    });
  });

  test.each<[string, object, string]>([
    ['canceled', { state: 'canceled' }, 'canceled'],
    ['written off', { state: 'written_off' }, 'written_off'],
    [
      'written off with an effect that ends nothing',
      { state: 'written_off', effect: 'suspend' },
      'written_off',
    ],
  ])('with a last stage that Stripe has no part in: %s', (_name, last, outcome) => {
    const stages = stagesOf(
      { name: 'told', after: 'PT0S', state: 'retrying', notice: 'payment_failed' },
      { name: 'last', after: 'P9D', ...last },
    );
    const steps = [step('told', sent(0)), step('last', null)];
    expect(decide({ at: 9, stages, steps, access: 'suspended' })).toEqual({ do: 'close', outcome });
  });

  test('with the last stage’s notice first, where it has one', () => {
    const stages = stagesOf(
      { name: 'told', after: 'PT0S', state: 'retrying', notice: 'payment_failed' },
      { name: 'last', after: 'P9D', state: 'canceled', notice: 'canceled' },
    );
    const steps = [step('told', sent(0)), step('last', QUEUED)];
    expect(decide({ at: 9, stages, steps })).toEqual({ do: 'deliver', stage: 'last' });
  });
});

describe('what is planned', () => {
  const plan = (setting: Setting) =>
    plannedStages(situation(setting)).map(({ stage, at, isEntered }) => [stage, at, isEntered]);

  test('is the policy’s calendar, with what was entered', () => {
    expect(plan({ at: 7, steps: UNTIL_FINAL_NOTICE })).toEqual([
      ['payment-failed', day(0), true],
      ['reminder', day(3), true],
      ['final-notice', day(7), true],
      ['restriction', day(14), false],
      ['suspension-notice', day(23), false],
      ['suspension', day(30), false],
      ['write-off-notice', day(76), false],
      ['write-off', day(90), false],
    ]);
  });

  test('tells of each stage what it does', () => {
    expect(plannedStages(situation({ at: 0 }))[3]).toEqual({
      stage: 'restriction',
      at: day(14),
      state: 'restricted',
      notice: 'restricted',
      effect: 'restrict',
      isEntered: false,
    });
    expect(plannedStages(situation({ at: 0 }))[7]).toMatchObject({ notice: null, effect: 'write_off' });
  });

  test('has effects as late as their notice makes them: the one that was sent, or one that is sent now', () => {
    const steps = [step('payment-failed', sent(0)), step('final-notice', sent(80))];
    expect(plan({ at: 80, steps }).slice(3, 8)).toEqual([
      ['restriction', day(87), false],
      // Behind a restriction that has to wait nothing comes before it.
      ['suspension-notice', day(87), false],
      ['suspension', day(94), false],
      ['write-off-notice', day(94), false],
      ['write-off', day(108), false],
    ]);
  });

  test('has what is in force already wait for nothing, so that nothing behind it is told too late', () => {
    // Another invoice brought the restriction; of this one nothing was told yet.
    expect(plan({ at: 25, access: 'restricted' }).slice(3, 6)).toEqual([
      ['restriction', day(14), false],
      ['suspension-notice', day(23), false],
      ['suspension', day(32), false],
    ]);
  });

  test('leaves out quiet times', () => {
    const quietTimes = { quiet_hours: { from: '10:00', to: '18:00' } };
    expect(plan({ at: 0, quietTimes })[3]).toEqual(['restriction', new Date('2026-06-15T18:00:00Z'), false]);
    const steps = [step('final-notice', sent(8.99))];
    expect(plan({ at: 9, steps, quietTimes })[3]).toEqual([
      'restriction',
      new Date('2026-06-17T18:00:00Z'),
      false,
    ]);
  });

  test('of nothing is nothing', () => {
    expect(plan({ at: 3, unpaid: [] })).toEqual([]);
    expect(plan({ at: 3, excludedInvoices: ['in_1'] })).toEqual([]);
  });
});

test('what effects make of access', () => {
  expect((['restrict', 'suspend', 'cancel', 'write_off'] as const).map(accessOfEffect)).toEqual([
    'restricted',
    'suspended',
    null,
    null,
  ]);
});
