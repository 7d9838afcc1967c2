import { defineTable } from './table.ts';
import type { Transaction } from './transaction.ts';

/** A clock that stands still until a request advances it; customers that are made on it live by its time. */
export interface TestClock {
  readonly id: string;
  readonly object: 'test_helpers.test_clock';
  readonly created: number;
  readonly deletes_after: number;
  readonly frozen_time: number;
  readonly livemode: false;
  readonly name: string | null;
  readonly status: 'advancing' | 'ready';
  readonly status_details: { readonly advancing?: { readonly target_frozen_time: number } };
}

export const testClockTable = defineTable<TestClock>({
  noun: 'testclock',
  indexes: { status: (row) => row.status },
  due: (row) => ({ at: row.deletes_after, clock: null }),
});

/**
 * The time by which an object lives, in unix seconds: its test clock's, or the account's.
 * @param clock a test clock's id; null for none
 */
export function timeOf(tx: Transaction, clock: string | null): number {
  return clock === null ? tx.now : (tx.get(testClockTable, clock)?.frozen_time ?? tx.now);
}

/** An advancing clock comes to a moment at which something is due. @param at unix seconds */
export function reachMoment(tx: Transaction, id: string, at: number): void {
  const clock = tx.get(testClockTable, id);
  if (clock) tx.put(testClockTable, { ...clock, frozen_time: at });
}

/** An advancing clock has done all that was due, and stands at its target. */
export function finishAdvance(tx: Transaction, id: string): void {
  const clock = tx.get(testClockTable, id);
  const target = clock?.status_details.advancing?.target_frozen_time;
  if (!clock || target === undefined) return;
  const ready = tx.put(testClockTable, {
    ...clock,
    frozen_time: target,
    status: 'ready',
    status_details: {},
  });
  tx.emit('test_helpers.test_clock.ready', ready);
}
