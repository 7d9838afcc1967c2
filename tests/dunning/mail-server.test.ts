import { describe, expect, test } from 'vitest';
import { dunningPolicyFile } from '../../activities/dunning-policy-file.ts';
import { SEARCH_ATTRIBUTES } from '../../client/contract.ts';
import { useDunning } from './dunning-world.ts';
import type { UnpaidCase } from './unpaid-case.ts';
import { openCase } from './unpaid-customer.ts';

const world = await useDunning();
const { mailServer } = world;

/** The mail server is tried every hour in the end, so a policy of hours shows within a few tries what one of days does. */
const HOURS = dunningPolicyFile({
  version: 'hours',
  stages: [
    { name: 'failed', after: 'PT0S', state: 'retrying', notice: 'payment_failed' },
    { name: 'reminder', after: 'PT2H', state: 'action_required', notice: 'reminder' },
    { name: 'warning', after: 'PT4H', state: 'grace', notice: 'final_notice' },
    { name: 'lock', after: 'PT6H', state: 'restricted', notice: 'restricted', effect: 'restrict' },
    { name: 'last-warning', after: 'P10D', state: 'restricted', notice: 'final_notice' },
    { name: 'end', after: 'P20D', state: 'written_off', effect: 'write_off' },
  ],
});
const hours = (count: number) => count / 24;

describe('I11 the mail server is away for long', () => {
  test('then the notice that is due goes and no other, and effects wait for their full warning from there', async () => {
    world.settings.policy = HOURS;
    const unpaid = await openCase(world);
    await unpaid.reach(hours(1.5));
    mailServer.isAway = true;
    await unpaid.reach(hours(6.5));
    expect(await unpaid.access()).toBe('active');
    mailServer.isAway = false;
    await unpaid.reach(hours(7.2));
    expect((await unpaid.told()).map(([kind]) => kind)).toEqual(['payment_failed', 'final_notice']);
    await unpaid.reach(hours(8.4));
    expect(await unpaid.access()).toBe('active');
    await unpaid.reach(hours(9.3));
    expect(await unpaid.access()).toBe('restricted');
    expect((await unpaid.told()).map(([kind]) => kind)).toEqual([
      'payment_failed',
      'final_notice',
      'restricted',
    ]);
  });

  test('it is tried often at first, then every hour, for as long as it takes', async () => {
    const unpaid = await openCase(world, { isWoken: false });
    mailServer.isAway = true;
    await world.runs.wake(unpaid.subscription);
    await unpaid.reach(hours(1));
    expect(mailServer.tries).toBe(7);
    await unpaid.reach(hours(12));
    expect(mailServer.tries).toBeGreaterThanOrEqual(17);
    expect(mailServer.tries).toBeLessThanOrEqual(19);
    expect(await unpaid.progress()).toMatchObject({ waiting: 'mail_server', stage: 'payment-failed' });
    mailServer.isAway = false;
    await unpaid.reach(hours(13.1));
    expect((await unpaid.told()).map(([kind]) => kind)).toEqual(['payment_failed']);
  });

  test('nobody is restricted whose notice of it did not leave, and paid meanwhile nothing is told any more', async () => {
    const unpaid = await openCase(world);
    await unpaid.reach(13.9);
    mailServer.isAway = true;
    await unpaid.reach(14.3);
    expect(await unpaid.access()).toBe('active');
    expect(await unpaid.progress()).toMatchObject({ waiting: 'mail_server' });
    await unpaid.pay();
    mailServer.isAway = false;
    await unpaid.sync();
    expect(await unpaid.run.result()).toEqual({ outcome: 'recovered' });
    expect((await unpaid.told()).map(([kind]) => kind)).toEqual([
      'payment_failed',
      'reminder',
      'final_notice',
      'receipt',
    ]);
  });
});

