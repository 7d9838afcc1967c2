import { describe, expect, test } from 'vitest';
import { useDunning } from './dunning-world.ts';
import { openCase } from './unpaid-customer.ts';

// Nothing is kept between two workflow tasks, so no task waits for a worker that is gone.
const world = await useDunning({ workerOptions: { maxCachedWorkflows: 0 } });

describe('I11 no worker for two weeks', () => {
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
