import { type SQL, sql } from 'drizzle-orm';
import type { Database } from './connect.ts';
import { stripeWebhookEvents as events, stripeCustomers } from './schema.ts';

/** A subject with rows whose next attempt is due. */
export type DueSubject = {
  subject: string;
  /** Its due rows that failed before. */
  retriedEvents: number;
  /** Since the oldest of its pending rows came. */
  waitedMs: number;
};

/** The subjects that a sweep has to wake, those first that have been due for longest. */
export async function dueSubjects(database: Database, options: { limit: number }): Promise<DueSubject[]> {
  const { rows } = await database.execute<DueSubject>(dueSubjectsQuery(options));
  return rows;
}

/** One predicate on one partial index; exported so that a test can ask Postgres how it is answered. */
export function dueSubjectsQuery(options: { limit: number }): SQL {
  return sql`
    select due.subject, due.retried as "retriedEvents",
      (extract(epoch from now() - oldest.created_at) * 1000)::float8 as "waitedMs"
    from (
      select subject, min(next_attempt_at) as since, count(*) filter (where attempts > 0)::int as retried
      from ${events} where status = 'received' and next_attempt_at <= now()
      group by subject order by since limit ${options.limit}
    ) due
    cross join lateral (
      select min(created_at) as created_at from ${events} where subject = due.subject and status = 'received'
    ) oldest
    order by due.since`;
}

/**
 * Puts off the due rows of subjects that were woken. A row whose attempt failed meanwhile has a time of its own by then
 * and keeps it.
 */
export async function postponeWakes(
  database: Database,
  wakes: readonly { subject: string; byMs: number }[],
): Promise<void> {
  await database.execute(sql`
    update ${events} set next_attempt_at = now() + wake.by_ms * interval '1 millisecond'
    from unnest(
      ${sql.param(wakes.map((wake) => wake.subject))}::text[],
      ${sql.param(wakes.map((wake) => wake.byMs))}::float8[]
    ) as wake (subject, by_ms)
    where ${events.subject} = wake.subject and status = 'received' and next_attempt_at <= now()`);
}

/**
 * Makes parked events whose customer has a tenant by now pending again, due at once. Their tenant's creation claims what
 * it finds; this finds what was parked before a link that nobody claimed for.
 *
 * @returns how many, at most `limit`
 */
export async function claimEventsOfKnownCustomers(
  database: Database,
  options: { limit: number },
): Promise<number> {
  const { rowCount } = await database.execute(sql`
    update ${events} set status = 'received', status_reason = null, processed_at = null, attempts = 0,
      next_attempt_at = now(), tenant = parked.owner
    from (
      select e.webhook_event_id as id, c.tenant as owner from ${events} e
      join ${stripeCustomers} c on c.stripe_customer_external_id = e.subject
      where e.status = 'parked' and e.status_reason = 'unknown_customer' limit ${options.limit}
    ) parked
    where webhook_event_id = parked.id and ${events.status} = 'parked'`);
  return rowCount ?? 0;
}

/** Makes pending events due at once: nobody was woken for them. */
export async function makeDue(database: Database, ids: readonly string[]): Promise<void> {
  await database.execute(sql`
    update ${events} set next_attempt_at = now()
    where stripe_event_id = any(${sql.param([...ids])}::text[]) and status = 'received'`);
}
