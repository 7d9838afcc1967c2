import { makeDue } from '../db/due-events.ts';
import { insertWebhookEvents } from '../db/inbox.ts';
import { moveCursor, readCursor } from '../db/reconcile.ts';
import { heldEvents } from '../db/webhook-events.ts';
import { type ListedPage, listedPage } from '../domain/listing-ranges.ts';
import { inParts } from '../domain/parts.ts';
import { ALL_STRIPE_EVENT_TYPES } from '../domain/stripe-event-types.ts';
import { routeEvent } from '../domain/webhook-event.ts';
import { EVENT_TYPES_PER_REQUEST_MAX, EVENTS_KEPT_DAYS, listEventPage } from '../stripe/events.ts';
import type { ActivityDependencies } from './dependencies.ts';

const CURSOR = 'events';
const DAY_MS = 24 * 60 * 60 * 1000;
/** Stripe may list an event a little after its time, and the two clocks differ. */
const OVERLAP_MS = 15 * 60 * 1000;

/** Stripe delivers within seconds; what is older was not delivered, and younger ones may be on their way. */
const LATE_AFTER_MS = 5 * 60 * 1000;

/** One of Stripe's lists of events that together hold all that concern us. */
export type EventList = { types: string[]; only_undelivered: boolean; from: number };

export function createReconcileEventActivities({ database }: ActivityDependencies) {
  return {
    /**
     * Which lists of events are to be read: all since the cursor, and of all that Stripe still has those that it could not
     * deliver.
     *
     * @param options.began of the run, unix seconds
     */
    async eventLists(options: { began: number }): Promise<EventList[]> {
      const beganMs = options.began * 1000;
      const oldestMs = beganMs - EVENTS_KEPT_DAYS * DAY_MS;
      const cursor = await readCursor(database, CURSOR);
      const sinceMs = Math.max(oldestMs, (cursor?.getTime() ?? 0) - OVERLAP_MS);
      const seconds = (ms: number) => Math.floor(ms / 1000);
      return inParts(ALL_STRIPE_EVENT_TYPES, EVENT_TYPES_PER_REQUEST_MAX).flatMap((types) => [
        { types, only_undelivered: false, from: seconds(sinceMs) },
        ...(sinceMs > oldestMs ? [{ types, only_undelivered: true, from: seconds(oldestMs) }] : []),
      ]);
    },

    /** Everything that Stripe made before the run began was looked at. */
    async moveEventCursor(options: { began: number }): Promise<void> {
      await moveCursor(database, { name: CURSOR, readUntil: new Date(options.began * 1000) });
    },
  };
}

export function createReconcileEventStripeActivities(dependencies: ActivityDependencies) {
  const { database, stripe, livemode, metrics } = dependencies;
  return {
    /** Reads one page of events, in one request, and puts those into the inbox that it does not hold, due at once. */
    async reconcileEvents(options: {
      list: Omit<EventList, 'from'>;
      from: number;
      before: number;
      after: string | null;
      dry_run: boolean;
    }): Promise<ListedPage & { missing: number }> {
      const { list, from, before, after } = options;
      const range = { from, before, after };
      const page = await listEventPage(stripe, {
        ...range,
        types: list.types,
        onlyUndelivered: list.only_undelivered,
      });
      const held = await heldEvents(
        database,
        page.events.map(({ id }) => id),
      );
      const missing = page.events.flatMap(({ id, payload }) => {
        const routed = held.has(id) ? undefined : routeEvent(JSON.parse(payload), livemode);
        return routed === undefined ? [] : [{ ...routed, payload }];
      });
      if (missing.length > 0 && !options.dry_run) {
        const outcomes = await insertWebhookEvents(database.$client, missing, 'reconcile');
        await makeDue(
          database,
          missing.map(({ stripeEventId }) => stripeEventId),
        );
        const lateBefore = dependencies.now().getTime() - LATE_AFTER_MS;
        const isLate = ({ eventCreatedAt }: (typeof missing)[number]) =>
          eventCreatedAt !== null && eventCreatedAt.getTime() < lateBefore;
        metrics.eventsFound(
          missing.filter((event, index) => outcomes[index] === 'stored' && isLate(event)).length,
        );
      }
      return { ...listedPage(page.events, page.hasMore), missing: missing.length };
    },
  };
}
