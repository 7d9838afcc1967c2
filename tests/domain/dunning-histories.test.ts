import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seeded } from '../convergence/history.ts';
import { histories, play } from '../dunning-histories/history.ts';
import { WEAKNESSES } from '../dunning-histories/weaknesses.ts';
import { INVARIANTS, type Invariant } from '../dunning-histories/witness.ts';

const HISTORIES = 10_000;
/** Half a minute of one processor's time; on a busy machine it takes its time. */
const TIME_MAX_MS = 300_000;
/** A weakness shows within so many; most within ten. */
const WEAK_HISTORIES_MAX = 5_000;

test(
  'I11 whatever fails, is paid, paused, changed, lost or late: every invariant of dunning holds and every case ends',
  () => {
    fc.assert(
      fc.property(histories, (history) => {
        expect(play(history).witness.violations).toEqual([]);
      }),
      seeded(HISTORIES),
    );
  },
  TIME_MAX_MS,
);

describe('the witness sees it: without', () => {
  test.each(WEAKNESSES)('$without some history goes wrong ($reddens)', (weakness) => {
    const result = fc.check(
      fc.property(histories, (history) => {
        const { violations } = play(history, weakness).witness;
        return violations.every(({ invariant }) => invariant !== weakness.reddens);
      }),
      { numRuns: WEAK_HISTORIES_MAX, seed: 1, endOnFailure: true },
    );
    // Not by an error of the model itself.
    expect(result.errorInstance).toMatchObject({ message: 'Property failed by returning false' });
  });

  test('every invariant has a weakness that turns it red', () => {
    const reddened = new Set(WEAKNESSES.map(({ reddens }) => reddens));
    const names = Object.keys(INVARIANTS) as Invariant[];
    expect(names.filter((name) => !reddened.has(name))).toEqual([]);
  });
});
