import { type FailedAttempt, type NotedEvent, recordFailedAttempt } from '../db/webhook-events.ts';
import { afterFailedAttempt } from '../domain/event-attempts.ts';
import { Failure, UNEXPECTED } from '../domain/failures.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { nameError } from './final-error.ts';

/**
 * A run of a subject's sync ends as Failed: exactly the events that it noted get their next attempt later, or, after the
 * last one, the failure's name.
 */
export async function giveUp(
  { database, metrics, log }: Pick<ActivityDependencies, 'database' | 'metrics' | 'log'>,
  events: readonly NotedEvent[],
  error: unknown,
): Promise<void> {
  const named = nameError(error);
  const reason = named instanceof Failure ? named.name : UNEXPECTED;
  const message = named instanceof Error ? named.message : 'Something that is no error was thrown';
  const attempts = events.flatMap((event): FailedAttempt[] => {
    const { stripeEventId, failedAttempts } = event;
    const after = afterFailedAttempt(event, reason);
    return after.status === 'unchanged' ? [] : [{ stripeEventId, failedAttempts, ...after }];
  });
  const recorded = await recordFailedAttempt(database, { attempts, reason, error: message });
  const idsOf = (status: FailedAttempt['status']) =>
    recorded.filter((attempt) => attempt.status === status).map((attempt) => attempt.stripeEventId);
  const [failed, again] = [idsOf('failed'), idsOf('received')];
  metrics.attemptsFailed(reason, recorded.length);
  metrics.eventsSettled({ failed: failed.length });
  if (failed.length > 0) log.error({ stripeEventIds: failed, reason }, 'events failed for good');
  if (again.length > 0)
    log.warn({ stripeEventIds: again, reason }, 'an attempt failed; its events are tried again later');
}
