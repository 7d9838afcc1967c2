import { describe, expect, test } from 'vitest';
import {
  type CommandedCase,
  DUNNING_COMMANDS,
  type DunningCommandName,
  readDunningCommand,
  refusalOf,
  stageToSkip,
} from '../../domain/dunning-command.ts';

const NOW = new Date('2026-05-20T12:00:00Z');
const inDays = (days: number) => new Date(NOW.getTime() + days * 86_400_000).toISOString();
const WHO = { actor: 'grace', reason: 'they called' };
/** What a command of each name needs beside who and why. */
const NEEDS: Record<DunningCommandName, object> = {
  pause: { until: inDays(3) },
  resume: {},
  extend: { days: 5 },
  skipStage: {},
  retryPaymentNow: {},
  excludeInvoice: { invoice: 'in_1' },
  writeOff: {},
};

const stage = (name: string, does: Partial<CommandedCase['stages'][number]> = {}) => ({
  name,
  isEntered: false,
  ...does,
});
const STAGES = [
  stage('failed', { notice: 'payment_failed', isEntered: true }),
  stage('reminder', { notice: 'reminder' }),
  stage('final', { notice: 'final_notice' }),
  stage('restriction', { notice: 'restricted', effect: 'restrict' }),
  stage('end', { effect: 'write_off' }),
];

const dunned = (overrides: Partial<CommandedCase> = {}): CommandedCase => ({
  outcome: null,
  pausedUntil: null,
  extendedDays: 0,
  isUnreachable: false,
  isWriteOffRequested: false,
  stages: STAGES,
  anchor: { id: 'in_1', isCharged: true, isProcessing: false },
  unpaidInvoices: ['in_1', 'in_2'],
  excludedInvoices: [],
  ...overrides,
});

const refusal = (
  name: DunningCommandName,
  needs: object = NEEDS[name],
  overrides: Partial<CommandedCase> = {},
) => refusalOf(readDunningCommand(name, { ...WHO, ...needs }), dunned(overrides), NOW);

/** The same stages, of which those were entered. */
const entered = (...names: string[]) =>
  STAGES.map((each) => ({ ...each, isEntered: names.includes(each.name) }));

describe.each(DUNNING_COMMANDS)('%s', (name) => {
  test('is read with who gives it and why', () => {
    expect(readDunningCommand(name, { ...WHO, ...NEEDS[name] })).toEqual({ name, ...WHO, ...NEEDS[name] });
  });

  test.each<[string, object | undefined]>([
    ['without an actor', { ...WHO, ...NEEDS[name], actor: ' ' }],
    ['without a reason', { ...WHO, ...NEEDS[name], reason: undefined }],
    ['with a field that it does not know', { ...WHO, ...NEEDS[name], force: true }],
    ['without anything', undefined],
  ])('is refused %s', (_how, value) => {
    expect(() => readDunningCommand(name, value)).toThrow(expect.objectContaining({ name: 'InvalidInput' }));
  });

  test('is refused when the case is over', () => {
    expect(refusal(name, NEEDS[name], { outcome: 'recovered' })).toBe('The case is over: recovered');
  });
});

test.each<[DunningCommandName, object, string]>([
  ['pause', { until: 'tomorrow' }, 'until'],
  ['pause', { until: '2026-05-21' }, 'until'],
  ['pause', {}, 'until'],
  ['extend', { days: 0 }, 'days'],
  ['extend', { days: 1.5 }, 'days'],
  ['extend', { days: 366 }, 'days'],
  ['extend', { days: '5' }, 'days'],
  ['skipStage', { stage: 'x'.repeat(65) }, 'stage'],
  ['excludeInvoice', { invoice: 'sub_1' }, 'invoice'],
  ['excludeInvoice', {}, 'invoice'],
])('%s with %j is refused, naming the field', (name, needs, field) => {
  expect(() => readDunningCommand(name, { ...WHO, ...needs })).toThrow(
    expect.objectContaining({ name: 'InvalidInput', message: expect.stringContaining(field) }),
  );
});

describe('pause', () => {
  test('is taken until any time to come, within a year', () => {
    expect(refusal('pause')).toBeUndefined();
    expect(refusal('pause', { until: inDays(366) })).toBeUndefined();
    expect(refusal('pause', { until: '2026-05-20T14:00:01+02:00' })).toBeUndefined();
  });

  test('is taken also while it is paused or nobody can be reached: it is another time then', () => {
    expect(
      refusal('pause', NEEDS.pause, { pausedUntil: new Date(inDays(1)), isUnreachable: true }),
    ).toBeUndefined();
  });

  test.each([
    [inDays(0), 'until is in the past'],
    ['2026-05-20T13:00:00+02:00', 'until is in the past'],
    [inDays(367), 'until is more than 366 days away'],
  ])('until %s is refused: %s', (until, why) => {
    expect(refusal('pause', { until })).toBe(why);
  });
});

