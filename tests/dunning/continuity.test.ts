import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { useDunning } from './dunning-world.ts';
import { openCase } from './unpaid-customer.ts';

const world = await useDunning();

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

describe('I11 no worker for two weeks', () => {
  // Nothing is kept between two workflow tasks, so no task waits for a worker that is gone.
  beforeAll(() => world.restartWorkers({ maxCachedWorkflows: 0 }));
  afterAll(() => world.restartWorkers({}));

  test('what was missed is not sent at once: the current stage only, and its effects with their full warning', async () => {
    const unpaid = await openCase(world);
    await unpaid.reach(0.5);
    await world.withoutWorkers(unpaid.at(14.5));
    expect(await unpaid.told()).toEqual([
      ['payment_failed', 0],
      ['final_notice', 14.5],
    ]);
    expect(await unpaid.access()).toBe('active');
    await unpaid.reach(21.4);
    expect(await unpaid.access()).toBe('active');
    await unpaid.reach(21.6);
    expect(await unpaid.access()).toBe('restricted');
    await unpaid.reach(30.1);
    expect(await unpaid.access()).toBe('suspended');
    expect((await unpaid.told()).slice(2)).toEqual([
      ['restricted', 21.5],
      ['final_notice', 23],
      ['suspended', 30],
    ]);
  });

  test('warned before it, an effect whose time came meanwhile is applied after its own mail', async () => {
    const unpaid = await openCase(world);
    await unpaid.reach(7.1);
    await world.withoutWorkers(unpaid.at(21));
    expect((await unpaid.told()).slice(3)).toEqual([['restricted', 21]]);
    expect(await unpaid.access()).toBe('restricted');
    expect((await unpaid.story()).slice(-3)).toEqual([
      'stage_entered restriction',
      'notice_sent restriction',
      'effect_applied restriction',
    ]);
  });

  test('paid meanwhile, nothing is told but the receipt', async () => {
    const unpaid = await openCase(world);
    await unpaid.reach(7.1);
    await unpaid.pay();
    await world.withoutWorkers(unpaid.at(21));
    expect(await unpaid.run.result()).toEqual({ outcome: 'recovered' });
    expect((await unpaid.told()).slice(3)).toEqual([['receipt', 21]]);
  });
});
