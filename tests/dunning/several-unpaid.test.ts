import { describe, expect, test } from 'vitest';
import { useDunning } from './dunning-world.ts';
import { UnpaidCase } from './unpaid-case.ts';
import { aYearBefore, fail, newCustomer, openCase, startOfStory, subscribe } from './unpaid-customer.ts';

const world = await useDunning();

/** Days after the first invoice's failure at which the second one fails. */
const NEWER_DAY = 2;

/**
 * By the stage of the older invoice in which it is paid: what the newer one, two days younger, calls for then, what is
 * told of it at once, and what comes next, in days of the older one.
 */
const CASES = [
  {
    stage: 'reminder',
    day: 4,
    before: 'active',
    after: 'active',
    told: 'payment_failed',
    next: ['reminder', 5],
  },
  {
    stage: 'final-notice',
    day: 8,
    before: 'active',
    after: 'active',
    told: 'reminder',
    next: ['final_notice', 9],
  },
  {
    stage: 'restriction',
    day: 15,
    before: 'restricted',
    after: 'active',
    told: 'final_notice',
    next: ['restricted', 22],
  },
  {
    stage: 'suspension-notice',
    day: 24,
    before: 'restricted',
    after: 'restricted',
    told: 'restricted',
    next: ['final_notice', 25],
  },
  {
    stage: 'suspension',
    day: 31,
    before: 'suspended',
    after: 'restricted',
    told: 'final_notice',
    next: ['suspended', 38],
  },
  {
    stage: 'write-off-notice',
    day: 77,
    before: 'suspended',
    after: 'suspended',
    told: 'suspended',
    next: ['final_notice', 78],
  },
] as const;

describe('I11 the oldest invoice is paid while a newer one is open: access is eased to what that one calls for', () => {
  test.each(CASES)('paid in $stage: $before becomes $after', async ({ day, before, after, told, next }) => {
    const unpaid = await openCase(world);
    const newer = await unpaid.anotherInvoice(NEWER_DAY);
    await unpaid.reach(day);
    expect(await unpaid.access()).toBe(before);
    const told1 = await unpaid.told();
    await unpaid.pay();
    await unpaid.sync();
    expect(await unpaid.access()).toBe(after);
    expect(await unpaid.row()).toMatchObject({ anchor_invoice: newer, outcome: null, access: after });
    expect((await unpaid.told()).slice(told1.length)).toEqual([[told, day]]);
    await unpaid.reach(next[1] + 0.5);
    expect((await unpaid.told()).slice(told1.length)).toEqual([[told, day], [...next]]);
  });

  test('later stages follow the newer one’s dates, with their full warning, to its own write-off', async () => {
    const unpaid = await openCase(world);
    const newer = await unpaid.anotherInvoice(NEWER_DAY);
    await unpaid.reach(5);
    await unpaid.pay();
    await unpaid.sync();
    await unpaid.reach(NEWER_DAY + 90);
    expect(await unpaid.run.result()).toEqual({ outcome: 'written_off' });
    expect(await unpaid.told()).toEqual([
      ['payment_failed', 0],
      ['reminder', 3],
      // Of the newer one; its first notice would have come on day 2, its reminder is due now.
      ['reminder', 5],
      ['final_notice', 9],
      ['restricted', 16],
      ['final_notice', 25],
      ['suspended', 32],
      ['final_notice', 78],
    ]);
    expect((await world.stripe.invoices.retrieve(newer)).status).toBe('uncollectible');
    expect((await world.stripe.invoices.retrieve(unpaid.invoice)).status).toBe('paid');
  });

  test('the newer one is paid: nothing changes for the older one', async () => {
    const unpaid = await openCase(world);
    const newer = await unpaid.anotherInvoice(NEWER_DAY);
    await unpaid.reach(15);
    await unpaid.pay(newer);
    await unpaid.sync();
    expect(await unpaid.access()).toBe('restricted');
    expect(await unpaid.row()).toMatchObject({ anchor_invoice: unpaid.invoice, outcome: null });
    await unpaid.reach(24);
    expect((await unpaid.told()).at(-1)).toEqual(['final_notice', 23]);
  });

  test('both are paid: one receipt, and access is back', async () => {
    const unpaid = await openCase(world);
    const newer = await unpaid.anotherInvoice(NEWER_DAY);
    await unpaid.reach(15);
    await unpaid.pay();
    await unpaid.pay(newer);
    await unpaid.sync();
    expect(await unpaid.run.result()).toEqual({ outcome: 'recovered' });
    expect(await unpaid.access()).toBe('active');
    expect((await unpaid.told()).filter(([kind]) => kind === 'receipt')).toHaveLength(1);
  });
});

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
