import { and, desc, eq, gte, inArray, like, lt, or, type SQL, sql } from 'drizzle-orm';
import type { WebhookEventStatus } from '../domain/webhook-event.ts';
import type { Database } from './connect.ts';
import { stripeWebhookEvents as events } from './schema.ts';

/** Which events an operator means; those that meet every condition that is given. */
export type EventFilter = {
  statuses?: readonly WebhookEventStatus[] | undefined;
  statusReason?: string | undefined;
  /** Exactly, or all that begin with it when it ends with `*`. */
  type?: string | undefined;
  subject?: string | undefined;
  /** Since the instant at which we stored it, that one included. */
  since?: Date | undefined;
  /** Before that instant. */
  until?: Date | undefined;
};

/** Named as the columns are: it is shown to operators, who know those. */
const LISTED = {
  stripe_event_id: events.stripeEventId,
  created_at: events.createdAt,
  event_type: events.eventType,
  subject: events.subject,
  status: events.status,
  status_reason: events.statusReason,
  attempts: events.attempts,
  last_error: events.lastError,
};

type EventPage = { filter: EventFilter; limit: number; before?: string | undefined };

/** Events as lists show them, newest arrival first. */
export async function listEvents(database: Database, page: EventPage) {
  return listEventsQuery(database, page);
}

/** Exported so that a test can ask Postgres how it is answered. */
export function listEventsQuery(database: Database, page: EventPage) {
  const { filter, limit, before: last } = page;
  return database
    .select(LISTED)
    .from(events)
    .where(and(matches(filter), last === undefined ? undefined : before(last)))
    .orderBy(desc(events.createdAt), desc(events.webhookEventId))
    .limit(limit);
}
export type ListedEvent = Awaited<ReturnType<typeof listEvents>>[number];

/** The last events of some subjects, newest arrival first. */
export async function lastEventsOf(
  database: Database,
  options: { subjects: readonly string[]; limit: number },
): Promise<ListedEvent[]> {
  return database
    .select(LISTED)
    .from(events)
    .where(inArray(events.subject, [...options.subjects]))
    .orderBy(desc(events.createdAt), desc(events.webhookEventId))
    .limit(options.limit);
}

/** All columns of an event; null when there is none with this id of Stripe's. */
export async function findEvent(database: Database, stripeEventId: string) {
  const [row] = await database
    .select({
      ...LISTED,
      webhook_event_id: events.webhookEventId,
      tenant: events.tenant,
      stripe_account: events.stripeAccount,
      object_id: events.objectId,
      livemode: events.livemode,
      api_version: events.apiVersion,
      source: events.source,
      last_error_at: events.lastErrorAt,
      next_attempt_at: events.nextAttemptAt,
      event_created_at: events.eventCreatedAt,
      processed_at: events.processedAt,
      // As text: the driver would parse it.
      payload: sql<string>`${events.payload}::text`,
    })
    .from(events)
    .where(eq(events.stripeEventId, stripeEventId));
  return row ?? null;
}

/** The condition of a filter; undefined when it has none. Statuses one by one, because each has an index of its own. */
export function matches(filter: EventFilter): SQL | undefined {
  const { statuses, statusReason, type, subject, since, until } = filter;
  return and(
    statuses && or(...statuses.map((status) => eq(events.status, status))),
    statusReason === undefined ? undefined : eq(events.statusReason, statusReason),
    type === undefined ? undefined : ofType(type),
    subject === undefined ? undefined : eq(events.subject, subject),
    since && gte(events.createdAt, since),
    until && lt(events.createdAt, until),
  );
}

function ofType(type: string): SQL {
  if (!type.endsWith('*')) return eq(events.eventType, type);
  return like(events.eventType, `${type.slice(0, -1).replaceAll(/[\\%_]/g, '\\$&')}%`);
}

/** What a list that is newest first has behind this event. */
function before(stripeEventId: string): SQL {
  return sql`(${events.createdAt}, ${events.webhookEventId}) < (
    select last.created_at, last.webhook_event_id from ${events} last where last.stripe_event_id = ${stripeEventId})`;
}
