import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ATTEMPTS_MAX,
  afterFailedAttempt,
  WAKE_GRACE_MS,
  wakeAgainInMs,
} from '../../domain/event-attempts.ts';
import { FAILURES, isFinal } from '../../domain/failures.ts';

const SWEEP_INTERVAL_MS = 30_000;
const DAY_MS = 86_400_000;
const LONG_AGO_MS = DAY_MS;
const FIRST = { failedAttempts: 0, sinceFailureMs: null };

describe('an event whose attempt failed for good', () => {
  test('I3, I12 has four attempts with growing pauses, and then it is failed', () => {
    const reached = Array.from({ length: ATTEMPTS_MAX }, (_, failedAttempts) =>
      afterFailedAttempt(
        { failedAttempts, sinceFailureMs: failedAttempts === 0 ? null : LONG_AGO_MS },
        'DatabaseRefused',
      ),
    );
    expect(reached).toEqual([
      { status: 'received', retryInMs: 30_000 },
      { status: 'received', retryInMs: 60_000 },
      { status: 'received', retryInMs: 120_000 },
      { status: 'failed' },
    ]);
  });

  test('I3 is failed within five minutes, with a sweep every 30 s', () => {
    let atMs = 0;
    let event: Parameters<typeof afterFailedAttempt>[0] = FIRST;
    for (;;) {
      const after = afterFailedAttempt(event, 'Unexpected');
      if (after.status !== 'received') break;
      atMs = Math.ceil((atMs + after.retryInMs + 1) / SWEEP_INTERVAL_MS) * SWEEP_INTERVAL_MS;
      event = { failedAttempts: event.failedAttempts + 1, sinceFailureMs: after.retryInMs + 1 };
    }
    expect(atMs).toBeLessThanOrEqual(5 * 60_000);
  });

  test('is not counted before its pause is over: a burst of other events can’t use its attempts up', () => {
    expect(afterFailedAttempt({ failedAttempts: 1, sinceFailureMs: 29_999 }, 'Unexpected')).toEqual({
      status: 'unchanged',
    });
    expect(afterFailedAttempt({ failedAttempts: 1, sinceFailureMs: 30_000 }, 'Unexpected')).toEqual({
      status: 'received',
      retryInMs: 60_000,
    });
    expect(afterFailedAttempt({ failedAttempts: 3, sinceFailureMs: 1_000 }, 'Unexpected')).toEqual({
      status: 'unchanged',
    });
  });

  test('is failed at once only where no attempt can help: a session that names nobody', () => {
    const names = Object.keys(FAILURES) as (keyof typeof FAILURES)[];
    const atOnce = names.filter(
      (name) => isFinal(name) && afterFailedAttempt(FIRST, name).status === 'failed',
    );
    expect(atOnce).toEqual(['InvalidInput']);
    expect(afterFailedAttempt({ failedAttempts: 1, sinceFailureMs: 0 }, 'InvalidInput')).toEqual({
      status: 'failed',
    });
  });

  test('I3 never waits for ever, however many attempts a row says it had', () => {
    fc.assert(
      fc.property(fc.nat(1_000), (failedAttempts) => {
        const after = afterFailedAttempt({ failedAttempts, sinceFailureMs: LONG_AGO_MS }, 'Unexpected');
        expect(after.status).toBe(failedAttempts < ATTEMPTS_MAX - 1 ? 'received' : 'failed');
      }),
    );
  });
});

describe('wakes of a subject that goes on waiting', () => {
  /** As the sweep does it: it comes every 30 s, wakes who is due and puts it off. */
  function wakesDuring(outageMs: number): number {
    let wakes = 0;
    let dueMs = WAKE_GRACE_MS;
    for (let nowMs = SWEEP_INTERVAL_MS; nowMs <= outageMs; nowMs += SWEEP_INTERVAL_MS) {
      if (dueMs > nowMs) continue;
      wakes += 1;
      dueMs = nowMs + wakeAgainInMs(nowMs);
    }
    return wakes;
  }

  test('I12 an outage of a day costs a run under 1,500 signals, one of six days under 10,000', () => {
    expect(wakesDuring(DAY_MS)).toBeLessThan(1_500);
    expect(wakesDuring(6 * DAY_MS)).toBeLessThan(10_000);
  });

  test('I3 are never further apart than the subject waited already, nor than a minute', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 400 * DAY_MS }), (waitedMs) => {
        expect(wakeAgainInMs(waitedMs)).toBeLessThanOrEqual(Math.max(waitedMs, WAKE_GRACE_MS));
        expect(wakeAgainInMs(waitedMs)).toBeLessThanOrEqual(60_000);
        expect(wakeAgainInMs(waitedMs)).toBeGreaterThanOrEqual(WAKE_GRACE_MS);
      }),
    );
  });
});
