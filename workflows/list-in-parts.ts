import { condition } from '@temporalio/workflow';
import {
  type ListedPage,
  type ListingRange,
  partsOf,
  restOf,
  spanOf,
  wholeRange,
} from '../domain/listing-ranges.ts';

/** Parts that are listed at the same time: with a budget of 20 requests a second some always wait, also when answers take 700 ms. */
const PARTS_AT_ONCE = 16;
/**
 * Each part ends with a page that is not full, and some are empty: there is no further part while more have ended than these,
 * so that the requests of a long list stay within 1.1 per 100 objects however the times of creation lie.
 */
const ENDS_FREE = 2;
const PAGES_PER_END = 20;

/** How far a listing is; a run that continues as new takes it along. */
export type Listing = {
  /** When it began, unix seconds; what Stripe makes later is none of its business. */
  began: number;
  /** What is left. */
  ranges: ListingRange[];
  pages: number;
  objects: number;
  /** Parts that were read to their end. */
  ended: number;
};

/** @param fromS the first second of creation that matters, unix seconds; without it, everything does */
export function beginListing(nowMs: number, fromS?: number): Listing {
  const began = Math.floor(nowMs / 1000);
  const whole = wholeRange(began);
  return { began, ranges: [{ ...whole, from: fromS ?? whole.from }], pages: 0, objects: 0, ended: 0 };
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
      if (rest === null) listing.ended += 1;
      else listing.ranges.push(rest);
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

/** Parts the waiting ranges, the longest first, as long as there is room for more and pages enough to pay for it. */
function part(listing: Listing, underWay: number): void {
  while (
    listing.ranges.length + underWay < PARTS_AT_ONCE &&
    listing.ended <= ENDS_FREE + listing.pages / PAGES_PER_END
  ) {
    const [longest] = listing.ranges
      .flatMap((range) => {
        const parts = partsOf(range);
        return parts === null ? [] : [{ range, parts }];
      })
      .sort((a, b) => spanOf(b.range) - spanOf(a.range));
    if (longest === undefined) return;
    listing.ranges = [...listing.ranges.filter((range) => range !== longest.range), ...longest.parts];
  }
}

/** Which share of the time of creation was read: what there is to know of a list whose length Stripe doesn't tell. */
function shareRead({ began, ranges }: Listing, underWay: Iterable<ListingRange>): number {
  const left = [...ranges, ...underWay].reduce((sum, range) => sum + spanOf(range), 0);
  return 1 - left / spanOf(wholeRange(began));
}
