import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { ListedPage } from '../../domain/listing-ranges.ts';
import { beginListing, type Listing, listInParts } from '../../workflows/list-in-parts.ts';

// Temporal looks at a condition again whenever something happened; here that is after every turn of the event loop.
vi.mock('@temporalio/workflow', () => ({
  condition: async (holds: () => boolean) => {
    while (!holds()) await new Promise((resolve) => setImmediate(resolve));
    return true;
  },
}));

const NOW_S = 1_800_000_000;
const PAGE_SIZE = 100;
type Listed = { id: string; createdS: number };
type Range = { from: number; before: number; after: string | null };

/** Stripe's list: newest first, objects of one second in one order, filtered, cut into pages after a cursor. */
function stripeList(created: readonly number[], pageSize = PAGE_SIZE) {
  const all: Listed[] = created
    .map((createdS, index) => ({ id: `sub_${String(index).padStart(6, '0')}`, createdS }))
    .sort((a, b) => b.createdS - a.createdS || (a.id < b.id ? 1 : -1));
  return {
    all,
    page({ from, before, after }: Range): { objects: Listed[]; page: ListedPage } {
      const matching = all.filter(({ createdS }) => createdS >= from && createdS < before);
      const start = after === null ? 0 : matching.findIndex(({ id }) => id === after) + 1;
      if (after !== null && start === 0) throw new Error(`${after} is no cursor of this list`);
      const objects = matching.slice(start, start + pageSize);
      const last = objects.at(-1) ?? null;
      return {
        objects,
        page: { count: objects.length, last, hasMore: start + pageSize < matching.length },
      };
    },
  };
}

/** Reads everything; `happens` delays or fails a page. */
async function readAll(
  list: ReturnType<typeof stripeList>,
  options: {
    listing?: Listing;
    happens?: (range: Range) => Promise<void>;
    mustRest?: () => boolean;
    onPage?: (share: number) => void;
  } = {},
) {
  const listing = options.listing ?? beginListing(NOW_S * 1000);
  const read: string[] = [];
  await listInParts(listing, {
    readPage: async (range) => {
      await options.happens?.(range);
      const { objects, page } = list.page(range);
      read.push(...objects.map(({ id }) => id));
      return page;
    },
    onPage: options.onPage ?? (() => undefined),
    mayBegin: () => true,
    mustRest: options.mustRest ?? (() => false),
  });
  return { listing, read };
}

/** Years, one day, a minute, one second: objects stand as densely as they like. */
const anyCreation = fc
  .record({
    span: fc.constantFrom(1, 60, 86_400, 300_000_000),
    marks: fc.array(fc.nat(1_000), { maxLength: 400 }),
  })
  .map(({ span, marks }) => marks.map((mark) => NOW_S - Math.floor((mark * span) / 1_000)));

test('every object is read exactly once, whatever the order in which pages come back', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyCreation,
      fc.integer({ min: 1, max: 7 }),
      fc.scheduler(),
      async (created, size, scheduler) => {
        const list = stripeList(created, size);
        let isDone = false;
        const reading = readAll(list, { happens: () => scheduler.schedule(Promise.resolve()) }).finally(
          () => {
            isDone = true;
          },
        );
        // The reader asks for more pages only turns of the event loop later.
        while (!isDone) {
          if (scheduler.count() > 0) await scheduler.waitOne();
          await new Promise((resolve) => setImmediate(resolve));
        }
        const { read, listing } = await reading;
        expect([...read].sort()).toEqual(list.all.map(({ id }) => id).sort());
        expect(listing).toMatchObject({ objects: created.length, ranges: [] });
      },
    ),
    { numRuns: 60 },
  );
});

test('a list that rests at any page goes on in the next run without losing or repeating one', async () => {
  await fc.assert(
    fc.asyncProperty(anyCreation, fc.integer({ min: 1, max: 9 }), async (created, pagesPerRun) => {
      const list = stripeList(created, 5);
      let listing = beginListing(NOW_S * 1000);
      const read: string[] = [];
      for (let runs = 0; listing.ranges.length > 0; runs += 1) {
        expect(runs).toBeLessThan(1_000);
        const pagesBefore = listing.pages;
        const current = listing;
        const rested = await readAll(list, {
          listing: current,
          mustRest: () => current.pages - pagesBefore >= pagesPerRun,
        });
        read.push(...rested.read);
        // As it passes to the next run.
        listing = JSON.parse(JSON.stringify(rested.listing));
      }
      expect([...read].sort()).toEqual(list.all.map(({ id }) => id).sort());
    }),
    { numRuns: 40 },
  );
});

