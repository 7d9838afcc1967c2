import { z } from 'zod';
import { priceSubject, productSubject } from './ids.ts';
import { type ConcernKind, concernOf } from './stripe-event-types.ts';

export const WEBHOOK_EVENT_STATUSES = ['received', 'processed', 'ignored', 'parked', 'failed'] as const;
export type WebhookEventStatus = (typeof WEBHOOK_EVENT_STATUSES)[number];

/** How an event came in. */
export const EVENT_SOURCES = ['webhook', 'reconcile'] as const;
export type EventSource = (typeof EVENT_SOURCES)[number];

export const IGNORED_REASONS = [
  'event_type',
  'not_a_license_purchase',
  'awaiting_payment',
  'connected_account',
  'operator',
] as const;
export type IgnoredReason = (typeof IGNORED_REASONS)[number];

export const PARKED_REASONS = ['unknown_customer', 'livemode_mismatch'] as const;
export type ParkedReason = (typeof PARKED_REASONS)[number];

const STRIPE_ID_LENGTH_MAX = 255;
/** The last second of the year 9999. */
const CREATED_MAX_S = 253_402_300_799;
const id = z
  .string()
  .min(1)
  .max(STRIPE_ID_LENGTH_MAX)
  .regex(/^[^\p{Cc}\p{Cs}]+$/u);
/** Held as it is: a schema of its fields would copy an object of any size for two ids. */
const anyObject = z.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
);
const expandable = z.union([id, z.object({ id }).transform((object) => object.id)]);

/**
 * Only type, ids, account and mode are read from an event; the rest of it may be of any version, and a time or version
 * that we can't read is no reason to refuse an event that Stripe signed.
 */
const snapshotSchema = z.object({
  id,
  object: z.literal('event').optional(),
  type: id,
  account: id.nullish(),
  api_version: id.nullish().catch(undefined),
  livemode: z.boolean().optional(),
  created: z.int().min(0).max(CREATED_MAX_S).optional().catch(undefined),
  data: z.object({ object: anyObject }).optional().catch(undefined),
});

const THIN_OBJECT = 'v2.core.event';
const thinSchema = z.object({
  id,
  object: z.literal(THIN_OBJECT),
  type: id,
  context: id.nullish(),
  livemode: z.boolean().optional(),
  // Postgres has no year 0.
  created: z.iso
    .datetime()
    .regex(/^(?!0000)/)
    .optional()
    .catch(undefined),
  related_object: z.object({ id }).nullish().catch(undefined),
  snapshot_event: id.nullish(),
});

/** An event as the inbox keeps it beside its payload. */
export type RoutedEvent = {
  stripeEventId: string;
  eventType: string;
  stripeAccount: string | null;
  /** The customer (or what leads to one) that has to be synced; null when the event is of no concern. */
  subject: string | null;
  /** The id of the object the event is about. */
  objectId: string | null;
  livemode: boolean | null;
  apiVersion: string | null;
  eventCreatedAt: Date | null;
  status: Extract<WebhookEventStatus, 'received' | 'ignored' | 'parked'>;
  statusReason: IgnoredReason | ParkedReason | null;
};

export type EventKind = 'snapshot' | 'thin';

/** Which of Stripe's two kinds a parsed body claims to be; whether it is an event at all is for `routeEvent` to say. */
export function eventKind(body: unknown): EventKind {
  return claimsToBeThin(body) ? 'thin' : 'snapshot';
}

/** Looked at before a schema is tried: a parse that fails costs more than the signature check. */
function claimsToBeThin(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'object' in body && body.object === THIN_OBJECT;
}

/**
 * Decides at the door what becomes of an event: whom it concerns, or why it concerns nobody.
 *
 * @param livemode the mode of our Stripe key; events of the other mode are parked
 * @returns undefined when the body is no event
 */
export function routeEvent(body: unknown, livemode: boolean): RoutedEvent | undefined {
  if (claimsToBeThin(body)) {
    const thin = thinSchema.safeParse(body);
    if (!thin.success) return undefined;
    const routed = verdict(thinFacts(thin.data), livemode);
    return routed.status === 'received' ? { ...routed, stripeEventId: twinOf(thin.data) } : routed;
  }
  const snapshot = snapshotSchema.safeParse(body);
  return snapshot.success ? verdict(snapshotFacts(snapshot.data), livemode) : undefined;
}

