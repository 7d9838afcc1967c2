import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { histories, play, seeded } from './history.ts';
import { ALL_GUARANTEES, type Guarantees, Model } from './model.ts';

const HISTORIES = 10_000;

test('I1 I2 I3 I4 whatever is lost, doubled, reordered, late or killed: after the last event projection = Stripe', () => {
  fc.assert(
    fc.property(histories, (choices) => {
      const model = new Model();
      play(model, choices);
      expect(model.differences()).toEqual([]);
    }),
    seeded(HISTORIES),
  );
});

describe('the model can fail: without', () => {
  const names = Object.keys(ALL_GUARANTEES) as (keyof Guarantees)[];
  test.each(names)('%s some history goes wrong', (name) => {
    const result = fc.check(
      fc.property(histories, (choices) => {
        const model = new Model({ ...ALL_GUARANTEES, [name]: false });
        play(model, choices);
        return model.differences().length === 0;
      }),
      { numRuns: HISTORIES, seed: 1, endOnFailure: true },
    );
    expect(result.failed).toBe(true);
  });
});
