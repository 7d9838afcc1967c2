import type { Recurring } from './catalog.ts';

const daySeconds = 86_400;

/**
 * The end of a billing period, in unix seconds. A month that is too short ends the period on its last day.
 */
export function periodEnd(startSeconds: number, recurring: Recurring): number {
  const count = recurring.interval_count;
  if (recurring.interval === 'day') return startSeconds + count * daySeconds;
  if (recurring.interval === 'week') return startSeconds + count * 7 * daySeconds;
  const start = new Date(startSeconds * 1_000);
  const months = start.getUTCMonth() + (recurring.interval === 'month' ? count : 12 * count);
  const end = new Date(start);
  end.setUTCDate(1);
  end.setUTCMonth(months);
  const lastDay = new Date(Date.UTC(end.getUTCFullYear(), end.getUTCMonth() + 1, 0)).getUTCDate();
  end.setUTCDate(Math.min(start.getUTCDate(), lastDay));
  return Math.floor(end.getTime() / 1_000);
}
