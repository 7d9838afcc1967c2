import { setTimeout as delay } from 'node:timers/promises';
import type { System } from '../system.ts';
import { Dice } from './dice.ts';

const PAUSE_MS = { min: 100, max: 800 };
const STRUCK_MAX = 4;
const SLOW_MS_MAX = 2_000;
const KINDS = [
  'rate_limit',
  'lock_timeout',
  'bad_gateway',
  'error_before',
  'lost_answer',
  'cut_body',
  'slow',
] as const;
/** What a sync reads; the store's own requests are others. */
const PATHS = ['/v1/subscriptions', '/v1/customers/*', '/v1/products/*', '/v1/prices'] as const;

/** Stripe's answers to the worker as they are on a bad day. */
export async function answerBadly(options: {
  system: System;
  seed: number;
  signal: AbortSignal;
}): Promise<void> {
  const { control } = options.system.simulator;
  const dice = new Dice(options.seed, 'faults');
  while (!options.signal.aborted) {
    await control.injectFault({
      method: 'GET',
      path: dice.pick(PATHS),
      kind: dice.pick(KINDS),
      times: dice.between(1, STRUCK_MAX),
      delayMs: dice.between(50, SLOW_MS_MAX),
    });
    await delay(dice.between(PAUSE_MS.min, PAUSE_MS.max));
  }
  await control.clearFaults();
}
