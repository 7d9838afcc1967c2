import { asc, eq, inArray, sql } from 'drizzle-orm';
import type { SettledEvent } from '../domain/event-replay.ts';
import type { Database, Transaction } from './connect.ts';
import { type EventFilter, matches } from './event-list.ts';
import { stripeWebhookEvents as events } from './schema.ts';

/** An event that an operator chose, as it stands. */
export type ChosenEvent = SettledEvent & { stripeEventId: string; eventType: string; tenant: string | null };

const CHOSEN = {
  stripeEventId: events.stripeEventId,
  eventType: events.eventType,
  tenant: events.tenant,
  subject: events.subject,
  status: events.status,
  statusReason: events.statusReason,
};

/** Events by Stripe's ids, in the order in which they came; those that we don't have are missing. */
export async function eventsById(database: Database, ids: readonly string[]): Promise<ChosenEvent[]> {
  return database
    .select(CHOSEN)
    .from(events)
    .where(inArray(events.stripeEventId, [...ids]))
    .orderBy(asc(events.createdAt), asc(events.webhookEventId));
}

type Choice = { filter: EventFilter; limit: number };

/** The events that a filter chooses, those first that came first. */
export async function eventsMatching(database: Database, choice: Choice): Promise<ChosenEvent[]> {
  return eventsMatchingQuery(database, choice);
}

/** Exported so that a test can ask Postgres how it is answered. */
export function eventsMatchingQuery(database: Database, { filter, limit }: Choice) {
  return database
    .select(CHOSEN)
    .from(events)
    .where(matches(filter))
    .orderBy(asc(events.createdAt), asc(events.webhookEventId))
    .limit(limit);
}

/** The signed text of one event. */
export async function payloadOf(database: Database, stripeEventId: string): Promise<string> {
  const [row] = await database
    .select({ payload: sql<string>`${events.payload}::text` })
    .from(events)
    .where(eq(events.stripeEventId, stripeEventId));
  if (row === undefined) throw new Error('an event that was found is gone');
  return row.payload;
}

/** An event with the status that it had when it was judged. */
export type JudgedEvent = { stripeEventId: string; status: string };

/**
 * Makes events pending again as if they had just come, due at once. Only rows that stand as they were judged change: what a
 * sync or another operator decided meanwhile is left alone.
 *
 * @returns the ids of those that changed
 */
export async function receiveAgain(
  transaction: Transaction,
  replayed: readonly (JudgedEvent & { subject: string })[],
): Promise<Set<string>> {
  const { rows } = await transaction.execute<{ id: string }>(sql`
    update ${events} set
      status = 'received', status_reason = null, processed_at = null, subject = replayed.subject,
      attempts = 0, last_error = null, last_error_at = null, next_attempt_at = now()
    from unnest(
      ${sql.param(replayed.map((event) => event.stripeEventId))}::text[],
      ${sql.param(replayed.map((event) => event.status))}::text[],
      ${sql.param(replayed.map((event) => event.subject))}::text[]
    ) as replayed (id, status, subject)
    where stripe_event_id = replayed.id and ${events.status} = replayed.status
    returning stripe_event_id as id`);
  return new Set(rows.map((row) => row.id));
}

/**
 * Takes events out of the work that waits; the reason `operator` refers to the audit log. Of rows that changed meanwhile
 * it does nothing.
 *
 * @returns the ids of those that changed
 */
export async function ignoreEvents(
  transaction: Transaction,
  ignored: readonly JudgedEvent[],
): Promise<Set<string>> {
  const { rows } = await transaction.execute<{ id: string }>(sql`
    update ${events} set status = 'ignored', status_reason = 'operator', processed_at = now()
    from unnest(
      ${sql.param(ignored.map((event) => event.stripeEventId))}::text[],
      ${sql.param(ignored.map((event) => event.status))}::text[]
    ) as ignored (id, status)
    where stripe_event_id = ignored.id and ${events.status} = ignored.status
    returning stripe_event_id as id`);
  return new Set(rows.map((row) => row.id));
}
