import { defineTable } from './table.ts';

/** The API version whose shapes this simulator answers in: the one that stripe-node 23.1 pins. */
export const apiVersion = '2026-10-28.endive';

/** Events kept in `GET /v1/events`; older ones are forgotten. Stripe keeps 30 days. */
export const eventsKeptMax = 50_000;

/** An event as it was written, and the endpoints that have not acknowledged it yet. */
export interface EventRecord {
  readonly id: string;
  readonly type: string;
  readonly created: number;
  /** The object as it was then. Stored rows never change in place, so no copy is needed. */
  readonly data: { readonly object: object; readonly previous_attributes?: Record<string, unknown> };
  readonly request: { readonly id: string | null; readonly idempotency_key: string | null };
  /** Ids of webhook endpoints. */
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
