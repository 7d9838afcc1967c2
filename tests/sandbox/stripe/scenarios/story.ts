import type Stripe from 'stripe';
import { expect } from 'vitest';
import { checkLaws, checkPresent } from './story-laws.ts';

const pageMax = 100;
/** Most pages of events that one test reads. */
const pagesMax = 30;

type TypeName = Stripe.Event['type'];
type EventOf<Type extends TypeName> = Extract<Stripe.Event, { type: Type }>;

/** What has happened since the last look, oldest first; a test clock's own events are left out. */
export interface Story {
  readonly events: readonly Stripe.Event[];
  readonly types: readonly string[];
  /** The only event of a type. */
  one<Type extends TypeName>(type: Type): EventOf<Type>;
  of<Type extends TypeName>(type: Type): EventOf<Type>[];
  /** Each status that objects of a kind (`subscription`, `invoice`, …) had in their events; repetitions left out. */
  path(object: string): string[];
}

/** Reads the events of an account piece by piece, and holds all of them against the laws of every story. */
export interface Storyteller {
  story(): Promise<Story>;
}

/** Begins with what happens from now on. */
export async function createStoryteller(stripe: Stripe): Promise<Storyteller> {
  const all: Stripe.Event[] = await newerThan(stripe, undefined);
  return {
    async story() {
      const fresh = await newerThan(stripe, all.at(-1)?.id);
      all.push(...fresh);
      checkLaws(all);
      await checkPresent(stripe, fresh);
      return storyOf(fresh.filter(({ type }) => !type.startsWith('test_helpers.')));
    },
  };
}

function storyOf(events: readonly Stripe.Event[]): Story {
  const of = <Type extends TypeName>(type: Type): EventOf<Type>[] =>
    events.filter((event): event is EventOf<Type> => event.type === type);
  return {
    events,
    types: events.map(({ type }) => type),
    of,
    one(type) {
      const [event, ...others] = of(type);
      if (!event || others.length > 0) throw new Error(`${others.length} more than one ${type}, or none`);
      return event;
    },
    path(object) {
      const statuses = events.flatMap(({ data }) => {
        const { object: kind, status } = { status: null, ...data.object } as {
          object: string;
          status: unknown;
        };
        return kind === object && typeof status === 'string' ? [status] : [];
      });
      return statuses.filter((status, index) => status !== statuses[index - 1]);
    },
  };
}

/** Event types, separated by commas; `sub` is short for `customer.subscription`, `pi` for `payment_intent`. */
export function line(types: string): string[] {
  return types.split(',').map((type) =>
    type
      .trim()
      .replace(/^sub\./, 'customer.subscription.')
      .replace(/^pi\./, 'payment_intent.'),
  );
}

/** The same events, in any order. */
export function expectSameTypes(story: Story, types: readonly string[]): void {
  expect([...story.types].sort()).toEqual([...types].sort());
}

/** These types, and of them exactly these events, in this order; others may stand between them. */
export function expectOrder(story: Story, types: readonly string[]): void {
  expect(story.types.filter((type) => types.includes(type))).toEqual(types);
}

/** Nobody asked for any of it: Stripe did it by itself. */
export function expectStripesOwnDoing({ events }: Story): void {
  expect(events.filter(({ request }) => request?.id !== null)).toEqual([]);
}

/** All of it came from one request. */
export function expectOneRequest({ events }: Story): void {
  const ids = new Set(events.map(({ request }) => request?.id));
  expect([...ids]).toEqual([expect.stringMatching(/^req_/)]);
}

async function newerThan(stripe: Stripe, mark: string | undefined): Promise<Stripe.Event[]> {
  const newestFirst: Stripe.Event[] = [];
  for (let page = 0; page < pagesMax; page++) {
    const last = newestFirst.at(-1)?.id;
    const { data, has_more } = await stripe.events.list({
      limit: pageMax,
      ...(last === undefined ? {} : { starting_after: last }),
    });
    const known = data.findIndex(({ id }) => id === mark);
    newestFirst.push(...(known < 0 ? data : data.slice(0, known)));
    if (known >= 0 || !has_more) return newestFirst.reverse();
  }
  throw new Error(`more than ${pagesMax * pageMax} events`);
}
