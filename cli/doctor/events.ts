import {
  type CountByKind,
  type CountByReason,
  type EventLateness,
  eventLateness,
  eventsToLookAt,
  failedNotifications,
  openDrift,
} from '../../db/attention.ts';
import { counted, ok, red, type Verdict, warning } from './finding.ts';
import type { Postgres } from './postgres.ts';
import type { Check } from './run-checks.ts';

/** Every due row is taken by the next sweep; within this time of an outage's end every row is final. */
const DUE_LIMIT_MS = 120_000;
/** An event whose sync fails is `failed` within five minutes: one that waits for longer waits for something that is away. */
const OLDEST_LIMIT_MS = 300_000;
/** Mails that failed long ago are history. */
const NOTIFICATION_DAYS = 7;

export function eventChecks(
  postgres: Postgres,
): Record<
  'events_waiting' | 'events_failed' | 'events_parked' | 'billing_drift' | 'notifications_failed',
  Check
> {
  return {
    events_waiting: async () => [latenessFinding(await postgres.read(eventLateness))],
    events_failed: async () => [failedFinding(await postgres.read(eventsToLookAt))],
    events_parked: async () => parkedFindings(await postgres.read(eventsToLookAt)),
    billing_drift: async () => [driftFinding(await postgres.read(openDrift))],
    notifications_failed: async () => {
      const failed = await postgres.read((database) => failedNotifications(database, NOTIFICATION_DAYS));
      return [notificationFinding(failed)];
    },
  };
}

/** Late is what nobody takes, and what was taken and waits for longer than its attempts take. */
export function latenessFinding({ dueRows, dueForMs, oldestMs }: EventLateness): Verdict {
  if (dueForMs > DUE_LIMIT_MS) {
    return red(
      `${dueRows} events are due and nobody takes them, the first one for ${duration(dueForMs)}.`,
      'Start a worker (npm run worker), and look at the findings of schedules and pollers.',
    );
  }
  if (oldestMs > OLDEST_LIMIT_MS) {
    return red(
      `The oldest pending event has waited for ${duration(oldestMs)}: its sync waits for something, or it was just replayed.`,
      'Look at the pending activities of running billingSyncWorkflow runs in Temporal.',
    );
  }
  return ok(
    oldestMs === 0 ? 'Nothing waits.' : `The oldest pending event has waited for ${duration(oldestMs)}.`,
  );
}

/** A failed event's customer may be out of date until somebody replays it. */
export function failedFinding(events: readonly CountByReason[]): Verdict {
  const failed = byReason(events, 'failed');
  if (failed.length === 0) return ok('None.');
  return warning(
    `Given up after their last attempt: ${counted(failed)}.`,
    'tenantry events list --status failed',
  );
}

/** An unknown customer may be of another product or on its way; another mode is a mistake in an endpoint or a key. */
export function parkedFindings(events: readonly CountByReason[]): Verdict[] {
  const parked = byReason(events, 'parked');
  const [misled, others] = [true, false].map((isMisled) =>
    parked.filter(({ name }) => (name === 'livemode_mismatch') === isMisled),
  ) as [typeof parked, typeof parked];
  const findings: Verdict[] = [];
  if (misled.length > 0) {
    findings.push(
      warning(
        `Of the other mode than STRIPE_SECRET_KEY: ${counted(misled)}.`,
        'Point the endpoint of the other mode elsewhere, or correct the key; then tenantry events list --status parked',
      ),
    );
  }
  if (others.length > 0) findings.push(ok(`They wait for their customer’s tenant: ${counted(others)}.`));
  return findings.length > 0 ? findings : [ok('None.')];
}

/** Open drift is a difference that reconcile found and has not repaired. */
function driftFinding(open: readonly CountByKind[]): Verdict {
  if (open.length === 0) return ok('No difference to Stripe is known.');
  return red(`Ours differs from Stripe’s: ${counted(byKind(open))}.`, 'tenantry reconcile');
}

function notificationFinding(failed: readonly CountByKind[]): Verdict {
  if (failed.length === 0) return ok(`None within ${NOTIFICATION_DAYS} days.`);
  return warning(
    `No address took them, within ${NOTIFICATION_DAYS} days: ${counted(byKind(failed))}.`,
    'Correct the address in Stripe or in the tenant’s row; docs/operating.md shows how to find them.',
  );
}

function byReason(events: readonly CountByReason[], status: CountByReason['status']) {
  return events
    .filter((event) => event.status === status)
    .map(({ reason, rows }) => ({ name: reason, rows }));
}

function byKind(counts: readonly CountByKind[]) {
  return counts.map(({ kind, rows }) => ({ name: kind, rows }));
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
