import { defineTable } from './table.ts';

/** The API version whose shapes this simulator answers in: the one that stripe-node 23.1 pins. */
export const apiVersion = '2026-10-28.endive';

/** Events of each kind that an account keeps when nothing else is said; older ones are forgotten. */
export const eventsKeptMaxDefault = 50_000;
/** Older events are in no list and can't be fetched, as at Stripe. */
export const eventsHorizonSeconds = 30 * 86_400;

/** A snapshot event as it was written, and the endpoints that have not acknowledged it yet. */
export interface EventRecord {
  readonly id: string;
  readonly type: string;
  readonly created: number;
  /** The object as it was then. Stored rows never change in place, so no copy is needed. */
  readonly data: { readonly object: object; readonly previous_attributes?: Record<string, unknown> };
  readonly request: { readonly id: string | null; readonly idempotency_key: string | null };
  /** Ids of webhook endpoints and of event destinations that take snapshots. */
  readonly awaiting: readonly string[];
}

export const eventTable = defineTable<EventRecord>({ noun: 'event', indexes: { type: (row) => row.type } });

/** The event as the API and the webhooks show it. */
export function renderEvent(record: EventRecord): object {
  return {
    id: record.id,
    object: 'event',
    api_version: apiVersion,
    created: record.created,
    data: record.data,
    livemode: false,
    pending_webhooks: record.awaiting.length,
    request: record.request,
    type: record.type,
  };
}
