/**
 * A part of all of Stripe's objects, by when they were created. Stripe lists one part after the other only; several parts
 * can be listed at the same time. Instants are unix seconds, as in Stripe's `created`.
 */
export type ListingRange = {
  /** The first second of it. */
  from: number;
  /** The second after its last one. */
  before: number;
  /** The last object that was listed of it; null when none was. Lists begin with the newest. */
  after: string | null;
  /** When that one was created: what is left of the range is not younger. */
  reached: number;
};

/** What a page says about how to go on. */
export type ListedPage = {
  count: number;
  last: { id: string; createdS: number } | null;
  hasMore: boolean;
};

/** Stripe has no object that is older than itself (September 2011, with a margin). */
const OLDEST_S = Date.UTC(2010, 0) / 1000;

/** All that there is at a moment. */
export function wholeRange(nowS: number): ListingRange {
  return { from: OLDEST_S, before: nowS + 1, after: null, reached: nowS + 1 };
}

/** What is left of a range after a page of it; null when that was the last. */
export function restOf(range: ListingRange, page: ListedPage): ListingRange | null {
  if (!page.hasMore || page.last === null) return null;
  return { ...range, after: page.last.id, reached: page.last.createdS };
}

/**
 * Parts a range in the middle of what is left of it. The younger part goes on where the range stands.
 *
 * @returns null when what is left is of one second
 */
export function halves(range: ListingRange): [younger: ListingRange, older: ListingRange] | null {
  const last = Math.min(range.reached, range.before - 1);
  const middle = Math.floor((range.from + last + 1) / 2);
  if (middle <= range.from || middle > last) return null;
  return [
    { ...range, from: middle },
    { from: range.from, before: middle, after: null, reached: middle },
  ];
}

/** How long a time is left of a range, in seconds of creation. */
export function spanOf(range: ListingRange): number {
  return Math.min(range.reached, range.before) - range.from;
}
