import type { Client } from '@temporalio/client';
import { expect, test } from 'vitest';
import { TemporalUnavailable, withinDeadline } from '../../client/temporal-unavailable.ts';

/** A connection that pays no heed to its deadline, as the SDK's between two tries. */
const heedless = {
  connection: { withDeadline: (_: number, call: () => Promise<unknown>) => call() },
} as unknown as Client;

test('a call that outlives its deadline is given up', async () => {
  const answer = withinDeadline(heedless, 20, () => new Promise(() => undefined));
  await expect(answer).rejects.toThrow(new TemporalUnavailable('Temporal did not answer within 20 ms'));
});

test('what a call throws after it was given up is nobody’s any more', async () => {
  let fail: (error: Error) => void = () => undefined;
  const call = () =>
    new Promise<never>((_, reject) => {
      fail = reject;
    });
  await expect(withinDeadline(heedless, 20, call)).rejects.toThrow(TemporalUnavailable);
  // An unhandled rejection fails the run.
  fail(new Error('too late'));
  await new Promise(setImmediate);
});