test('a page that fails ends the reading once those under way are in; what is left is read later', async () => {
  const list = stripeList(
    Array.from({ length: 5_000 }, (_, index) => NOW_S - index * 50_000),
    20,
  );
  let pages = 0;
  const listing = beginListing(NOW_S * 1000);
  const read: string[] = [];
  const failing = listInParts(listing, {
    readPage: async (range) => {
      pages += 1;
      if (pages === 77) throw new Error('Stripe is away');
      const { objects, page } = list.page(range);
      read.push(...objects.map(({ id }) => id));
      return page;
    },
    onPage: () => undefined,
    mayBegin: () => true,
    mustRest: () => false,
  });
  await expect(failing).rejects.toThrow('Stripe is away');
  const rest = await readAll(list, { listing });
  expect([...read, ...rest.read].sort()).toEqual(list.all.map(({ id }) => id).sort());
});

test.each<[string, (index: number) => number]>([
  ['evenly over ten years', (index) => NOW_S - index * 7_000],
  ['all in one second', () => NOW_S - 1_000_000],
  ['all in the last hour', (index) => NOW_S - Math.floor(index / 20)],
  ['in bursts, the further apart the older', (index) => NOW_S - Math.floor(1.04 ** Math.floor(index / 101))],
  ['in bursts years apart', (index) => NOW_S - Math.floor(index / 1_000) * 9_000_000 - (index % 7)],
])(
  'of a long list at most 1.1 requests per 100 objects are made, and several at a time: %s',
  async (_, at) => {
    const list = stripeList(Array.from({ length: 45_000 }, (_, index) => at(index)));
    let underWay = 0;
    let underWayMax = 0;
    const { listing } = await readAll(list, {
      happens: async () => {
        underWay += 1;
        underWayMax = Math.max(underWayMax, underWay);
        await new Promise((resolve) => setImmediate(resolve));
        underWay -= 1;
      },
    });
    expect(listing.objects).toBe(45_000);
    expect(listing.pages).toBeLessThanOrEqual((45_000 / 100) * 1.1);
    expect(underWayMax).toBeGreaterThan(at(0) === at(1) && at(0) === at(44_999) ? 0 : 4);
  },
);

test('while it is not allowed no page begins, and what is under way comes in', async () => {
  const list = stripeList(
    Array.from({ length: 300 }, (_, index) => NOW_S - index),
    10,
  );
  const listing = beginListing(NOW_S * 1000);
  let isAllowed = true;
  let isPaused = false;
  const reading = listInParts(listing, {
    readPage: async (range) => {
      expect(isAllowed).toBe(true);
      await new Promise((resolve) => setImmediate(resolve));
      return list.page(range).page;
    },
    onPage: () => {
      if (listing.pages === 5 && !isPaused) {
        isPaused = true;
        isAllowed = false;
        setTimeout(() => {
          isAllowed = true;
        }, 20);
      }
    },
    mayBegin: () => isAllowed,
    mustRest: () => false,
  });
  await reading;
  expect(listing.objects).toBe(300);
});

test('the share that was read counts the parts under way as not read, and only grows', async () => {
  const list = stripeList(Array.from({ length: 9_000 }, (_, index) => NOW_S - index * 50_000));
  const shares: number[] = [];
  const objects: number[] = [];
  const listing = beginListing(NOW_S * 1000);
  await readAll(list, {
    listing,
    onPage: (share) => {
      shares.push(share);
      objects.push(listing.objects);
    },
  });
  expect(shares).toEqual([...shares].sort((a, b) => a - b));
  expect(shares.at(-1)).toBe(1);
  // Half of the objects are half of the time here.
  const half = shares[objects.findIndex((count) => count >= 4_500)];
  expect(half).toBeGreaterThan(0.3);
  expect(half).toBeLessThan(0.7);
});
