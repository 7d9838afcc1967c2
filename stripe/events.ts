import type Stripe from 'stripe';
import { z } from 'zod';
import { instant, readAnswer } from './answers.ts';
import { stripeFailure } from './errors.ts';

const PAGE_SIZE = 100;
/** Stripe takes so many types in one request. */
export const EVENT_TYPES_PER_REQUEST_MAX = 20;
/** Stripe keeps events for so long. */
export const EVENTS_KEPT_DAYS = 30;

const pageSchema = z.object({
  data: z.array(z.looseObject({ id: z.string(), created: instant })),
  has_more: z.boolean(),
});

/** A page of events, each as Stripe would send it to an endpoint. */
export type EventPage = { events: { id: string; createdAt: Date; payload: string }[]; hasMore: boolean };

/**
 * One page of the account's snapshot events, newest first.
 *
 * @param options.from the first second of creation, unix seconds; `before` is the second after the last one
 * @param options.after the id after which the page begins; null for the first page
 * @param options.types at most `EVENT_TYPES_PER_REQUEST_MAX`
 * @param options.onlyUndelivered those that some endpoint did not take, or not yet
 */
export async function listEventPage(
  stripe: Stripe,
  options: {
    from: number;
    before: number;
    after: string | null;
    types: readonly string[];
    onlyUndelivered: boolean;
  },
): Promise<EventPage> {
  try {
    const answer: unknown = await stripe.events.list({
      limit: PAGE_SIZE,
      types: [...options.types],
      created: { gte: options.from, lt: options.before },
      ...(options.onlyUndelivered && { delivery_success: false }),
      ...(options.after !== null && { starting_after: options.after }),
    });
    const page = readAnswer(pageSchema, answer);
    const raw = (answer as { data: unknown[] }).data;
    return {
      events: page.data.map(({ id, created }, index) => ({
        id,
        createdAt: created,
        payload: JSON.stringify(raw[index]),
      })),
      hasMore: page.has_more,
    };
  } catch (error) {
    throw stripeFailure(error);
  }
}
