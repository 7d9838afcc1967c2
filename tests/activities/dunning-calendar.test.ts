import fc from 'fast-check';
import { DateTime } from 'luxon';
import { describe, expect, test } from 'vitest';
import { datesOf } from '../../activities/dunning-calendar.ts';
import {
  type DunningStage,
  type QuietTimes,
  readDunningPolicy,
  WEEKDAYS,
} from '../../domain/dunning-policy.ts';
import { parseIsoDuration } from '../../domain/iso-duration.ts';
import { seeded } from '../convergence/history.ts';
import { policyOf, policySources, quietTimes, TIME_ZONES } from '../dunning-histories/policies.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

function stageAfter(after: string): DunningStage {
  const duration = parseIsoDuration(after);
  if (duration === undefined) throw new Error(`${after} is no duration`);
  return { name: after, after: duration, state: 'retrying', notice: 'reminder' };
}

/** The calendar of an invoice whose stages come after these durations. */
function calendarOf(
  timeZone: string,
  anchor: string | Date,
  options: { after?: string[]; extendedDays?: number; quietTimes?: QuietTimes } = {},
) {
  const { after = [], extendedDays = 0, quietTimes: quiet = {} } = options;
  const stages = after.map(stageAfter);
  return datesOf({ stages, anchor: new Date(anchor), extendedDays, timeZone, quietTimes: quiet });
}

const datedIn = (timeZone: string, anchor: string, after: string) =>
  calendarOf(timeZone, anchor, { after: [after] }).stages[0]?.nominalAt.toISOString();

const allowedIn = (timeZone: string, quiet: QuietTimes, instant: string) =>
  calendarOf(timeZone, instant, { quietTimes: quiet }).allowedFrom(new Date(instant)).toISOString();

const utc = (text: string) => new Date(text).toISOString();

describe('a day across a change of the clock keeps the time of day, 24 hours do not', () => {
  test.each([
    // The clock is set forward, then back.
    ['Europe/Berlin', '2026-03-28T18:30+01:00', '2026-03-29T18:30+02:00', '2026-03-29T19:30+02:00'],
    ['Europe/Berlin', '2026-10-24T18:30+02:00', '2026-10-25T18:30+01:00', '2026-10-25T17:30+01:00'],
    ['America/New_York', '2026-03-07T18:30-05:00', '2026-03-08T18:30-04:00', '2026-03-08T19:30-04:00'],
    ['America/New_York', '2026-10-31T18:30-04:00', '2026-11-01T18:30-05:00', '2026-11-01T17:30-05:00'],
    // By half an hour.
    ['Australia/Lord_Howe', '2026-10-03T18:30+10:30', '2026-10-04T18:30+11:00', '2026-10-04T19:00+11:00'],
    ['Australia/Lord_Howe', '2026-04-04T18:30+11:00', '2026-04-05T18:30+10:30', '2026-04-05T18:00+10:30'],
    // Never.
    ['Asia/Kolkata', '2026-03-28T18:30+05:30', '2026-03-29T18:30+05:30', '2026-03-29T18:30+05:30'],
    ['UTC', '2026-10-24T18:30Z', '2026-10-25T18:30Z', '2026-10-25T18:30Z'],
  ])('%s after %s', (timeZone, anchor, afterDay, after24Hours) => {
    expect(datedIn(timeZone, anchor, 'P1D')).toBe(utc(afterDay));
    expect(datedIn(timeZone, anchor, 'PT24H')).toBe(utc(after24Hours));
  });

  test('a time of day that is skipped that day comes an hour later, one that comes twice comes the first time', () => {
    expect(datedIn('Europe/Berlin', '2026-03-28T02:30+01:00', 'P1D')).toBe(utc('2026-03-29T03:30+02:00'));
    expect(datedIn('Europe/Berlin', '2026-10-24T02:30+02:00', 'P1D')).toBe(utc('2026-10-25T02:30+02:00'));
  });

  test('a three months’ policy across both changes is told at one time of day', () => {
    const { stages } = calendarOf('Europe/Berlin', '2026-01-15T09:00+01:00', {
      after: ['P14D', 'P60D', 'P90D', 'P300D'],
    });
    expect(stages.map(({ nominalAt }) => nominalAt.toISOString())).toEqual(
      [
        '2026-01-29T09:00+01:00',
        '2026-03-16T09:00+01:00',
        '2026-04-15T09:00+02:00',
        '2026-11-11T09:00+01:00',
      ].map(utc),
    );
  });
});

