import { describe, expect, test, vi } from 'vitest';
import { dunningPolicyFile } from '../../activities/dunning-policy-file.ts';
import { useDunning } from './dunning-world.ts';
import type { UnpaidCase } from './unpaid-case.ts';
import { openCase } from './unpaid-customer.ts';

const world = await useDunning();
const { hooks, mailServer } = world;

/** The built-in policy's, with the days after which they come. */
const BUILT_IN = [
  { stage: 'payment-failed', day: 0, notice: 'payment_failed' },
  { stage: 'reminder', day: 3, notice: 'reminder' },
  { stage: 'final-notice', day: 7, notice: 'final_notice' },
  { stage: 'restriction', day: 14, notice: 'restricted' },
  { stage: 'suspension-notice', day: 23, notice: 'final_notice' },
  { stage: 'suspension', day: 30, notice: 'suspended' },
  { stage: 'write-off-notice', day: 76, notice: 'final_notice' },
];

/** One of each kind, so that each moment of each can be looked at. */
const SHORT = [
  { stage: 'failed', day: 0, state: 'retrying', notice: 'payment_failed' },
  { stage: 'warning', day: 1, state: 'grace', notice: 'final_notice' },
  { stage: 'lock', day: 3, state: 'restricted', notice: 'restricted', effect: 'restrict' },
  { stage: 'stop', day: 6, state: 'suspended', notice: 'suspended', effect: 'suspend' },
];
const SHORT_POLICY = dunningPolicyFile({
  version: 'short',
  stages: [
    ...SHORT.map(({ stage, day, ...what }) => ({ name: stage, after: `P${day}D`, ...what })),
    { name: 'end', after: 'P9D', state: 'written_off', effect: 'write_off' },
  ],
});

/** Where within a stage the money comes; `arrange` is done right before the stage is due. */
const MOMENTS: [moment: string, { isTold: boolean; arrange: (unpaid: UnpaidCase) => void }][] = [
  [
    'in the instant in which it is due',
    { isTold: false, arrange: (unpaid) => hooks.before('lookAtDunning', () => unpaid.pay()) },
  ],
  ['between what Stripe said and what is written', { isTold: false, arrange: afterStripeWasAsked }],
  [
    'after it was entered and before its mail',
    { isTold: false, arrange: (unpaid) => hooks.before('deliverDunningNotice', () => unpaid.pay()) },
  ],
  [
    'while its mail is being sent',
    { isTold: true, arrange: (unpaid) => mailServer.during(() => unpaid.pay()) },
  ],
  [
    'after its mail and before what else it does',
    { isTold: true, arrange: (unpaid) => hooks.after('deliverDunningNotice', () => unpaid.pay()) },
  ],
  [
    'after its mail, between what Stripe said and what else is done',
    {
      isTold: true,
      arrange: (unpaid) => hooks.after('deliverDunningNotice', async () => afterStripeWasAsked(unpaid)),
    },
  ],
];

const LATER_DAYS = 100;

describe('I11 paid, a case ends at once: access is there, and nothing is told any more but one receipt', () => {
  for (const [index, { stage, day }] of SHORT.entries()) {
    test.each(MOMENTS)(`paid at ${stage}, %s`, async (_, { isTold, arrange }) => {
      world.settings.policy = SHORT_POLICY;
      const unpaid = await openCase(world, { isWoken: false });
      if (day > 0) {
        await world.runs.wake(unpaid.subscription);
        await unpaid.reach(day - 0.01);
      }
      arrange(unpaid);
      if (day === 0) await world.runs.wake(unpaid.subscription);
      await unpaid.reach(day);
      await expectRecovered(unpaid, SHORT.slice(0, isTold ? index + 1 : index));
      // What the stage would have done has not been done.
      expect(await unpaid.story()).not.toContain(`effect_applied ${stage}`);
    });
  }

  test.each(BUILT_IN.map((stage, index) => ({ ...stage, index })))(
    'paid between $stage and what comes next',
    async ({ day, index }) => {
      const unpaid = await openCase(world);
      await unpaid.reach(day + 0.9);
      await unpaid.pay();
      await unpaid.sync();
      await expectRecovered(unpaid, BUILT_IN.slice(0, index + 1));
    },
  );

  test('paid before anybody looked, nothing is ever told', async () => {
    const unpaid = await openCase(world, { isWoken: false });
    await unpaid.pay();
    await world.runs.wake(unpaid.subscription);
    await world.runs.quiet();
    await expectRecovered(unpaid, []);
  });

  test('paid in the instant of the write-off, nothing is written off', async () => {
    world.settings.policy = SHORT_POLICY;
    const unpaid = await openCase(world);
    await unpaid.reach(8);
    hooks.before('writeOffInvoices', () => unpaid.pay());
    await unpaid.reach(9);
    await expectRecovered(unpaid, SHORT);
    expect((await world.stripe.invoices.retrieve(unpaid.invoice)).status).toBe('paid');
  });

  test('paid before the look that would write it off, nothing is written off', async () => {
    world.settings.policy = SHORT_POLICY;
    const unpaid = await openCase(world);
    await unpaid.reach(8);
    hooks.before('lookAtDunning', () => unpaid.pay());
    await unpaid.reach(9);
    await expectRecovered(unpaid, SHORT);
  });
});

test('I11 paid after it was written off, access is back', async () => {
  world.settings.policy = SHORT_POLICY;
  const unpaid = await openCase(world);
  await unpaid.reach(9);
  expect(await unpaid.access()).toBe('suspended');
  await unpaid.pay();
  await unpaid.sync(unpaid.invoice);
  expect(await unpaid.access()).toBe('active');
  await unpaid.reach(LATER_DAYS);
  expect((await unpaid.told()).map(([kind]) => kind)).toEqual(SHORT.map(({ notice }) => notice));
});

test('I11 access is back with the sync that sees the payment, though the run has not looked yet', async () => {
  world.settings.policy = SHORT_POLICY;
  const unpaid = await openCase(world);
  await unpaid.reach(7);
  expect(await unpaid.access()).toBe('suspended');
  await unpaid.pay();
  expect(await world.look(unpaid.customer.id)).toEqual([unpaid.subscription]);
  expect(await unpaid.access()).toBe('active');
});

/** The payment, and the sync that its event brings, fall between a look's question to Stripe and its transaction. */
function afterStripeWasAsked(unpaid: UnpaidCase): void {
  const { invoices } = world.stripe;
  const ask = invoices.retrieve.bind(invoices);
  vi.spyOn(invoices, 'retrieve').mockImplementationOnce(async (...question) => {
    const answer = await ask(...question);
    await unpaid.pay();
    await world.look(unpaid.customer.id);
    return answer;
  });
}

async function expectRecovered(unpaid: UnpaidCase, told: readonly { notice: string }[]): Promise<void> {
  expect(await unpaid.run.result()).toEqual({ outcome: 'recovered' });
  expect(await unpaid.access()).toBe('active');
  const day = (await world.now()).getTime() - unpaid.since.getTime();
  await unpaid.reach(day / 86_400_000 + LATER_DAYS);
  await unpaid.sync(unpaid.invoice);
  const receipt = told.length > 0 ? ['receipt'] : [];
  expect((await unpaid.told()).map(([kind]) => kind)).toEqual([
    ...told.map(({ notice }) => notice),
    ...receipt,
  ]);
  expect(await unpaid.access()).toBe('active');
}
