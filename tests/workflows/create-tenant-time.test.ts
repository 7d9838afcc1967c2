import { expect, test } from 'vitest';
import { Failure } from '../../domain/failures.ts';
import type { Interruption } from './interruptions.ts';
import { command, newPurchase, send, stepOf, untilWaiting } from './purchase-fixture.ts';
import { useWorkflows } from './workflow-fixture.ts';

const workflows = await useWorkflows({ clock: 'skips' });
const { environment } = workflows;
const HOUR_MS = 60 * 60 * 1000;

test('a step waits 30 days for an operator, and then ends well', async () => {
  const { world, input, start } = newPurchase(workflows);
  const handle = await start({ ...input, stripe_subscription_id: 'sub_wrong' });
  await untilWaiting(handle, 'import_subscription');
  const tries = world.callsOf('importSubscriptions').length;
  await environment.sleep('30 days');
  expect(await stepOf(handle, 'import_subscription')).toMatchObject({ state: 'waiting' });
  expect(world.callsOf('importSubscriptions')).toHaveLength(tries);
  const right = { stripe_subscription_id: input.stripe_subscription_id };
  await send(handle, 'amend', { ...command('import_subscription'), ...right });
  expect(await handle.result()).toMatchObject({ licensed_user_count: 10 });
});

test.each([
  { activity: 'createTenant', failure: 'DatabaseUnavailable' },
  { activity: 'tagCustomer', failure: 'StripeUnavailable' },
] as const)(
  '3 hours of $failure in $activity are waited out, with a try at least every 30 s',
  async ({ activity, failure }) => {
    const { world, start } = newPurchase(workflows);
    const end = (await environment.currentTimeMs()) + 3 * HOUR_MS;
    let now = 0;
    const untilTheEnd: Interruption = async (effect) => {
      now = await environment.currentTimeMs();
      if (now >= end) return effect();
      world.interrupt(activity, untilTheEnd);
      throw new Failure(failure, 'Away');
    };
    world.interrupt(activity, untilTheEnd);
    expect(await (await start()).result()).toMatchObject({ licensed_user_count: 10 });
    expect(now).toBeLessThan(end + 60_000);
    expect(world.callsOf(activity).length).toBeGreaterThanOrEqual((3 * HOUR_MS) / 30_000);
    expect(world.keysOf(activity)).toHaveLength(1);
  },
);

test('when Stripe says how long to wait, the next try comes then', async () => {
  const { world, start } = newPurchase(workflows);
  const tries: number[] = [];
  const timed =
    (refuses: boolean): Interruption =>
    async (effect) => {
      tries.push(await environment.currentTimeMs());
      if (refuses) throw new Failure('StripeRateLimited', 'Slow down', { retryAfterMs: HOUR_MS });
      return effect();
    };
  world.interrupt('tagCustomer', timed(true), timed(false));
  await (await start()).result();
  expect((tries[1] ?? 0) - (tries[0] ?? 0)).toBeGreaterThanOrEqual(HOUR_MS);
});
