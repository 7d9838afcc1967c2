import { expect, test } from 'vitest';
import { useDunning } from './dunning-world.ts';
import { UnpaidCase } from './unpaid-case.ts';
import { aYearBefore, fail, newCustomer, startOfStory, subscribe } from './unpaid-customer.ts';

const world = await useDunning();

const DAY_MS = 24 * 60 * 60 * 1_000;
/** When each of the three renews, in days after the first. */
const RENEWS = [0, 8, 20];

test('three subscriptions of a tenant in different stages: access is the harshest, and each that is paid shows the next', async () => {
  const start = await startOfStory(world);
  const [suspended, restricted, reminded] = await threeUnpaid(start);
  if (suspended === undefined || restricted === undefined || reminded === undefined)
    throw new Error('not three');
  await world.reach(dayAfter(start, 31));
  expect(
    await Promise.all([suspended, restricted, reminded].map(async (each) => (await each.row()).access)),
  ).toEqual(['suspended', 'restricted', 'active']);
  expect(await reminded.access()).toBe('suspended');
  await suspended.pay();
  await suspended.sync();
  expect(await reminded.access()).toBe('restricted');
  await restricted.pay();
  await restricted.sync();
  expect(await reminded.access()).toBe('active');
  // The one that is left goes its own way.
  await world.reach(dayAfter(start, 35));
  expect(await reminded.access()).toBe('restricted');
  await reminded.pay();
  await reminded.sync();
  expect(await reminded.access()).toBe('active');
  for (const each of [suspended, restricted, reminded]) {
    expect(await each.run.result()).toEqual({ outcome: 'recovered' });
    expect((await each.told()).at(-1)?.[0]).toBe('receipt');
  }
});

test('a case of one subscription is not touched by the payment of another', async () => {
  const start = await startOfStory(world);
  const [first, second] = await threeUnpaid(start);
  if (first === undefined || second === undefined) throw new Error('not two');
  await second.pay();
  await second.sync();
  await world.reach(dayAfter(start, 31));
  expect(await first.row()).toMatchObject({ access: 'suspended', outcome: null });
  expect(await second.row()).toMatchObject({ outcome: 'recovered' });
  expect((await second.told()).map(([kind]) => kind)).not.toContain('restricted');
});

/** One customer with three subscriptions, whose renewals fail one after the other. */
async function threeUnpaid(start: Date): Promise<UnpaidCase[]> {
  await world.stripeReaches(aYearBefore(start));
  const customer = await newCustomer(world);
  const subscriptions: string[] = [];
  for (const day of RENEWS) {
    await world.stripeReaches(dayAfter(aYearBefore(start), day));
    subscriptions.push((await subscribe(world, customer)).subscription);
  }
  await fail(world, customer);
  const cases: UnpaidCase[] = [];
  for (const [index, day] of RENEWS.entries()) {
    await world.reach(dayAfter(start, day));
    await world.stripeReaches(dayAfter(start, day + 0.001));
    await world.sync(customer.id);
    cases.push(await UnpaidCase.of(world, customer, subscriptions[index] ?? ''));
  }
  return cases;
}

function dayAfter(instant: Date, days: number): Date {
  return new Date(instant.getTime() + days * DAY_MS + 60_000);
}