describe('months of different length', () => {
  test.each([
    ['2026-01-31T12:00Z', 'P1M', '2026-02-28T12:00Z'],
    ['2028-01-31T12:00Z', 'P1M', '2028-02-29T12:00Z'],
    ['2026-03-31T12:00Z', 'P1M', '2026-04-30T12:00Z'],
    ['2028-02-29T12:00Z', 'P1Y', '2029-02-28T12:00Z'],
    ['2026-12-31T12:00Z', 'P2M1D', '2027-03-01T12:00Z'],
    ['2026-01-15T12:00Z', 'P1M2W', '2026-03-01T12:00Z'],
  ])('%s and %s is %s', (anchor, after, date) => {
    expect(datedIn('UTC', anchor, after)).toBe(utc(date));
  });

  test('the month is the tenant’s: in Auckland it is the last of January already', () => {
    expect(datedIn('Pacific/Auckland', '2026-01-30T20:00Z', 'P1M')).toBe(utc('2026-02-28T09:00+13:00'));
    expect(datedIn('America/New_York', '2026-01-30T20:00Z', 'P1M')).toBe(utc('2026-02-28T15:00-05:00'));
  });
});

test('an extension puts every stage off by days of the tenant’s calendar', () => {
  const { stages } = calendarOf('Europe/Berlin', '2026-03-20T18:30+01:00', {
    after: ['PT0S', 'P3D'],
    extendedDays: 10,
  });
  expect(stages.map(({ nominalAt }) => nominalAt.toISOString())).toEqual(
    ['2026-03-30T18:30+02:00', '2026-04-02T18:30+02:00'].map(utc),
  );
});

test('an unknown time zone counts as UTC', () => {
  expect(datedIn('Middle-earth/Shire', '2026-03-28T18:30Z', 'P1D')).toBe(utc('2026-03-29T18:30Z'));
  const quiet = { quiet_hours: { from: '20:00', to: '08:00' } };
  expect(allowedIn('Middle-earth/Shire', quiet, '2026-03-28T21:00Z')).toBe(utc('2026-03-29T08:00Z'));
});

describe('quiet hours', () => {
  const night = { quiet_hours: { from: '20:00', to: '08:00' } };
  const noon = { quiet_hours: { from: '12:00', to: '13:30' } };

  test.each([
    ['before midnight', night, '2026-06-10T22:15:30+02:00', '2026-06-11T08:00+02:00'],
    ['after midnight', night, '2026-06-11T03:15:30+02:00', '2026-06-11T08:00+02:00'],
    ['their first minute is quiet', night, '2026-06-10T20:00+02:00', '2026-06-11T08:00+02:00'],
    ['their end is not', night, '2026-06-11T08:00+02:00', '2026-06-11T08:00+02:00'],
    [
      'outside of them nothing moves, not by a second',
      night,
      '2026-06-11T08:00:07+02:00',
      '2026-06-11T08:00:07+02:00',
    ],
    ['within a day', noon, '2026-06-10T12:59:59+02:00', '2026-06-10T13:30+02:00'],
    ['within a day, before', noon, '2026-06-10T11:59:59+02:00', '2026-06-10T11:59:59+02:00'],
    [
      'all but a minute',
      { quiet_hours: { from: '10:01', to: '10:00' } },
      '2026-06-10T10:01+02:00',
      '2026-06-11T10:00+02:00',
    ],
  ])('%s', (_name, quiet, instant, allowed) => {
    expect(allowedIn('Europe/Berlin', quiet, instant)).toBe(utc(allowed));
  });

  test.each([
    [
      'the night is an hour shorter',
      'Europe/Berlin',
      night,
      '2026-03-28T23:00+01:00',
      '2026-03-29T08:00+02:00',
    ],
    [
      'the night is an hour longer',
      'Europe/Berlin',
      night,
      '2026-10-24T23:00+02:00',
      '2026-10-25T08:00+01:00',
    ],
    [
      'the night is half an hour longer',
      'Australia/Lord_Howe',
      night,
      '2026-04-04T23:00+11:00',
      '2026-04-05T08:00+10:30',
    ],
    [
      'they end at a time that is skipped: when the clock has passed it',
      'Europe/Berlin',
      { quiet_hours: { from: '22:00', to: '02:30' } },
      '2026-03-28T23:00+01:00',
      '2026-03-29T03:00+02:00',
    ],
    [
      'they end at a time that comes twice: the first time',
      'Europe/Berlin',
      { quiet_hours: { from: '22:00', to: '02:30' } },
      '2026-10-24T23:00+02:00',
      '2026-10-25T02:30+02:00',
    ],
    [
      'the second time that it is quiet it ends a second time',
      'Europe/Berlin',
      { quiet_hours: { from: '22:00', to: '02:30' } },
      '2026-10-25T02:10+01:00',
      '2026-10-25T02:30+01:00',
    ],
    [
      'the same where half an hour comes twice',
      'Australia/Lord_Howe',
      { quiet_hours: { from: '22:00', to: '01:45' } },
      '2026-04-05T01:40+10:30',
      '2026-04-05T01:45+10:30',
    ],
    [
      'a clock that is set back to before them ends them',
      'Europe/Berlin',
      { quiet_hours: { from: '02:30', to: '06:00' } },
      '2026-10-25T02:45+02:00',
      '2026-10-25T02:00+01:00',
    ],
    [
      'the only hour that is allowed is skipped: on the next day',
      'America/New_York',
      { quiet_hours: { from: '03:00', to: '02:00' } },
      '2026-03-08T01:00-05:00',
      '2026-03-09T02:00-04:00',
    ],
  ])('around a change of the clock: %s', (_name, timeZone, quiet, instant, allowed) => {
    expect(allowedIn(timeZone, quiet, instant)).toBe(utc(allowed));
  });
});

