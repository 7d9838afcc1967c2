import { describe, expect, test } from 'vitest';
import { dunningPolicyFile } from '../../activities/dunning-policy-file.ts';
import { useDunning } from './dunning-world.ts';
import { openCase } from './unpaid-customer.ts';

const world = await useDunning();

const DAY_SECONDS = 86_400;
const MINUTE_MS = 60_000;

/** What the built-in policy tells when, in days since the first failure. */
const TOLD = [
  ['payment_failed', 0],
  ['reminder', 3],
  ['final_notice', 7],
  ['restricted', 14],
  ['final_notice', 23],
  ['suspended', 30],
  ['final_notice', 76],
];

test('I11 from the first failure to the write-off each notice comes once and in order, and no effect before its own', async () => {
  // Stripe retries meanwhile, and leaves the subscription past due in the end.
  await world.control.configureBilling({ retryAfterSeconds: [3, 5, 6].map((days) => days * DAY_SECONDS) });
  const unpaid = await openCase(world);
  const access: [day: number, state: string][] = [];
  for (const day of [0, 3, 7, 13, 14, 23, 29, 30, 76, 89]) {
    await unpaid.reach(day);
    await world.stripeReaches(new Date(unpaid.at(day).getTime() + MINUTE_MS));
    await unpaid.sync();
    access.push([day, await unpaid.access()]);
    expect(await unpaid.told()).toEqual(TOLD.filter(([, told]) => Number(told) <= day));
  }
  expect(access).toEqual([
    [0, 'active'],
    [3, 'active'],
    [7, 'active'],
    [13, 'active'],
    [14, 'restricted'],
    [23, 'restricted'],
    [29, 'restricted'],
    [30, 'suspended'],
    [76, 'suspended'],
    [89, 'suspended'],
  ]);
  expect((await world.stripe.invoices.retrieve(unpaid.invoice)).attempt_count).toBe(4);
  await unpaid.reach(90);
  expect(await unpaid.run.result()).toEqual({ outcome: 'written_off' });
  expect((await world.stripe.invoices.retrieve(unpaid.invoice)).status).toBe('uncollectible');
  expect(await unpaid.told()).toEqual(TOLD);
  expect(await unpaid.access()).toBe('suspended');
});

test('the rows of a case tell all of it: stages, notices, effects and the end', async () => {
  const unpaid = await openCase(world);
  for (const day of [3, 7, 14, 23, 30, 76, 90]) await unpaid.reach(day);
  expect(await unpaid.row()).toMatchObject({
    state: 'written_off',
    stage: 'write-off',
    access: 'suspended',
    anchor_invoice: unpaid.invoice,
    outcome: 'written_off',
    version: 'built-in-1',
    is_unreachable: false,
  });
  const stages = [
    'payment-failed',
    'reminder',
    'final-notice',
    'restriction',
    'suspension-notice',
    'suspension',
    'write-off-notice',
  ];
  expect(await unpaid.steps()).toEqual([
    ...stages.map((stage) => ({
      stage,
      anchor_invoice: unpaid.invoice,
      is_applied: true,
      notice: 'sent',
    })),
    { stage: 'write-off', anchor_invoice: unpaid.invoice, is_applied: true, notice: null },
  ]);
  const told = (stage: string) => [`stage_entered ${stage}`, `notice_sent ${stage}`];
  expect(await unpaid.story()).toEqual([
    'opened',
    'followed',
    ...told('payment-failed'),
    ...told('reminder'),
    ...told('final-notice'),
    ...told('restriction'),
    'effect_applied restriction',
    ...told('suspension-notice'),
    ...told('suspension'),
    'effect_applied suspension',
    ...told('write-off-notice'),
    'stage_entered write-off',
    'effect_applied write-off',
    'closed written_off',
  ]);
});

test('what a notice says will happen when is when it happens', async () => {
  const unpaid = await openCase(world);
  await unpaid.reach(7);
  const { rows } = await world.pool.query<{ payload: { next: { at: string; effect: string }[] } }>(
    `select payload from notifications where tenant = $1 and kind = 'final_notice'`,
    [unpaid.customer.tenant],
  );
  const days = rows[0]?.payload.next.map(({ at, effect }) => [
    effect,
    Math.round((new Date(at).getTime() - unpaid.since.getTime()) / 86_400_000),
  ]);
  expect(days).toEqual([
    ['restrict', 14],
    ['suspend', 30],
    ['write_off', 90],
  ]);
  await unpaid.reach(14);
  expect(await unpaid.access()).toBe('restricted');
});

const BRIEF = dunningPolicyFile({
  version: 'brief',
  stages: [
    { name: 'failed', after: 'PT0S', state: 'retrying', notice: 'payment_failed' },
    { name: 'warning', after: 'P1D', state: 'grace', notice: 'final_notice' },
    { name: 'lock', after: 'P2D', state: 'restricted', notice: 'restricted', effect: 'restrict' },
    { name: 'last-warning', after: 'P20D', state: 'restricted', notice: 'final_notice' },
    { name: 'end', after: 'P30D', state: 'written_off', effect: 'write_off' },
  ],
});

test('a policy that is changed while cases are open: they keep their own, new ones begin with the new one', async () => {
  const first = await openCase(world);
  await first.reach(1);
  world.settings.policy = BRIEF;
  const second = await openCase(world);
  await second.reach(2.1);
  expect(await second.told()).toEqual([
    ['payment_failed', 0],
    ['final_notice', 1],
    ['restricted', 2],
  ]);
  expect(await second.row()).toMatchObject({ version: 'brief', access: 'restricted' });
  await first.reach(14);
  expect(await first.told()).toEqual([
    ['payment_failed', 0],
    ['reminder', 3],
    ['final_notice', 7],
    ['restricted', 14],
  ]);
  expect(await first.row()).toMatchObject({ version: 'built-in-1' });
});

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