type Facts = Omit<RoutedEvent, 'status' | 'statusReason'> & { concern: ConcernKind | undefined };

function snapshotFacts(event: z.infer<typeof snapshotSchema>): Facts {
  const concern = concernOf(event.type);
  const object = event.data?.object ?? {};
  return {
    stripeEventId: event.id,
    eventType: event.type,
    stripeAccount: event.account ?? null,
    subject: concern ? subjectOf(concern, object) : null,
    objectId: idOf(object.id),
    livemode: event.livemode ?? null,
    apiVersion: event.api_version ?? null,
    eventCreatedAt: event.created === undefined ? null : new Date(event.created * 1000),
    concern,
  };
}

/**
 * A thin event that concerns us is stored under the id of its snapshot twin, so that the same fact that comes by both
 * kinds of endpoints is one row. One that leads nowhere keeps its own id: in its twin's place it would keep away a
 * snapshot that says more.
 */
function twinOf(event: z.infer<typeof thinSchema>): string {
  return event.snapshot_event ?? event.id;
}

/** A thin event names only its object, so the sync has to find the customer or the product. */
function thinFacts(event: z.infer<typeof thinSchema>): Facts {
  const concern = concernOfThin(event.type);
  const objectId = event.related_object?.id ?? null;
  return {
    stripeEventId: event.id,
    eventType: event.type,
    stripeAccount: event.context ?? null,
    subject: concern && objectId ? thinSubject(concern, objectId) : null,
    objectId,
    livemode: event.livemode ?? null,
    apiVersion: null,
    eventCreatedAt: event.created === undefined ? null : new Date(event.created),
    concern,
  };
}

/**
 * Thin events come in finer grains than snapshots (`v1.customer.subscription.item_quantity_changed`, `….past_due`, and
 * more with every API version); all of those of a subscription say that it has to be looked at.
 */
function concernOfThin(type: string): ConcernKind | undefined {
  const snapshotType = type.replace(/^v1\./, '');
  return (
    concernOf(snapshotType) ??
    (snapshotType.startsWith('customer.subscription.') ? 'subscription' : undefined)
  );
}

function verdict({ concern, ...facts }: Facts, livemode: boolean): RoutedEvent {
  if (facts.stripeAccount !== null) return { ...facts, status: 'ignored', statusReason: 'connected_account' };
  if (concern === undefined) return { ...facts, status: 'ignored', statusReason: 'event_type' };
  if (facts.livemode !== null && facts.livemode !== livemode) {
    return { ...facts, status: 'parked', statusReason: 'livemode_mismatch' };
  }
  if (facts.subject === null) {
    // The thin event of an upcoming invoice names nothing at all; its snapshot twin names the customer.
    if (concern === 'invoice' && facts.objectId === null) {
      return { ...facts, status: 'ignored', statusReason: 'event_type' };
    }
    // A session without a customer sells nothing that could have licences; other objects always name whom they concern.
    return concern === 'session'
      ? { ...facts, status: 'ignored', statusReason: 'not_a_license_purchase' }
      : { ...facts, status: 'parked', statusReason: 'unknown_customer' };
  }
  return { ...facts, status: 'received', statusReason: null };
}

function subjectOf(concern: ConcernKind, object: Record<string, unknown>): string | null {
  switch (concern) {
    case 'session':
    case 'subscription':
    case 'invoice':
      return idOf(object.customer);
    case 'customer':
      return idOf(object.id);
    case 'product':
      return asProduct(idOf(object.id));
    case 'price':
      return asProduct(idOf(object.product));
    default:
      return concern satisfies never;
  }
}

function thinSubject(concern: ConcernKind, objectId: string): string {
  switch (concern) {
    case 'session':
    case 'subscription':
    case 'invoice':
    case 'customer':
      return objectId;
    case 'product':
      return productSubject(objectId);
    case 'price':
      return priceSubject(objectId);
    default:
      return concern satisfies never;
  }
}

function asProduct(productId: string | null): string | null {
  return productId === null ? null : productSubject(productId);
}

/** An id that stands as such or as an expanded object. */
function idOf(value: unknown): string | null {
  const parsed = expandable.safeParse(value);
  return parsed.success ? parsed.data : null;
}
