import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addInUtc, type IsoDuration, parseIsoDuration, subtractInUtc } from '../../domain/iso-duration.ts';
import { seeded } from '../convergence/history.ts';

const NOTHING: IsoDuration = { years: 0, months: 0, weeks: 0, days: 0, hours: 0, minutes: 0, seconds: 0 };

describe('a duration is read by its parts', () => {
  test.each<[string, Partial<IsoDuration>]>([
    ['P3D', { days: 3 }],
    ['PT0S', {}],
    ['P0D', {}],
    ['P2W', { weeks: 2 }],
    ['P1Y2M3W4DT5H6M7S', { years: 1, months: 2, weeks: 3, days: 4, hours: 5, minutes: 6, seconds: 7 }],
    ['P1M', { months: 1 }],
    ['PT1M', { minutes: 1 }],
    ['PT36H', { hours: 36 }],
    ['PT0.5S', { seconds: 0.5 }],
    ['PT1,25S', { seconds: 1.25 }],
    ['P999999999D', { days: 999_999_999 }],
  ])('%s', (text, parts) => {
    expect(parseIsoDuration(text)).toEqual({ ...NOTHING, ...parts });
  });
});

test.each([
  '',
  'P',
  'PT',
  'P1',
  '3D',
  'p3d',
  'P-3D',
  '-P3D',
  'P3D ',
  'P1DT',
  'P1.5D',
  'PT1.5H',
  'PT1.S',
  'PT0.1234S',
  'P1D1M',
  'PT1S1M',
  'P1H',
  'P1234567890D',
  '3 days',
])('“%s” is no duration', (text) => {
  expect(parseIsoDuration(text)).toBeUndefined();
});

describe('in UTC', () => {
  test.each([
    ['2026-01-31T12:00:00Z', 'P1M', '2026-02-28T12:00:00.000Z'],
    ['2028-01-31T12:00:00Z', 'P1M', '2028-02-29T12:00:00.000Z'],
    ['2026-12-31T23:59:59Z', 'P2M', '2027-02-28T23:59:59.000Z'],
    ['2028-02-29T00:00:00Z', 'P1Y', '2029-02-28T00:00:00.000Z'],
    ['2026-01-31T12:00:00Z', 'P1M1D', '2026-03-01T12:00:00.000Z'],
    ['2026-03-28T12:00:00Z', 'P1D', '2026-03-29T12:00:00.000Z'],
    ['2026-01-01T00:00:00Z', 'P1Y2M1W1DT1H1M1.5S', '2027-03-09T01:01:01.500Z'],
    ['2026-11-30T00:00:00Z', 'P15M', '2028-02-29T00:00:00.000Z'],
  ])('%s and %s is %s', (instant, text, sum) => {
    expect(addInUtc(new Date(instant), parseIsoDuration(text) ?? NOTHING).toISOString()).toBe(sum);
  });

  test('every day has 24 hours and every week seven days, and the instant itself is not changed', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
        fc.nat({ max: 1_000 }),
        fc.nat({ max: 100 }),
        (instant, days, hours) => {
          const ms = instant.getTime();
          expect(addInUtc(instant, { ...NOTHING, days, hours }).getTime()).toBe(
            ms + (days * 24 + hours) * 3_600_000,
          );
          expect(addInUtc(instant, { ...NOTHING, weeks: days })).toEqual(
            addInUtc(instant, { ...NOTHING, days: days * 7 }),
          );
          expect(instant.getTime()).toBe(ms);
        },
      ),
      seeded(200),
    );
  });

  test('a month later is in the next month, on the same day or on its last', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
        fc.nat({ max: 40 }),
        (instant, months) => {
          const later = addInUtc(instant, { ...NOTHING, months });
          const counted = (each: Date) => each.getUTCFullYear() * 12 + each.getUTCMonth();
          expect(counted(later) - counted(instant)).toBe(months);
          const isLastDay = new Date(later.getTime() + 86_400_000).getUTCDate() === 1;
          expect(later.getUTCDate() === instant.getUTCDate() || isLastDay).toBe(true);
        },
      ),
      seeded(200),
    );
  });
});

test('what was subtracted of weeks, days and less comes back when it is added', () => {
  const part = fc.integer({ min: 0, max: 1_000 });
  const duration = fc.record({
    years: fc.constant(0),
    months: fc.constant(0),
    weeks: part,
    days: part,
    hours: part,
    minutes: part,
    seconds: part,
  });
  const instant = fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true });
  fc.assert(
    fc.property(instant, duration, (from, by) => {
      expect(addInUtc(subtractInUtc(from, by), by)).toEqual(from);
      expect(subtractInUtc(from, by).getTime()).toBeLessThanOrEqual(from.getTime());
    }),
    seeded(500),
  );
});

test('a month before the last of March is the last of February', () => {
  const month = { ...NOTHING, months: 1 };
  expect(subtractInUtc(new Date('2026-03-31T12:00:00Z'), month)).toEqual(new Date('2026-02-28T12:00:00Z'));
  expect(subtractInUtc(new Date('2026-01-15T12:00:00Z'), month)).toEqual(new Date('2025-12-15T12:00:00Z'));
});
