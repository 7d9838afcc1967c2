import type { Account } from './account.ts';
import { thinEventTypes } from './event-types.ts';
import type { EventRecord } from './events.ts';
import { granularTypes } from './granular-events.ts';
import type { IdPrefix } from './ids.ts';
import { defineTable } from './table.ts';

/** A thin event as it was written: what it is about, without the object itself. */
export interface CoreEventRecord {
  readonly id: string;
  /** Such as `v1.customer.subscription.updated`. */
  readonly type: string;
  /** Unix seconds. */
  readonly created: number;
  /** Null where there is nothing to fetch, as with `v1.invoice.upcoming`. */
  readonly relatedObject: { readonly id: string; readonly type: string; readonly url: string } | null;
  /** `cus_…` of the customer it concerns, for the rules of deliveries; null when there is none. */
  readonly customer: string | null;
  /** `evt_…` of the snapshot event about the same change. */
  readonly snapshotEvent: string | null;
  /** Null when Stripe itself acted. */
  readonly request: { readonly id: string; readonly idempotency_key: string | null } | null;
  /** Shown only where the event is fetched. */
  readonly data: object | null;
  /** The one destination that gets it, whatever it has subscribed to; null for all that want it. */
  readonly addressee: string | null;
}

export const coreEventTable = defineTable<CoreEventRecord>({
  noun: 'event',
  indexes: { object: (row) => row.relatedObject?.id ?? null },
});

/** What a thin event takes from the step that writes it. */
interface Step {
  readonly cause: { readonly requestId: string | null; readonly idempotencyKey: string | null };
  /** Unix seconds. */
  readonly now: number;
  newId(prefix: IdPrefix): string;
}

/** The thin events that go with a snapshot event: its twin, and the finer ones. */
export function thinEventsOf(tx: Step, event: EventRecord): CoreEventRecord[] {
  const { object } = event.data;
  const twin = `v1.${event.type}`;
  const twins = thinEventTypes.has(twin)
    ? [thinEvent(tx, { type: twin, object, snapshotEvent: event.id })]
    : [];
  const finer = granularTypes(event).map((type) => thinEvent(tx, { type: `v1.${type}`, object }));
  return [...twins, ...finer];
}

/** A thin event about an object, not yet stored. */
export function thinEvent(
  tx: Step,
  event: { type: string; object: object; snapshotEvent?: string; addressee?: string },
): CoreEventRecord {
  const { requestId, idempotencyKey } = tx.cause;
  return {
    id: tx.newId('evt_test'),
    type: event.type,
    created: tx.now,
    relatedObject: relatedObject(event.object),
    customer: customerOf(event.object),
    snapshotEvent: event.snapshotEvent ?? null,
    request: requestId === null ? null : { id: requestId, idempotency_key: idempotencyKey },
    data: event.type === 'v1.invoice.upcoming' ? upcomingData(event.object) : null,
    addressee: event.addressee ?? null,
  };
}

/** The event as webhooks bring it. What does not apply is left out. */
export function renderNotification(record: CoreEventRecord, account: Account): object {
  return {
    id: record.id,
    object: 'v2.core.event',
    type: record.type,
    created: new Date(record.created * 1_000).toISOString(),
    livemode: false,
    ...(account.id === null ? {} : { context: account.id }),
    ...(record.relatedObject ? { related_object: record.relatedObject } : {}),
    ...(record.request ? { reason: { type: 'request', request: record.request } } : {}),
    ...(record.snapshotEvent === null ? {} : { snapshot_event: record.snapshotEvent }),
  };
}

/** The event as the API answers it: with its data, where its type has any. */
export function renderCoreEvent(record: CoreEventRecord, account: Account): object {
  return { ...renderNotification(record, account), ...(record.data ? { data: record.data } : {}) };
}

/** The customer that an object is or belongs to. */
export function customerOf(object: object): string | null {
  const { id, object: kind, customer }: Record<string, unknown> = { ...object };
  const owner = kind === 'customer' ? id : customer;
  return typeof owner === 'string' ? owner : null;
}

function relatedObject(object: object): CoreEventRecord['relatedObject'] {
  const { id, object: type }: Record<string, unknown> = { ...object };
  if (typeof id !== 'string' || typeof type !== 'string') return null;
  return { id, type, url: `${collectionPath(type)}/${id}` };
}

/** Where objects of a kind are: `checkout.session` at `/v1/checkout/sessions`. */
export function collectionPath(object: string): string {
  const version = object.startsWith('v2.') ? '' : 'v1/';
  const plural = /[^aeiou]y$/.test(object) ? `${object.slice(0, -1)}ies` : `${object}s`;
  return `/${version}${plural.replaceAll('.', '/')}`;
}

/** An upcoming invoice has no id to fetch, so the event says whose it is. */
function upcomingData(invoice: object): object {
  const { parent }: { parent?: { subscription_details?: { subscription?: unknown } | null } | null } =
    invoice;
  const subscription = parent?.subscription_details?.subscription;
  return {
    customer: customerOf(invoice),
    ...(typeof subscription === 'string' ? { subscription } : {}),
  };
}
