import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 50;

/**
 * Polls a condition until it holds. A check that throws counts as "not yet"; its last error is the cause of the failure.
 *
 * @throws Error when the condition does not hold within `limitMs`, or the signal's reason when it is aborted
 */
export async function waitUntil(options: {
  what: string;
  check: () => boolean | Promise<boolean>;
  limitMs: number;
  pollMs?: number;
  signal?: AbortSignal;
}): Promise<void> {
  const { what, check, limitMs, pollMs = POLL_MS, signal } = options;
  const deadline = performance.now() + limitMs;
  let lastError: unknown;
  while (performance.now() < deadline) {
    signal?.throwIfAborted();
    try {
      if (await check()) return;
    } catch (error) {
      lastError = error;
    }
    await delay(pollMs);
  }
  throw new Error(`${what}: not within ${limitMs} ms`, { cause: lastError });
}