describe('weekdays', () => {
  const workdays: QuietTimes = { weekdays: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'] };

  test.each([
    ['a Friday stays', workdays, '2026-06-12T23:59:59+02:00', '2026-06-12T23:59:59+02:00'],
    ['a Saturday becomes Monday', workdays, '2026-06-13T00:00+02:00', '2026-06-15T00:00+02:00'],
    ['a Sunday becomes Monday', workdays, '2026-06-14T23:59:59+02:00', '2026-06-15T00:00+02:00'],
    ['it is the tenant’s Saturday', workdays, '2026-06-12T22:30:00Z', '2026-06-15T00:00+02:00'],
    [
      'Friday night with quiet hours becomes Monday morning',
      { ...workdays, quiet_hours: { from: '20:00', to: '08:00' } },
      '2026-06-12T21:00+02:00',
      '2026-06-15T08:00+02:00',
    ],
    [
      'one day of the week, and of that one minute',
      { weekdays: ['tuesday'], quiet_hours: { from: '00:00', to: '23:59' } } satisfies QuietTimes,
      '2026-06-17T00:00+02:00',
      '2026-06-23T23:59+02:00',
    ],
  ])('%s', (_name, quiet, instant, allowed) => {
    expect(allowedIn('Europe/Berlin', quiet, instant)).toBe(utc(allowed));
  });

  test('a day that begins an hour late, because midnight is skipped, begins then', () => {
    expect(allowedIn('America/Havana', { weekdays: ['sunday'] }, '2026-03-07T12:00-05:00')).toBe(
      utc('2026-03-08T01:00-04:00'),
    );
  });
});

test('what is due in quiet times is due after them; distances are measured without them', () => {
  const quiet = { quiet_hours: { from: '20:00', to: '08:00' } };
  const { stages } = calendarOf('UTC', '2026-06-10T21:00Z', { after: ['PT0S', 'PT12H'], quietTimes: quiet });
  expect(stages.map(({ nominalAt, dueAt }) => [nominalAt.toISOString(), dueAt.toISOString()])).toEqual([
    [utc('2026-06-10T21:00Z'), utc('2026-06-11T08:00Z')],
    [utc('2026-06-11T09:00Z'), utc('2026-06-11T09:00Z')],
  ]);
});

/** Is it quiet at this minute, by the clock on the wall? */
function isQuiet(instantMs: number, timeZone: string, { quiet_hours: hours, weekdays }: QuietTimes): boolean {
  const local = DateTime.fromMillis(instantMs, { zone: timeZone });
  const time = local.toFormat('HH:mm');
  const isNight =
    hours !== undefined &&
    (hours.from < hours.to ? time >= hours.from && time < hours.to : time >= hours.from || time < hours.to);
  return (
    isNight ||
    (weekdays !== undefined && !weekdays.some((day) => WEEKDAYS.indexOf(day) === local.weekday - 1))
  );
}

/** Instants around changes of the clock, where most can go wrong, and one other. */
const instants = fc
  .tuple(
    fc.constantFrom(
      '2026-03-08T07:00Z',
      '2026-03-29T01:00Z',
      '2026-04-04T15:00Z',
      '2026-10-03T15:30Z',
      '2026-10-25T01:00Z',
      '2026-11-01T06:00Z',
      '2026-06-12T12:00Z',
    ),
    fc.integer({ min: -6 * 60 * 60, max: 6 * 60 * 60 }),
  )
  .map(([change, seconds]) => new Date(Date.parse(change) + seconds * 1000));

/** Quiet hours that begin and end when clocks are changed. */
const smallHours = fc
  .uniqueArray(fc.integer({ min: 0, max: 15 }), { minLength: 2, maxLength: 2 })
  .map((quarters) => quarters.map((quarter) => `0${Math.floor(quarter / 4)}:${15 * (quarter % 4) || '00'}`))
  .map(([from = '', to = '']): QuietTimes => ({ quiet_hours: { from, to } }));

test('whatever the quiet times, the first minute outside of them is found, never one before the instant itself', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...TIME_ZONES),
      fc.oneof(quietTimes, smallHours),
      instants,
      (timeZone, quiet, instant) => {
        const found = calendarOf(timeZone, instant, { quietTimes: quiet }).allowedFrom(instant).getTime();
        expect(isQuiet(found, timeZone, quiet)).toBe(false);
        expect(found).toBeGreaterThanOrEqual(instant.getTime());
        // Before it, all is quiet; the last day of it is enough to tell.
        const begin = Math.max(instant.getTime(), found - DAY_MS);
        for (let minute = begin; minute < found; minute += MINUTE_MS) {
          if (!isQuiet(minute, timeZone, quiet)) expect(new Date(minute).toISOString()).toBe('quiet');
        }
      },
    ),
    seeded(300),
  );
});

