import { type SQL, sql } from 'drizzle-orm';
import type { Database } from './connect.ts';
import { billingDrift, stripeWebhookEvents as events, notifications } from './schema.ts';

/** Counting stops here: whether it is this many or more, somebody has to look. */
const ROWS_COUNTED_MAX = 100_000;

export type CountByReason = { status: 'failed' | 'parked'; reason: string; rows: number };

/** Events that nothing will be done with until somebody, or a tenant's appearance, comes; at most 100,000 of each status. */
export async function eventsToLookAt(database: Database): Promise<CountByReason[]> {
  const { rows } = await database.execute<CountByReason>(eventsToLookAtQuery());
  return rows;
}

/** Exported so that a test can ask Postgres for the plan. */
export function eventsToLookAtQuery(): SQL {
  return sql`
    select status, status_reason as reason, count(*)::int as rows
    from (
      (select status, status_reason from ${events} where status = 'failed' limit ${ROWS_COUNTED_MAX})
      union all
      (select status, status_reason from ${events} where status = 'parked' limit ${ROWS_COUNTED_MAX})
    ) first
    group by status, status_reason order by rows desc, reason`;
}

export type EventLateness = {
  /** Pending events whose next attempt should have begun, at most 100,000. */
  dueRows: number;
  /** For how long the one that has waited longest has been due; 0 when none is. */
  dueForMs: number;
  /** Since the oldest pending event came; 0 when there is none. */
  oldestMs: number;
};

/** How late the pending events are. */
export async function eventLateness(database: Database): Promise<EventLateness> {
  const { rows } = await database.execute<EventLateness>(eventLatenessQuery());
  const [lateness] = rows;
  if (lateness === undefined) throw new Error('an aggregate answered no row');
  return lateness;
}

/** Exported so that a test can ask Postgres for the plan. */
export function eventLatenessQuery(): SQL {
  return sql`
    select (count(*) filter (where next_attempt_at <= now()))::int as "dueRows",
      coalesce(greatest(extract(epoch from now() - min(next_attempt_at)) * 1000, 0), 0)::float8 as "dueForMs",
      coalesce(extract(epoch from now() - min(created_at)) * 1000, 0)::float8 as "oldestMs"
    from (
      select next_attempt_at, created_at from ${events} where status = 'received'
      order by next_attempt_at limit ${ROWS_COUNTED_MAX}
    ) first`;
}

export type CountByKind = { kind: string; rows: number };

/** Differences between Stripe and us that nobody has repaired. */
export async function openDrift(database: Database): Promise<CountByKind[]> {
  const { rows } = await database.execute<CountByKind>(sql`
    select kind, count(*)::int as rows from ${billingDrift} where repaired_at is null
    group by kind order by rows desc, kind`);
  return rows;
}

/** Mails of the last days that no address took. */
export async function failedNotifications(database: Database, lastDays: number): Promise<CountByKind[]> {
  const { rows } = await database.execute<CountByKind>(sql`
    select kind, count(*)::int as rows from ${notifications}
    where status = 'failed' and created_at > now() - make_interval(days => ${lastDays})
    group by kind order by rows desc, kind`);
  return rows;
}