describe('resume', () => {
  test('is taken while the case is paused, and while it waits for an address', () => {
    expect(refusal('resume', {}, { pausedUntil: new Date(inDays(1)) })).toBeUndefined();
    expect(refusal('resume', {}, { isUnreachable: true })).toBeUndefined();
  });

  test('is refused otherwise', () => {
    expect(refusal('resume')).toBe('The case is neither paused nor waiting for an address');
  });
});

describe('extend', () => {
  test('is taken up to a year in all', () => {
    expect(refusal('extend', { days: 365 })).toBeUndefined();
    expect(refusal('extend', { days: 65 }, { extendedDays: 300 })).toBeUndefined();
  });

  test('is refused beyond', () => {
    expect(refusal('extend', { days: 66 }, { extendedDays: 300 })).toBe(
      'The case would be extended by 366 days, 365 are allowed',
    );
  });

  test('is refused when the last stage was entered', () => {
    expect(refusal('extend', { days: 1 }, { stages: entered('end') })).toBe(
      'No stage is left that could be put off',
    );
  });
});

describe('skipStage', () => {
  test('leaves out the next stage, or the one that it names', () => {
    expect(stageToSkip(undefined, dunned())).toBe('reminder');
    expect(stageToSkip('final', dunned())).toBe('final');
    expect(stageToSkip(undefined, { stages: entered('failed', 'final') })).toBe('restriction');
    expect(stageToSkip(undefined, { stages: entered('end') })).toBeUndefined();
  });

  test.each([undefined, 'reminder', 'final', 'restriction'])('%s is taken', (named) => {
    expect(refusal('skipStage', { stage: named })).toBeUndefined();
  });

  test.each<[string, string | undefined, CommandedCase['stages'], string]>([
    ['an unknown one', 'finale', STAGES, 'There is no stage finale to come'],
    ['one that was entered', 'failed', STAGES, 'Stage failed was entered already'],
    ['the last one', 'end', STAGES, 'Stage end ends the case and can’t be left out'],
    ['none that is left', undefined, entered('end'), 'No stage is left'],
    [
      'the next, when that is the last',
      undefined,
      entered('restriction'),
      'Stage end ends the case and can’t be left out',
    ],
    [
      'the only notice before an effect',
      'reminder',
      [stage('reminder', { notice: 'reminder' }), ...entered().slice(3)],
      'Stage reminder announces what restriction does',
    ],
    [
      'the only notice before an effect that was in force when this invoice came',
      'reminder',
      [stage('reminder', { notice: 'reminder' }), ...entered('restriction').slice(3)],
      'Stage reminder announces what restriction does',
    ],
    [
      'the only notice before the end',
      'final',
      [stage('final', { notice: 'final_notice' }), stage('quiet'), ...STAGES.slice(4)],
      'Stage final announces what end does',
    ],
  ])('%s is refused', (_which, named, stages, why) => {
    expect(refusal('skipStage', { stage: named }, { stages })).toBe(why);
  });

  test('without an unpaid invoice there is no stage', () => {
    expect(refusal('skipStage', {}, { stages: [], anchor: null })).toBe('No stage is left');
  });
});

describe('retryPaymentNow', () => {
  test('is taken for an invoice that is charged, also while the case is paused', () => {
    expect(refusal('retryPaymentNow')).toBeUndefined();
    expect(refusal('retryPaymentNow', {}, { pausedUntil: new Date(inDays(1)) })).toBeUndefined();
  });

  test.each([
    ['nothing is unpaid', null, 'No invoice is unpaid'],
    [
      'the invoice is sent',
      { id: 'in_1', isCharged: false, isProcessing: false },
      'in_1 is sent to the customer and can’t be charged',
    ],
    [
      'money is on its way',
      { id: 'in_1', isCharged: true, isProcessing: true },
      'A payment of in_1 is on its way',
    ],
  ])('is refused when %s', (_when, anchor, why) => {
    expect(refusal('retryPaymentNow', {}, { anchor })).toBe(why);
  });
});

describe('excludeInvoice', () => {
  test.each(['in_1', 'in_2'])(
    'is taken for each unpaid invoice, whether it is followed or not: %s',
    (invoice) => {
      expect(refusal('excludeInvoice', { invoice })).toBeUndefined();
    },
  );

  test('is refused for one that is not unpaid, or excluded already', () => {
    expect(refusal('excludeInvoice', { invoice: 'in_3' })).toBe('in_3 is not an unpaid invoice of this case');
    expect(refusal('excludeInvoice', { invoice: 'in_2' }, { excludedInvoices: ['in_2'] })).toBe(
      'in_2 is excluded already',
    );
  });
});

describe('writeOff', () => {
  test('is taken, paused or not', () => {
    expect(refusal('writeOff')).toBeUndefined();
    expect(refusal('writeOff', {}, { pausedUntil: new Date(inDays(1)) })).toBeUndefined();
  });

  test('is refused a second time', () => {
    expect(refusal('writeOff', {}, { isWriteOffRequested: true })).toBe(
      'The case is being written off already',
    );
  });
});
