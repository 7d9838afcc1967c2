import { type FailureName, UNEXPECTED } from './failures.ts';

/** A row that was stored, claimed or filed elsewhere this long ago and still waits was missed by its waker. */
export const WAKE_GRACE_MS = 30_000;

/**
 * The sweep's wakes of a subject that goes on waiting are at most this far apart: should the run that was woken be gone
 * (its server has lost it), its events are final within two minutes of the outage's end all the same.
 */
const WAKE_DISTANCE_MAX_MS = 60_000;

/**
 * Pauses between the attempts of an event's sync that failed for good, by number of failures. What ends an attempt passes
 * when somebody mends it (a key's permission, a migration, a release), so a rolling release must fit in: three and a half
 * minutes, and no more than five with the sweep that comes every 30 s.
 */
const PAUSES_MS = [30_000, 60_000, 120_000] as const;

/** An event whose sync failed this often is `failed`. */
export const ATTEMPTS_MAX = PAUSES_MS.length + 1;

/**
 * Failures that no second attempt can change. `InvalidInput`: a completed Checkout session names nobody who could be
 * invited, and Stripe changes nothing in a completed session. Every other final failure that a sync can meet
 * (`StripePermissionDenied`, `StripeRequestRefused`, `DatabaseRefused`, an error without a name) may be mended from outside.
 */
const HOPELESS: ReadonlySet<string> = new Set(['InvalidInput']);

/** Why an event can be `failed`: the failures without end that a sync can meet. */
export const FAILED_REASONS = [
  'InvalidInput',
  'StripePermissionDenied',
  'StripeRequestRefused',
  'DatabaseRefused',
  UNEXPECTED,
] as const satisfies readonly (FailureName | typeof UNEXPECTED)[];

export type EventAttempts = {
  /** Attempts that failed so far. */
  failedAttempts: number;
  /** Since the last of them; null when there was none. */
  sinceFailureMs: number | null;
};

export type AfterFailure =
  | { status: 'failed' }
  | { status: 'received'; retryInMs: number }
  /** The row stays as it is: another event called for this attempt before the row's pause was over. */
  | { status: 'unchanged' };

/**
 * What becomes of a pending event after an attempt failed for good.
 *
 * @param reason the failure's name, or any other word for an error without one
 */
export function afterFailedAttempt(event: EventAttempts, reason: string): AfterFailure {
  if (HOPELESS.has(reason)) return { status: 'failed' };
  const pauseMs = PAUSES_MS[event.failedAttempts - 1] ?? 0;
  if (event.sinceFailureMs !== null && event.sinceFailureMs < pauseMs) return { status: 'unchanged' };
  const retryInMs = PAUSES_MS[event.failedAttempts];
  return retryInMs === undefined ? { status: 'failed' } : { status: 'received', retryInMs };
}

/**
 * How far the sweep's next wake is from this one. It is as far as the subject has waited already, so the distances double:
 * the run that was woken exists by then and only has to get through, and each signal costs a piece of its history. A day
 * of outage is about 1,400 signals of the 10,000 that a run may get; when they are used up the run goes on without them.
 */
export function wakeAgainInMs(waitedMs: number): number {
  return Math.min(Math.max(waitedMs, WAKE_GRACE_MS), WAKE_DISTANCE_MAX_MS);
}
