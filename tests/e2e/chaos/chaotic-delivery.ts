import { setTimeout as delay } from 'node:timers/promises';
import type { System } from '../system.ts';
import { Dice } from './dice.ts';

/** Retries come soon, so that an outage is followed by them, and end soon, so that some events never arrive by themselves. */
const SETTINGS = { retryFirstMs: 200, retryFactor: 2, retryWaitMaxMs: 1_500, attemptsMax: 5 };
const PAUSE_MS = { min: 50, max: 300 };
const HOLD_MS_MAX = 700;
const STRUCK_MAX = 4;
const COPIES_MAX = 4;
const DELAY_MS_MAX = 2_500;
const SHUFFLE_WINDOW_MS_MAX = 400;
/** Events of the past that are sent once more, in another order. */
const RESENT_MAX = 8;

/**
 * Stripe's deliveries as they never should be: dropped, several times over, late, in another order, of changes that
 * have two events, and long after they were acknowledged.
 */
export async function deliverChaotically(options: {
  system: System;
  seed: number;
  signal: AbortSignal;
}): Promise<void> {
  const { control } = options.system.simulator;
  const dice = new Dice(options.seed, 'delivery');
  const times = () => dice.between(1, STRUCK_MAX);
  const disturbances: (() => Promise<unknown>)[] = [
    () => control.dropNext({ times: times() }),
    () => control.duplicateNext({ times: times(), copies: dice.between(2, COPIES_MAX) }),
    () => control.delayNext({ times: times(), delayMs: dice.between(50, DELAY_MS_MAX) }),
    () => control.emitTwice({ times: times() }),
    () =>
      control.shuffleDeliveries({
        seed: dice.between(1, 1_000),
        windowMs: dice.between(30, SHUFFLE_WINDOW_MS_MAX),
      }),
    () => control.stopShuffling(),
    async () => {
      await control.holdDeliveries();
      await delay(dice.between(1, HOLD_MS_MAX));
      await control.releaseDeliveries();
    },
    async () => {
      const past = await control.deliveries();
      const eventIds = dice
        .shuffled(past.slice(-100))
        .slice(0, RESENT_MAX)
        .map(({ eventId }) => eventId);
      await control.deliver({ eventIds });
    },
  ];
  await control.configureDeliveries(SETTINGS);
  while (!options.signal.aborted) {
    await dice.pick(disturbances)();
    await delay(dice.between(PAUSE_MS.min, PAUSE_MS.max));
  }
  await control.stopShuffling();
  await control.releaseDeliveries();
}
