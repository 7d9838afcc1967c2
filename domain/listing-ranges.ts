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
  /** How long a time of creation the last page took, in seconds, at least 1; null before the first page. */
  pace: number | null;
};

/** What a page says about how to go on. */
export type ListedPage = {
  count: number;
  last: { id: string; createdS: number } | null;
  hasMore: boolean;
};

/** @param objects of the page, in the list's order: the last one decides where the list goes on */
export function listedPage(
  objects: readonly { id: string; createdAt: Date }[],
  hasMore: boolean,
): ListedPage {
  const last = objects.at(-1);
  return {
    count: objects.length,
    last: last === undefined ? null : { id: last.id, createdS: last.createdAt.getTime() / 1000 },
    hasMore,
  };
}

/** Stripe has no object that is older than itself (September 2011, with a margin). */
const OLDEST_S = Date.UTC(2010, 0) / 1000;

/** All that there is at a moment. */
export function wholeRange(nowS: number): ListingRange {
  return { from: OLDEST_S, before: nowS + 1, after: null, reached: nowS + 1, pace: null };
}

/** What is left of a range after a page of it; null when that was the last. */
export function restOf(range: ListingRange, page: ListedPage): ListingRange | null {
  if (!page.hasMore || page.last === null) return null;
  const pace = Math.max(1, youngestOf(range) - page.last.createdS);
  return { ...range, after: page.last.id, reached: page.last.createdS, pace };
}

/** A part that was split off has about so many pages, if the pace stays as it is: the page with which it ends is often not full. */
const PAGES_PER_PART = 25;
/** What has fewer pages left than this is read to its end. */
const PAGES_WORTH_PARTING = 4;

/**
 * Parts a range: the younger part goes on where the range stands, for about 25 pages by the pace of the last one, or for half of
 * the time that is left where that is less. So what is split off is hardly ever empty, though nobody knows how far back the list
 * goes.
 *
 * @returns null when nothing is known of the range yet, or when so little is left that another request would not pay
 */
export function partsOf(range: ListingRange): [younger: ListingRange, older: ListingRange] | null {
  if (range.pace === null) return null;
  const youngest = youngestOf(range);
  if (youngest - range.from < range.pace * PAGES_WORTH_PARTING) return null;
  const half = Math.floor((range.from + youngest + 1) / 2);
  const middle = Math.max(half, youngest + 1 - range.pace * PAGES_PER_PART);
  if (middle <= range.from || middle > youngest) return null;
  return [
    { ...range, from: middle },
    { from: range.from, before: middle, after: null, reached: middle, pace: null },
  ];
}

/** The last second in which something may be left. */
function youngestOf({ reached, before }: ListingRange): number {
  return Math.min(reached, before - 1);
}

/** How long a time is left of a range, in seconds of creation. */
export function spanOf(range: ListingRange): number {
  return Math.min(range.reached, range.before) - range.from;
}
