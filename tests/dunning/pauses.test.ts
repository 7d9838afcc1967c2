import { describe, expect, test } from 'vitest';
import { useDunning } from './dunning-world.ts';
import { openCase } from './unpaid-customer.ts';

const world = await useDunning();

describe('I11 a pause over several stages', () => {
  test('nothing is told meanwhile, one notice afterwards, and each effect has its full warning from then on', async () => {
    const unpaid = await openCase(world);
    await unpaid.reach(1);
    await unpaid.order('pause', { until: unpaid.at(20).toISOString() });
    await unpaid.reach(19.9);
    expect(await unpaid.told()).toEqual([['payment_failed', 0]]);
    expect(await unpaid.access()).toBe('active');
    await unpaid.reach(26.9);
    expect(await unpaid.told()).toEqual([
      ['payment_failed', 0],
      ['final_notice', 20],
    ]);
    expect(await unpaid.access()).toBe('active');
    await unpaid.reach(27);
    expect(await unpaid.access()).toBe('restricted');
    await unpaid.reach(33.9);
    expect(await unpaid.access()).toBe('restricted');
    await unpaid.reach(34.1);
    expect(await unpaid.access()).toBe('suspended');
    expect((await unpaid.told()).map(([kind]) => kind)).toEqual([
      'payment_failed',
      'final_notice',
      'final_notice',
      'suspended',
    ]);
  });

  test('resumed before its end, the case goes on then', async () => {
    const unpaid = await openCase(world);
    await unpaid.reach(1);
    await unpaid.order('pause', { until: unpaid.at(60).toISOString() });
    await unpaid.reach(10);
    expect(await unpaid.progress()).toMatchObject({ waiting: 'paused' });
    await unpaid.order('resume');
    expect(await unpaid.told()).toEqual([
      ['payment_failed', 0],
      ['final_notice', 10],
    ]);
    await unpaid.reach(16.9);
    expect(await unpaid.access()).toBe('active');
    await unpaid.reach(17.1);
    expect(await unpaid.access()).toBe('restricted');
  });

  test('paid meanwhile, it ends at once', async () => {
    const unpaid = await openCase(world);
    await unpaid.reach(15);
    await unpaid.order('pause', { until: unpaid.at(60).toISOString() });
    expect(await unpaid.access()).toBe('restricted');
    await unpaid.pay();
    await unpaid.sync();
    expect(await unpaid.run.result()).toEqual({ outcome: 'recovered' });
    expect(await unpaid.access()).toBe('active');
  });

  test('a warning that was sent before it still counts: the effect comes with its end, not before', async () => {
    const unpaid = await openCase(world);
    await unpaid.reach(8);
    await unpaid.order('pause', { until: unpaid.at(20).toISOString() });
    await unpaid.reach(19.9);
    expect(await unpaid.access()).toBe('active');
    await unpaid.reach(20);
    expect(await unpaid.access()).toBe('restricted');
  });
});

describe('put off by days', () => {
  test('every stage to come is that much later', async () => {
    const unpaid = await openCase(world);
    await unpaid.reach(1);
    await unpaid.order('extend', { days: 10 });
    for (const day of [13, 17, 24]) await unpaid.reach(day);
    expect(await unpaid.told()).toEqual([
      ['payment_failed', 0],
      ['reminder', 13],
      ['final_notice', 17],
      ['restricted', 24],
    ]);
  });

  test('twice, both count', async () => {
    const unpaid = await openCase(world);
    await unpaid.order('extend', { days: 2 });
    await unpaid.order('extend', { days: 3 });
    await unpaid.reach(8);
    expect((await unpaid.told()).at(-1)).toEqual(['reminder', 8]);
  });
});

describe('a stage left out', () => {
  test('the next one, where none is named', async () => {
    const unpaid = await openCase(world);
    await unpaid.reach(1);
    await unpaid.order('skipStage');
    await unpaid.reach(7);
    expect(await unpaid.told()).toEqual([
      ['payment_failed', 0],
      ['final_notice', 7],
    ]);
  });

  test('an effect by its name: what it would have done is never done', async () => {
    const unpaid = await openCase(world);
    await unpaid.reach(8);
    await unpaid.order('skipStage', { stage: 'restriction' });
    await unpaid.reach(22);
    expect(await unpaid.access()).toBe('active');
    await unpaid.reach(30);
    expect(await unpaid.access()).toBe('suspended');
  });

  test('a notice by its name: its effect keeps the warning of the one before', async () => {
    const unpaid = await openCase(world);
    await unpaid.reach(4);
    await unpaid.order('skipStage', { stage: 'final-notice' });
    await unpaid.reach(13.9);
    expect(await unpaid.access()).toBe('active');
    await unpaid.reach(14);
    expect(await unpaid.access()).toBe('restricted');
    expect((await unpaid.told()).map(([kind]) => kind)).toEqual(['payment_failed', 'reminder', 'restricted']);
  });
});
