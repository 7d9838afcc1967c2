import { describe, expect, test } from 'vitest';
import { dunningPolicyFile } from '../../activities/dunning-policy-file.ts';
import { useDunning } from './dunning-world.ts';
import { openCase } from './unpaid-customer.ts';

const world = await useDunning();

const HOUR_MS = 60 * 60 * 1_000;
const ZONE = 'Europe/Berlin';
/** Told and done from eight to eight on workdays. */
const POLICY = dunningPolicyFile({
  version: 'workdays',
  time_zone: 'UTC',
  quiet_hours: { from: '20:00', to: '08:00' },
  weekdays: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'],
  stages: [
    { name: 'failed', after: 'PT0S', state: 'retrying', notice: 'payment_failed' },
    { name: 'reminder', after: 'P1D', state: 'action_required', notice: 'reminder' },
    { name: 'warning', after: 'P4D', state: 'grace', notice: 'final_notice' },
    { name: 'lock', after: 'P8D', state: 'restricted', notice: 'restricted', effect: 'restrict' },
    { name: 'last-warning', after: 'P15D', state: 'restricted', notice: 'final_notice' },
    { name: 'end', after: 'P30D', state: 'written_off', effect: 'write_off' },
  ],
});

/** Clocks in Berlin change in the night to the last Sunday of these months. */
describe.each([
  { month: 2, change: 'forward', shiftHours: -1 },
  { month: 9, change: 'back', shiftHours: 1 },
])('I11 in the tenant’s time zone, over a change of the clock $change', ({ month, shiftHours }) => {
  test('each notice comes at the hour it would have had, and only when it may', async () => {
    world.settings.policy = POLICY;
    const friday = await fridayBefore(month);
    await world.reach(friday);
    const unpaid = await openCase(world, { isWoken: false });
    await world.pool.query('update tenants set time_zone = $2 where tenant = $1', [
      unpaid.customer.tenant,
      ZONE,
    ]);
    await world.runs.wake(unpaid.subscription);
    await unpaid.reach(1);
    // Saturday: the reminder of the first day waits for Monday, eight o'clock there.
    expect(await unpaid.told()).toHaveLength(1);
    for (const day of [3, 5, 10, 18]) await unpaid.reach(day);
    expect(localTimes()).toEqual([
      ['Friday', '14'],
      ['Monday', '08'],
      ['Tuesday', '14'],
      ['Monday', '08'],
      ['Monday', '08'],
    ]);
    // The same hour there is another one by UTC.
    const [failed, , warning] = world.mailServer.taken.map(({ at }) => at.getTime());
    const elapsedHours = ((warning ?? 0) - (failed ?? 0)) / HOUR_MS;
    expect(Math.round(elapsedHours)).toBe(4 * 24 + shiftHours);
    expect(await unpaid.access()).toBe('restricted');
  });
});

/** Two in the afternoon there, two days before the last Sunday of the month, the next time that it comes. */
async function fridayBefore(month: number): Promise<Date> {
  const now = await world.now();
  for (let year = now.getUTCFullYear(); ; year += 1) {
    const last = new Date(Date.UTC(year, month + 1, 0));
    const sunday = last.getUTCDate() - last.getUTCDay();
    // Winter time before the change in spring, summer time before the one in autumn.
    const friday = new Date(Date.UTC(year, month, sunday - 2, month === 2 ? 13 : 12));
    if (friday > now) return friday;
  }
}

/** Weekday and hour of each mail in the tenant's time zone. */
function localTimes(): [string, string][] {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: ZONE,
    weekday: 'long',
    hour: '2-digit',
    hour12: false,
  });
  return world.mailServer.taken.map(({ at }) => {
    const parts = format.formatToParts(at);
    const part = (type: string) => parts.find((each) => each.type === type)?.value ?? '';
    return [part('weekday'), part('hour')];
  });
}
