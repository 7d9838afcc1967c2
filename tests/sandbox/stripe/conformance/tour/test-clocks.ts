import { waitUntil } from '../../../../../sandbox/processes/wait-until.ts';
import type { Guide } from './guide.ts';

const day = 86_400;

/** A test clock with a subscription that is renewed. */
export async function tourTestClocks({ stripe }: Guide): Promise<void> {
  const frozen = 1_900_000_000;
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: frozen, name: 'Renewal' });
  await stripe.testHelpers.testClocks.list();
  await stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: frozen + day });
  const isReady = async () => (await stripe.testHelpers.testClocks.retrieve(clock.id)).status === 'ready';
  await waitUntil({ what: 'the clock is ready', check: isReady, limitMs: 10_000 });
  await stripe.testHelpers.testClocks.del(clock.id);
}
