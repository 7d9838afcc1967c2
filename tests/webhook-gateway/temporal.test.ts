import { expect, test } from 'vitest';
import { CALL_TIMEOUT_MS } from '../../client/tenancy-client.ts';
import { retryOptions } from '../../webhook-gateway/temporal.ts';

/** All of gRPC's. */
const CODES = Array.from({ length: 17 }, (_, code) => code);
const RETRIED = [2, 8, 10, 14];

const status = (code: number) => ({ code, details: '' }) as Parameters<typeof retryOptions.delayFunction>[1];

test('a checkout is answered soon after its time limit: no pause between two tries is long', () => {
  for (const code of CODES) {
    for (let attempt = 1; attempt < 30; attempt += 1)
      expect(retryOptions.delayFunction(attempt, status(code))).toBeLessThanOrEqual(600);
  }
});

test('the tries last until the time limit, so a Temporal that is away is told as away', () => {
  for (const code of RETRIED) {
    let lastMs = 0;
    for (let attempt = 1; retryOptions.retryableDecider(attempt, status(code)); attempt += 1)
      lastMs += retryOptions.delayFunction(attempt, status(code));
    expect(lastMs).toBeGreaterThan(CALL_TIMEOUT_MS);
  }
});