test('a valid policy’s stages keep their order on every day of the year in every time zone', () => {
  fc.assert(
    fc.property(
      policySources.map(policyOf),
      fc.constantFrom(...TIME_ZONES),
      fc.integer({ min: 0, max: 2 * 366 * 24 }),
      fc.nat({ max: 60 }),
      (policy, timeZone, hour, extendedDays) => {
        const anchor = new Date(Date.parse('2027-01-01') + hour * 60 * MINUTE_MS);
        const { stages } = datesOf({
          stages: policy.stages,
          anchor,
          extendedDays,
          timeZone,
          quietTimes: policy,
        });
        for (const [index, { nominalAt, dueAt }] of stages.entries()) {
          const before = stages[index - 1];
          expect(dueAt.getTime()).toBeGreaterThanOrEqual(nominalAt.getTime());
          expect(nominalAt.getTime()).toBeGreaterThanOrEqual((before?.nominalAt ?? anchor).getTime());
          expect(dueAt.getTime()).toBeGreaterThanOrEqual((before?.dueAt ?? anchor).getTime());
        }
      },
    ),
    seeded(500),
  );
});

test('hours by the clock and a day by the calendar do not change places in the night with 25 hours', () => {
  const policy = readDunningPolicy({
    version: 'mixed',
    stages: [
      { name: 'day', after: 'P1D', state: 'retrying', notice: 'reminder' },
      { name: 'hours', after: 'PT24H30M', state: 'written_off' },
    ],
  });
  const { stages } = datesOf({
    stages: policy.stages,
    anchor: new Date('2026-10-24T12:00Z'),
    extendedDays: 0,
    timeZone: 'Europe/Berlin',
    quietTimes: {},
  });
  expect(stages.map(({ nominalAt }) => nominalAt.toISOString())).toEqual(
    ['2026-10-25T13:00Z', '2026-10-25T13:00Z'].map(utc),
  );
});
