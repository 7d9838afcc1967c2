import { describe, expect, test } from 'vitest';
import { dunningPolicyFile } from '../../activities/dunning-policy-file.ts';
import { useDunning } from './dunning-world.ts';
import { openCase } from './unpaid-customer.ts';

const world = await useDunning();

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

describe('a run that begins anew on an open case goes on where it stood', () => {
  test('because its history grew long', async () => {
    const unpaid = await openCase(world);
    await unpaid.reach(8);
    const { runId } = await unpaid.run.describe();
    // The server suggests it from 4 MiB on.
    world.hooks.padding = 'x'.repeat(1_500_000);
    for (let wakes = 0; wakes < 4; wakes += 1) {
      const looks = world.hooks.callsOf('lookAtDunning').length;
      await world.runs.wake(unpaid.subscription);
      await expect.poll(() => world.hooks.callsOf('lookAtDunning').length).toBeGreaterThan(looks);
    }
    world.hooks.padding = undefined;
    await expect.poll(async () => (await unpaid.run.describe()).runId).not.toBe(runId);
    await unpaid.reach(14);
    expect(await unpaid.told()).toEqual([
      ['payment_failed', 0],
      ['reminder', 3],
      ['final_notice', 7],
      ['restricted', 14],
    ]);
    expect(await unpaid.access()).toBe('restricted');
  });

  test('because somebody ended it', async () => {
    const unpaid = await openCase(world);
    await unpaid.reach(8);
    await unpaid.run.terminate('by mistake');
    await unpaid.reach(12);
    await world.runs.wake(unpaid.subscription);
    await unpaid.reach(14);
    expect(await unpaid.told()).toEqual([
      ['payment_failed', 0],
      ['reminder', 3],
      ['final_notice', 7],
      ['restricted', 14],
    ]);
  });

  test('a command that is sent again to the new run is not carried out twice', async () => {
    const unpaid = await openCase(world);
    await unpaid.order('extend', { days: 5, updateId: 'once' });
    await unpaid.run.terminate('by mistake');
    await world.runs.wake(unpaid.subscription);
    await world.runs.quiet();
    await unpaid.order('extend', { days: 5, updateId: 'once' });
    expect(await unpaid.commands()).toHaveLength(1);
    await unpaid.reach(8);
    expect((await unpaid.told()).at(-1)).toEqual(['reminder', 8]);
  });
});

test('I11 each activity is run twice, because its first answer is lost: nothing is told or done twice', async () => {
  const unpaid = await openCase(world, { isWoken: false });
  world.hooks.losesFirstAnswers = true;
  await world.runs.wake(unpaid.subscription);
  for (const day of [3, 7, 14, 23, 30, 76, 90]) await unpaid.reach(day);
  expect(await unpaid.run.result()).toEqual({ outcome: 'written_off' });
  expect(await unpaid.told()).toEqual([
    ['payment_failed', 0],
    ['reminder', 3],
    ['final_notice', 7],
    ['restricted', 14],
    ['final_notice', 23],
    ['suspended', 30],
    ['final_notice', 76],
  ]);
  const story = await unpaid.story();
  expect(new Set(story).size).toBe(story.length);
});

test('a look that ends a case says how it ended, also when it is tried again', async () => {
  const unpaid = await openCase(world, { isWoken: false });
  world.hooks.losesFirstAnswers = true;
  await world.control.setSubscriptionStatus(unpaid.subscription, 'canceled');
  await world.runs.wake(unpaid.subscription);
  expect(await unpaid.run.result()).toEqual({ outcome: 'canceled' });
});

test('a receipt is sent once, also when its sending is tried again', async () => {
  const unpaid = await openCase(world);
  world.hooks.losesFirstAnswers = true;
  await unpaid.pay();
  await unpaid.sync();
  await unpaid.run.result();
  expect((await unpaid.told()).map(([kind]) => kind)).toEqual(['payment_failed', 'receipt']);
});
