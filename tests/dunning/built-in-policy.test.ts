import { expect, test } from 'vitest';
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
