import { describe, expect, test } from 'vitest';
import type { FailureName } from '../../domain/failures.ts';
import type { ActivityName, FakeWorld } from './fake-world.ts';
import { failAfter, failBefore, type Interruption, loseAnswer } from './interruptions.ts';
import { newPurchase, type PurchaseFixture } from './purchase-fixture.ts';
import { useWorkflows } from './workflow-fixture.ts';

const workflows = await useWorkflows({ clock: 'skips' });

/** Each step's activity, and the failure that passes by itself which it meets in practice. */
const STEPS: { activity: ActivityName; failure: FailureName }[] = [
  { activity: 'verifyPurchase', failure: 'StripeUnavailable' },
  { activity: 'createTenant', failure: 'DatabaseUnavailable' },
  { activity: 'importSubscriptions', failure: 'StaleSnapshot' },
  { activity: 'sendInvitation', failure: 'MailServerUnavailable' },
  { activity: 'tagCustomer', failure: 'StripeObjectLocked' },
  { activity: 'tagSubscriptions', failure: 'StripeRateLimited' },
  { activity: 'claimEvents', failure: 'DatabaseUnavailable' },
  { activity: 'wakeBillingSync', failure: 'StripeUnavailable' },
];

const FAULTS: { fault: string; interruptions: (failure: FailureName) => Interruption[] }[] = [
  { fault: 'fails before its effect', interruptions: (failure) => [failBefore(failure)] },
  { fault: 'fails after its effect', interruptions: (failure) => [failAfter(failure)] },
  { fault: 'loses its answer', interruptions: () => [loseAnswer()] },
  {
    fault: 'meets all of it in a row',
    interruptions: (failure) => [failBefore(failure), loseAnswer(), failAfter(failure), failBefore(failure)],
  },
];

const CASES = STEPS.flatMap((step) => FAULTS.map((fault) => ({ ...step, ...fault })));

describe('I6: createTenant ends with one tenant and one effect of each step', () => {
  test.each(CASES)('when $activity $fault', async ({ activity, failure, interruptions }) => {
    const purchase = newPurchase(workflows);
    const { world } = purchase;
    world.parkedEvents = 1;
    const faults = interruptions(failure);
    world.interrupt(activity, ...faults);
    const { tenant, licensed_user_count } = await (await purchase.start()).result();
    expect(licensed_user_count).toBe(10);
    expect([...world.tenants.keys()]).toEqual([tenant]);
    expect(world.callsOf(activity).map((call) => call.attempt)).toEqual(
      Array.from({ length: faults.length + 1 }, (_, tries) => tries + 1),
    );
    expectOneEffectOfEach(world, purchase);
  });

  test('when every step fails three times', async () => {
    const purchase = newPurchase(workflows);
    for (const { activity, failure } of STEPS) {
      purchase.world.interrupt(activity, failBefore(failure), failAfter(failure), failBefore(failure));
    }
    purchase.world.parkedEvents = 1;
    await (await purchase.start()).result();
    expectOneEffectOfEach(purchase.world, purchase);
  });
});

test('I7: every try of a write to Stripe has the same key and the same parameters', async () => {
  const { world, start } = newPurchase(workflows);
  for (const activity of ['tagCustomer', 'tagSubscriptions'] as const) {
    world.interrupt(activity, failBefore('StripeUnavailable'), failAfter('StripeUnavailable'));
  }
  await (await start()).result();
  for (const activity of ['tagCustomer', 'tagSubscriptions'] as const) {
    const [first, ...others] = world.callsOf(activity).map((call) => call.input);
    expect(others).toEqual([first, first]);
  }
});

function expectOneEffectOfEach(world: FakeWorld, { input, workflowId }: PurchaseFixture): void {
  const [tenant] = world.tenants.keys();
  const customer = input.stripe_customer_id;
  expect(new Set(world.effects)).toEqual(
    new Set([
      { activity: 'createTenant', key: workflowId },
      { activity: 'importSubscriptions', key: customer },
      { activity: 'sendInvitation', key: tenant },
      { activity: 'tagCustomer', key: `${workflowId}/tag_customer/${customer}` },
      { activity: 'tagSubscriptions', key: `${workflowId}/tag_subscription/${input.stripe_subscription_id}` },
      { activity: 'claimEvents', key: customer },
    ]),
  );
  expect(world.mails).toEqual([{ tenant, to: input.email }]);
  expect(new Set(world.woken)).toEqual(new Set([customer]));
}
