import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ListingRange, partsOf, restOf, spanOf, wholeRange } from '../../domain/listing-ranges.ts';

const NOW_S = 1_800_000_000;

/** Of any length from one second on, at its beginning or in its middle. */
const anyRange = fc
  .tuple(fc.nat(50), fc.nat(500), fc.option(fc.nat(50)), fc.integer({ min: 1, max: 30 }))
  .map(([from, length, read, pace]): ListingRange => {
    const before = from + length + 1;
    if (read === null) return { from, before, after: null, reached: before, pace: null };
    return { from, before, after: 'sub_1', reached: Math.max(from, before - 1 - read), pace };
  });

/** The seconds in which there may be something that was not listed yet. */
function secondsLeft({ from, before, reached }: ListingRange): number[] {
  const last = Math.min(reached, before - 1);
  return Array.from({ length: Math.max(0, last - from + 1) }, (_, second) => from + second);
}

test('all that there is until now is in the whole range, its own second too', () => {
  const whole = wholeRange(NOW_S);
  expect(whole).toMatchObject({ before: NOW_S + 1, after: null });
  expect(whole.from).toBeLessThan(Date.UTC(2011, 8) / 1000);
});

test('the parts of a range have all its seconds, each once, and both are shorter', () => {
  fc.assert(
    fc.property(anyRange, (range) => {
      const parts = partsOf(range);
      const left = secondsLeft(range);
      if (parts === null) {
        expect(range.pace === null || left.length <= 4 * range.pace + 1).toBe(true);
        return;
      }
      const [younger, older] = parts;
      expect([...secondsLeft(older), ...secondsLeft(younger)]).toEqual(left);
      expect(secondsLeft(older).length).toBeGreaterThan(0);
      expect(secondsLeft(younger).length).toBeGreaterThan(0);
      expect(spanOf(older) + spanOf(younger)).toBe(spanOf(range));
    }),
  );
});

test('the younger part is of 25 pages by the pace of the last one, the older one begins anew', () => {
  const parts = partsOf({ from: 0, before: 1_001, after: 'sub_600', reached: 600, pace: 4 });
  expect(parts).toEqual([
    { from: 501, before: 1_001, after: 'sub_600', reached: 600, pace: 4 },
    { from: 0, before: 501, after: null, reached: 501, pace: null },
  ]);
});

test('where fewer than 50 pages are left, both parts have half of the time', () => {
  expect(partsOf({ from: 0, before: 100, after: 'sub_60', reached: 60, pace: 4 })).toEqual([
    { from: 30, before: 100, after: 'sub_60', reached: 60, pace: 4 },
    { from: 0, before: 30, after: null, reached: 30, pace: null },
  ]);
});

test('what is left of a range begins after the last object of its page', () => {
  const range = { from: 0, before: 100, after: null, reached: 100, pace: null };
  const last = { id: 'sub_40', createdS: 40 };
  expect(restOf(range, { count: 100, last, hasMore: true })).toEqual({
    from: 0,
    before: 100,
    after: 'sub_40',
    reached: 40,
    pace: 59,
  });
});

test.each([
  ['the last page', { count: 3, last: { id: 'sub_1', createdS: 1 }, hasMore: false }],
  ['an empty page', { count: 0, last: null, hasMore: false }],
])('after %s nothing is left', (_, page) => {
  expect(restOf({ from: 0, before: 100, after: null, reached: 100, pace: null }, page)).toBeNull();
});
