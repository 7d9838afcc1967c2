import { describe, expect, test } from 'vitest';
import { dunningPolicyFile } from '../../activities/dunning-policy-file.ts';
import { useDunning } from './dunning-world.ts';
import { openCase } from './unpaid-customer.ts';

const world = await useDunning();

/** A policy that ends with a cancellation, whose own stage tells of it. */
const CANCELING = dunningPolicyFile({
  version: 'canceling',
  stages: [
    { name: 'failed', after: 'PT0S', state: 'retrying', notice: 'payment_failed' },
    { name: 'warning', after: 'P5D', state: 'grace', notice: 'final_notice' },
    { name: 'end', after: 'P10D', state: 'canceled', notice: 'canceled', effect: 'cancel' },
  ],
});

/** The same, whose last stage tells nothing itself. */
const SILENT = dunningPolicyFile({
  version: 'canceling-silently',
  stages: [
    { name: 'failed', after: 'PT0S', state: 'retrying', notice: 'payment_failed' },
    { name: 'warning', after: 'P5D', state: 'grace', notice: 'final_notice' },
    { name: 'end', after: 'P10D', state: 'canceled', effect: 'cancel' },
  ],
});

test('I11 Stripe cancels an unpaid subscription: the customer is told once', async () => {
  const unpaid = await openCase(world);
  await unpaid.reach(8);
  await world.control.setSubscriptionStatus(unpaid.subscription, 'canceled');
  await unpaid.sync();
  expect(await unpaid.run.result()).toEqual({ outcome: 'canceled' });
  await unpaid.sync(unpaid.invoice);
  await unpaid.reach(100);
  expect((await unpaid.told()).map(([kind]) => kind)).toEqual([
    'payment_failed',
    'reminder',
    'final_notice',
    'canceled',
  ]);
  expect(await unpaid.access()).toBe('canceled');
});

describe('a customer who cancels needs no mail of ours about it', () => {
  test('between two stages', async () => {
    const unpaid = await openCase(world);
    await unpaid.reach(8);
    await world.stripe.subscriptions.cancel(unpaid.subscription);
    await unpaid.sync();
    expect(await unpaid.run.result()).toEqual({ outcome: 'canceled' });
    await unpaid.reach(100);
    expect((await unpaid.told()).map(([kind]) => kind)).toEqual([
      'payment_failed',
      'reminder',
      'final_notice',
    ]);
  });

  test('nor while a stage has not done yet what it is for', async () => {
    const unpaid = await openCase(world);
    await unpaid.reach(13.9);
    world.mailServer.isAway = true;
    await unpaid.reach(14);
    await world.stripe.subscriptions.cancel(unpaid.subscription);
    world.mailServer.isAway = false;
    await unpaid.sync();
    expect(await unpaid.run.result()).toEqual({ outcome: 'canceled' });
    expect((await unpaid.told()).map(([kind]) => kind)).toEqual([
      'payment_failed',
      'reminder',
      'final_notice',
    ]);
  });
});

describe('a policy that cancels', () => {
  test.each([CANCELING, SILENT])('$version: cancels in Stripe too, and tells of it once', async (policy) => {
    world.settings.policy = policy;
    const unpaid = await openCase(world);
    await unpaid.reach(9);
    expect(await unpaid.access()).toBe('active');
    await unpaid.reach(10);
    expect(await unpaid.run.result()).toEqual({ outcome: 'canceled' });
    expect((await world.stripe.subscriptions.retrieve(unpaid.subscription)).status).toBe('canceled');
    await unpaid.sync(unpaid.invoice);
    await unpaid.reach(20);
    expect(await unpaid.told()).toEqual([
      ['payment_failed', 0],
      ['final_notice', 5],
      ['canceled', 10],
    ]);
    expect(await unpaid.access()).toBe('canceled');
    expect(await unpaid.row()).toMatchObject({ state: 'canceled', outcome: 'canceled' });
  });

  test('I11 paid in the instant of the cancellation, nothing is canceled', async () => {
    world.settings.policy = SILENT;
    const unpaid = await openCase(world);
    await unpaid.reach(9);
    world.hooks.before('cancelUnpaid', () => unpaid.pay());
    await unpaid.reach(10);
    expect(await unpaid.run.result()).toEqual({ outcome: 'recovered' });
    expect((await world.stripe.subscriptions.retrieve(unpaid.subscription)).status).toBe('active');
    expect((await unpaid.told()).map(([kind]) => kind)).toEqual([
      'payment_failed',
      'final_notice',
      'receipt',
    ]);
  });
});

test('a deleted customer’s case ends, and nothing is sent any more', async () => {
  const unpaid = await openCase(world);
  await unpaid.reach(8);
  const before = await unpaid.told();
  await world.stripe.customers.del(unpaid.customer.id);
  await unpaid.sync();
  expect(await unpaid.run.result()).toEqual({ outcome: 'canceled' });
  await unpaid.reach(100);
  expect(await unpaid.told()).toEqual(before);
});

test('a run without a case ends at once', async () => {
  const unpaid = await openCase(world, { isWoken: false });
  await unpaid.pay();
  await world.runs.wake(unpaid.subscription);
  await unpaid.run.result();
  await world.runs.wake(unpaid.subscription);
  expect(await unpaid.run.result()).toEqual({ outcome: null });
});
