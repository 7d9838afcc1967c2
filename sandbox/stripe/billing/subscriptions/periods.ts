import type { Recurring } from '../catalog/catalog.ts';

const daySeconds = 86_400;
/** Only for a first guess; the calendar decides. */
const averageMonthSeconds = 2_629_746;

/** How long a period is. */
type Rhythm = Pick<Recurring, 'interval' | 'interval_count'>;

/** A stretch of time in unix seconds; its end is the start of the next one. */
export interface Period {
  readonly start: number;
  readonly end: number;
}

/**
 * The billing period that a moment lies in. Periods are counted from the anchor, before and after it, so that one
 * anchored on the 31st ends on the last day of a shorter month and on the 31st again after it.
 * @param at unix seconds; a moment at which one period ends and the next starts belongs to the next
 */
export function periodAround(anchor: number, recurring: Rhythm, at: number): Period {
  let index = Math.floor((at - anchor) / averageSeconds(recurring));
  while (boundary(anchor, recurring, index) > at) index--;
  while (boundary(anchor, recurring, index + 1) <= at) index++;
  return { start: boundary(anchor, recurring, index), end: boundary(anchor, recurring, index + 1) };
}

/** Whether two prices are billed at the same rhythm. */
export function hasSameInterval(one: Rhythm, other: Rhythm): boolean {
  return one.interval === other.interval && one.interval_count === other.interval_count;
}

/** The start of the period with this index; that of the anchor is 0. */
function boundary(anchor: number, recurring: Rhythm, index: number): number {
  const count = index * recurring.interval_count;
  if (recurring.interval === 'day') return anchor + count * daySeconds;
  if (recurring.interval === 'week') return anchor + count * 7 * daySeconds;
  return monthsLater(anchor, recurring.interval === 'month' ? count : 12 * count);
}

/** The same day and time so many months later; the last day of a month that is too short for it. */
function monthsLater(anchor: number, months: number): number {
  const start = new Date(anchor * 1_000);
  const moved = new Date(start);
  moved.setUTCDate(1);
  moved.setUTCMonth(start.getUTCMonth() + months);
  const lastDay = new Date(Date.UTC(moved.getUTCFullYear(), moved.getUTCMonth() + 1, 0)).getUTCDate();
  moved.setUTCDate(Math.min(start.getUTCDate(), lastDay));
  return Math.floor(moved.getTime() / 1_000);
}

function averageSeconds({ interval, interval_count: count }: Rhythm): number {
  if (interval === 'day') return count * daySeconds;
  if (interval === 'week') return count * 7 * daySeconds;
  return count * (interval === 'month' ? 1 : 12) * averageMonthSeconds;
}