describe('an address that takes nothing', () => {
  test('the tenant’s other address is told instead, each time', async () => {
    const unpaid = await openCase(world, { isWoken: false });
    const other = await otherAddress(unpaid);
    mailServer.refused.add(unpaid.customer.email);
    await world.runs.wake(unpaid.subscription);
    await unpaid.reach(3);
    expect(await unpaid.told()).toEqual([
      ['payment_failed', 0],
      ['reminder', 3],
    ]);
    expect(new Set(mailServer.taken.map(({ to }) => to))).toEqual(new Set([other]));
  });

  test('I11 when none takes it, the case waits for an operator, who finds it and what to do; access stays', async () => {
    const unpaid = await openCase(world, { isWoken: false });
    mailServer.refused.add(unpaid.customer.email);
    await world.runs.wake(unpaid.subscription);
    await world.runs.quiet();
    expect(await unpaid.row()).toMatchObject({ is_unreachable: true });
    expect(await unpaid.progress()).toMatchObject({ waiting: 'unreachable' });
    expect(await stateOf(unpaid)).toEqual(['waiting']);
    expect(await detailsOf(unpaid)).toMatch(
      /Waits for an operator.*Correct the customer’s address.*--name resume/s,
    );
    await unpaid.reach(100);
    expect(await unpaid.told()).toEqual([]);
    expect(await unpaid.access()).toBe('active');
    expect(await unpaid.row()).toMatchObject({ outcome: null });
  });

  test('with a corrected address it goes on after `resume`, and each effect has its full warning from then on', async () => {
    const unpaid = await openCase(world, { isWoken: false });
    mailServer.refused.add(unpaid.customer.email);
    await world.runs.wake(unpaid.subscription);
    await unpaid.reach(35);
    const corrected = await otherAddress(unpaid);
    await unpaid.order('resume');
    expect(await unpaid.told()).toEqual([['final_notice', 35]]);
    expect(mailServer.taken.map(({ to }) => to)).toEqual([corrected]);
    expect(await stateOf(unpaid)).toEqual(['running']);
    expect(await unpaid.row()).toMatchObject({ is_unreachable: false });
    await unpaid.reach(41.9);
    expect(await unpaid.access()).toBe('active');
    await unpaid.reach(42.1);
    expect(await unpaid.access()).toBe('restricted');
  });

  test('resumed in time, the very notice that failed is sent', async () => {
    const unpaid = await openCase(world, { isWoken: false });
    mailServer.refused.add(unpaid.customer.email);
    await world.runs.wake(unpaid.subscription);
    await unpaid.reach(1);
    await otherAddress(unpaid);
    await unpaid.order('resume');
    await unpaid.reach(3);
    expect(await unpaid.told()).toEqual([
      ['payment_failed', 1],
      ['reminder', 3],
    ]);
  });

  test('resumed without a corrected address, it waits again', async () => {
    const unpaid = await openCase(world, { isWoken: false });
    mailServer.refused.add(unpaid.customer.email);
    await world.runs.wake(unpaid.subscription);
    await unpaid.reach(1);
    await unpaid.order('resume');
    expect(await unpaid.progress()).toMatchObject({ waiting: 'unreachable' });
    expect(await stateOf(unpaid)).toEqual(['waiting']);
  });

  test('I11 paid while it waits, it ends without a word', async () => {
    const unpaid = await openCase(world, { isWoken: false });
    mailServer.refused.add(unpaid.customer.email);
    await world.runs.wake(unpaid.subscription);
    await unpaid.reach(5);
    mailServer.refused.clear();
    await unpaid.pay();
    await unpaid.sync();
    expect(await unpaid.run.result()).toEqual({ outcome: 'recovered' });
    expect(await unpaid.told()).toEqual([]);
  });
});

/** Gives the tenant another address than the one that pays in Stripe. */
async function otherAddress(unpaid: UnpaidCase): Promise<string> {
  const other = `office-${unpaid.customer.email}`;
  await world.pool.query('update tenants set email = $2 where tenant = $1', [unpaid.customer.tenant, other]);
  return other;
}

async function stateOf(unpaid: UnpaidCase): Promise<unknown> {
  const { searchAttributes } = await unpaid.run.describe();
  return searchAttributes[SEARCH_ATTRIBUTES.tenantryState];
}

/** What the Temporal UI shows of the run. */
async function detailsOf(unpaid: UnpaidCase): Promise<string> {
  const metadata = await unpaid.run.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  return metadata.currentDetails ?? '';
}
