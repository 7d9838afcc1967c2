import { type CheckoutSession, judgeSession, type SessionVerdict } from './checkout-session.ts';
import type { CreateTenantInput } from './create-tenant-input.ts';
import { Failure } from './failures.ts';
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
  /** Why a session's events have no verdict: it should begin a tenant and can't. */
  failure: Failure | null;
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
  const judged: JudgedEvents = { verdicts: [], purchase: null, failure: null };
  for (const { stripeEventId, eventType, objectId } of options.events) {
    const session =
      isSessionEvent(eventType) && objectId !== null ? options.sessions.get(objectId) : undefined;
    if (session === undefined) {
      judged.verdicts.push({ stripeEventId, status: 'parked', reason: 'unknown_customer' });
      continue;
    }
    const verdict = verdictOrFailure(session, options.prices);
    if (verdict instanceof Failure) {
      judged.failure ??= verdict;
    } else if (verdict.begins === 'nothing') {
      judged.verdicts.push({ stripeEventId, status: 'ignored', reason: verdict.reason });
    } else {
      judged.purchase ??= { input: verdict.purchase, stripeEventIds: [] };
      judged.purchase.stripeEventIds.push(stripeEventId);
    }
  }
  return judged;
}

/** One session that can't be used must not keep the others of its customer from being judged. */
function verdictOrFailure(session: CheckoutSession, prices: LicensePrices): SessionVerdict | Failure {
  try {
    return judgeSession(session, prices);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

/** Is the event about a Checkout session, of either kind of event? */
export function isSessionEvent(eventType: string): boolean {
  return concernOf(eventType.replace(/^v1\./, '')) === 'session';
}

/** Does the event say that the customer object itself changed? */
export function isCustomerEvent(eventType: string): boolean {
  return concernOf(eventType.replace(/^v1\./, '')) === 'customer';
}

/** Does the event say that an invoice of the customer changed? */
export function isInvoiceEvent(eventType: string): boolean {
  return concernOf(eventType.replace(/^v1\./, '')) === 'invoice';
}
