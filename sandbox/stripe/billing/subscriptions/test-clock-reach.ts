import type { TestClock } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { periodAround } from './periods.ts';
import { hasEnded, priceOf, subscriptionTable } from './subscription-state.ts';

/** So many intervals of the shortest subscription on it can a test clock be advanced at once. */
const intervalsMax = 2;
const twoYears = { interval: 'year', interval_count: 2 } as const;

/** The latest time that a test clock can be advanced to at once, in unix seconds; two years without a subscription. */
export function furthestAdvance(tx: Transaction, { id, frozen_time: from }: TestClock): number {
  const index = { name: 'test_clock', key: id };
  let furthest: number | null = null;
  for (const row of tx.table(subscriptionTable).oldestFirst({ index })) {
    if (hasEnded(row)) continue;
    for (const item of row.items) {
      const { recurring } = priceOf(tx, item);
      if (!recurring) continue;
      const interval_count = intervalsMax * recurring.interval_count;
      const { end } = periodAround(from, { ...recurring, interval_count }, from);
      furthest = Math.min(end, furthest ?? end);
    }
  }
  return furthest ?? periodAround(from, twoYears, from).end;
}
