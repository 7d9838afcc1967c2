import { condition } from '@temporalio/workflow';
import {
  halves,
  type ListedPage,
  type ListingRange,
  restOf,
  spanOf,
  wholeRange,
} from '../domain/listing-ranges.ts';

/**
 * Parts that are listed at the same time. The server limits the rate of a task queue by its partitions, each for itself, so that
 * more must wait than are let through in the time of an answer, or one of them has nothing to do.
 */
const PARTS_AT_ONCE = 16;
/**
 * Each part ends with a page that is not full, and some are empty, so there is one more only for each so many pages: with
 * 12 of them the requests stay within 1.1 per 100 objects even if all of these pages are empty.
 */
const PAGES_PER_PART = 12;

/** How far a listing is; a run that continues as new takes it along. */
export type Listing = {
  /** When it began, unix seconds; what Stripe makes later is none of its business. */
  began: number;
  /** What is left. */
  ranges: ListingRange[];
  pages: number;
  objects: number;
  parts: number;
};

/** @param fromS the first second of creation that matters, unix seconds; without it, everything does */
export function beginListing(nowMs: number, fromS?: number): Listing {
  const began = Math.floor(nowMs / 1000);
  const whole = wholeRange(began);
  return { began, ranges: [{ ...whole, from: fromS ?? whole.from }], pages: 0, objects: 0, parts: 1 };
}

/**
 * Reads all pages of a list, several parts of it at the same time; a part that is long is parted again.
 *
 * @param listing is brought forward with every page
 * @param options.readPage one request
 * @param options.onPage gets the share of the list that was read, from 0 to 1
 * @param options.mayBegin false: no page is begun until it is true
 * @param options.mustRest true: no further page is begun, and the call returns once those under way are in
 * @throws what a page throws, once those under way are in
 */
export async function listInParts(
  listing: Listing,
  options: {
    readPage: (range: Pick<ListingRange, 'from' | 'before' | 'after'>) => Promise<ListedPage>;
    onPage: (share: number) => void;
    mayBegin: () => boolean;
    mustRest: () => boolean;
  },
): Promise<void> {
  const underWay = new Set<ListingRange>();
  let failure: { error: unknown } | undefined;
  const isResting = () => failure !== undefined || options.mustRest();
  const read = async (range: ListingRange) => {
    underWay.add(range);
    try {
      const page = await options.readPage(range);
      underWay.delete(range);
      listing.pages += 1;
      listing.objects += page.count;
      const rest = restOf(range, page);
      if (rest !== null) listing.ranges.push(rest);
      options.onPage(shareRead(listing, underWay));
    } catch (error) {
      underWay.delete(range);
      listing.ranges.push(range);
      failure ??= { error };
    }
  };
  for (;;) {
    if (underWay.size === 0 && (listing.ranges.length === 0 || isResting())) break;
    if (!isResting() && options.mayBegin()) {
      part(listing, underWay.size);
      while (underWay.size < PARTS_AT_ONCE) {
        const next = listing.ranges.shift();
        if (next === undefined) break;
        void read(next);
      }
    }
    const before = underWay.size;
    await condition(
      () =>
        underWay.size < before ||
        (underWay.size === 0 && isResting()) ||
        (!isResting() && options.mayBegin() && underWay.size < PARTS_AT_ONCE && listing.ranges.length > 0),
    );
  }
  if (failure !== undefined) throw failure.error;
}

/** Parts the longest of the waiting ranges, as long as there is room for more and pages enough to pay for it. */
function part(listing: Listing, underWay: number): void {
  const partsMax = 1 + listing.pages / PAGES_PER_PART;
  while (listing.ranges.length + underWay < PARTS_AT_ONCE && listing.parts < partsMax) {
    // Of a range without a page nobody knows whether there is anything in it.
    const longest = listing.ranges
      .filter((range) => range.after !== null)
      .sort((a, b) => spanOf(b) - spanOf(a))[0];
    const parted = longest && halves(longest);
    if (!longest || !parted) return;
    listing.ranges = [...listing.ranges.filter((range) => range !== longest), ...parted];
    listing.parts += 1;
  }
}

/** Which share of the time of creation was read: what there is to know of a list whose length Stripe doesn't tell. */
function shareRead({ began, ranges }: Listing, underWay: Iterable<ListingRange>): number {
  const left = [...ranges, ...underWay].reduce((sum, range) => sum + spanOf(range), 0);
  return 1 - left / spanOf(wholeRange(began));
}
