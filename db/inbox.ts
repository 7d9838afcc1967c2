import pg from 'pg';
import type { EventSource, RoutedEvent } from '../domain/webhook-event.ts';

/** An event as it goes into the inbox: what we know of it, and the signed text exactly. */
export type InboxRow = RoutedEvent & { payload: string };
export type InboxOutcome = 'stored' | 'duplicate';

/**
 * Parts the payloads in one parameter: as an array each of their quotes would be escaped and unescaped, which took two
 * fifths of the processor time here. No JSON text contains it (RFC 8259, section 7: control characters are escaped).
 */
const RECORD_SEPARATOR = '\u001e';

/** One statement for a group of any size, so the prepared plan fits them all. */
const INSERT = {
  name: 'insert_webhook_events',
  text: `insert into stripe_webhook_events
      (stripe_event_id, event_type, stripe_account, subject, object_id, livemode, api_version, payload, status,
       status_reason, event_created_at, source)
    select id, type, account, subject, object, livemode, version, payload::json, status, reason, created, $12
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::text[],
                string_to_array($8, '${RECORD_SEPARATOR}'), $9::text[], $10::text[], $11::timestamptz[])
      as row (id, type, account, subject, object, livemode, version, payload, status, reason, created)
    on conflict (stripe_event_id) do nothing
    returning stripe_event_id`,
};

/**
 * Stores a group of events in one statement, all or none. When it returns, they are committed. The rows go in by order
 * of their ids: two groups that share ids would otherwise wait for each other.
 *
 * @param source how they came in
 * @returns for each row, in the rows' order, whether it is new; of two rows with one id the first is
 */
export async function insertWebhookEvents(
  pool: Pick<pg.Pool, 'query'>,
  rows: readonly InboxRow[],
  source: EventSource = 'webhook',
): Promise<InboxOutcome[]> {
  const sorted = rows.toSorted(byId);
  const result = await pool.query<{ stripe_event_id: string }>({
    ...INSERT,
    values: [
      sorted.map((row) => row.stripeEventId),
      sorted.map((row) => row.eventType),
      sorted.map((row) => row.stripeAccount),
      sorted.map((row) => row.subject),
      sorted.map((row) => row.objectId),
      sorted.map((row) => row.livemode),
      sorted.map((row) => row.apiVersion),
      sorted.map((row) => row.payload).join(RECORD_SEPARATOR),
      sorted.map((row) => row.status),
      sorted.map((row) => row.statusReason),
      sorted.map((row) => row.eventCreatedAt?.toISOString() ?? null),
      source,
    ],
  });
  const stored = new Set(result.rows.map((row) => row.stripe_event_id));
  return rows.map((row) => (stored.delete(row.stripeEventId) ? 'stored' : 'duplicate'));
}

/** Any order will do that is the same in every process. */
function byId(one: InboxRow, other: InboxRow): number {
  if (one.stripeEventId === other.stripeEventId) return 0;
  return one.stripeEventId < other.stripeEventId ? -1 : 1;
}

/** Data exceptions (text that a column can't hold) and limits of the server (a payload nested too deep). */
const ROW_ERROR_CLASSES: ReadonlySet<string> = new Set(['22', '54']);
/** A constraint that a row breaks: a fault of ours, but of this row alone. */
const CONSTRAINT_ERROR_CLASS = '23';

/**
 * Is it a row's own fault that its group was refused? Then the others can be stored without it.
 *
 * @returns the SQLSTATE, and whether the sender's data is to blame; undefined for all other errors
 */
export function rowRefusal(error: unknown): { sqlState: string; isSendersFault: boolean } | undefined {
  if (!(error instanceof pg.DatabaseError) || error.code === undefined) return undefined;
  const errorClass = error.code.slice(0, 2);
  if (ROW_ERROR_CLASSES.has(errorClass)) return { sqlState: error.code, isSendersFault: true };
  if (errorClass === CONSTRAINT_ERROR_CLASS) return { sqlState: error.code, isSendersFault: false };
  return undefined;
}
