import { describe, expect, it } from 'vitest';
import { iso, onlyItem, seconds, startStage } from './stage.ts';

/** When it begins, the price's interval, and when the next periods end. */
const anchors = [
  [
    '31 January stays on the last day',
    '2027-01-31',
    'month',
    ['2027-02-28', '2027-03-31', '2027-04-30', '2027-05-31'],
  ],
  ['31 January of a leap year', '2028-01-31', 'month', ['2028-02-29', '2028-03-31', '2028-04-30']],
  ['30 January passes the short month', '2027-01-30', 'month', ['2027-02-28', '2027-03-30', '2027-04-30']],
  ['29 January of a leap year', '2028-01-29', 'month', ['2028-02-29', '2028-03-29']],
  [
    '31 December over the turn of the year',
    '2027-12-31',
    'month',
    ['2028-01-31', '2028-02-29', '2028-03-31'],
  ],
  ['29 February each year', '2028-02-29', 'year', ['2029-02-28', '2030-02-28', '2031-02-28', '2032-02-29']],
  ['30 November, quarterly', '2027-11-30', 'quarter', ['2028-02-29', '2028-05-30', '2028-08-30']],
  ['a week', '2027-12-29', 'week', ['2028-01-05', '2028-01-12']],
  ['a day', '2028-02-28', 'day', ['2028-02-29', '2028-03-01']],
] as const;
const recurring = {
  day: { interval: 'day' },
  week: { interval: 'week' },
  month: { interval: 'month' },
  quarter: { interval: 'month', interval_count: 3 },
  year: { interval: 'year' },
} as const;

describe('Periods', () => {
  it.each(anchors)('%s (%s, each %s)', async (_title, start, interval, ends) => {
    const { advance, read, stripe, subscribe } = await startStage({ at: `${start}T15:30:00Z` });
    const price = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 900,
      recurring: recurring[interval],
      product_data: { name: 'Support' },
    });
    const { id } = await subscribe({ items: [{ price: price.id }] });
    const periods: string[] = [];
    for (const end of ends) {
      periods.push(iso(onlyItem(await read(id)).current_period_end));
      await advance(`${end}T15:30:00Z`);
    }
    expect(periods).toEqual(ends.map((end) => `${end}T15:30:00Z`));
    expect((await read(id)).billing_cycle_anchor).toBe(seconds(`${start}T15:30:00Z`));
    const lines = await stripe.invoices.list({ subscription: id, limit: 100 });
    const starts = lines.data.map((invoice) => iso(invoice.lines.data[0]?.period.start ?? 0)).reverse();
    expect(starts).toEqual([start, ...ends].map((day) => `${day}T15:30:00Z`));
  });
});
