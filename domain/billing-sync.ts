import { type CheckoutSession, judgeSession } from './checkout-session.ts';
import type { CreateTenantInput } from './create-tenant-input.ts';
import type { LicensePrices } from './license-count.ts';
import { concernOf } from './stripe-event-types.ts';
import type { IgnoredReason, ParkedReason } from './webhook-event.ts';

/** An event of the inbox that waits for its sync. */
export type PendingEvent = { stripeEventId: string; eventType: string; objectId: string | null };

export type EventVerdict = { stripeEventId: string } & (
  | { status: 'processed' }
  | { status: 'ignored'; reason: IgnoredReason }
  | { status: 'parked'; reason: ParkedReason }
);

export type JudgedEvents = {
  verdicts: EventVerdict[];
  /** A tenant that has to be created, and the events that say so: they are settled when its creation has begun. */
  purchase: { input: CreateTenantInput; stripeEventIds: string[] } | null;
};

/**
 * What becomes of the pending events of a customer nobody knows: a session may begin a tenant, everything else is
 * parked until one appears. (The events of a known customer are all settled by its sync.)
 *
 * @param options.sessions the Checkout sessions of the events by id, as Stripe has them now
 */
export function judgeEventsOfUnknownCustomer(options: {
  events: readonly PendingEvent[];
  sessions: ReadonlyMap<string, CheckoutSession>;
  prices: LicensePrices;
}): JudgedEvents {
  const judged: JudgedEvents = { verdicts: [], purchase: null };
  for (const { stripeEventId, eventType, objectId } of options.events) {
    const session =
      isSessionEvent(eventType) && objectId !== null ? options.sessions.get(objectId) : undefined;
    if (session === undefined) {
      judged.verdicts.push({ stripeEventId, status: 'parked', reason: 'unknown_customer' });
      continue;
    }
    const verdict = judgeSession(session, options.prices);
    if (verdict.begins === 'nothing') {
      judged.verdicts.push({ stripeEventId, status: 'ignored', reason: verdict.reason });
    } else {
      judged.purchase ??= { input: verdict.purchase, stripeEventIds: [] };
      judged.purchase.stripeEventIds.push(stripeEventId);
    }
  }
  return judged;
}

/** Is the event about a Checkout session, of either kind of event? */
export function isSessionEvent(eventType: string): boolean {
  return concernOf(eventType.replace(/^v1\./, '')) === 'session';
}

/** Does the event say that the customer object itself changed? */
export function isCustomerEvent(eventType: string): boolean {
  return concernOf(eventType.replace(/^v1\./, '')) === 'customer';
}
