import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  countedItems,
  isLicenseItem,
  type LicensedItem,
  type LicensedSubscription,
  licenseCount,
} from '../../domain/license-count.ts';
import { isLive, SUBSCRIPTION_STATUSES } from '../../domain/subscription.ts';

const PRO: ReadonlySet<string> = new Set(['price_pro', 'price_pro_yearly']);

const at = (seconds: number) => new Date(1_700_000_000_000 + seconds * 1000);
const item = (overrides: Partial<LicensedItem> = {}): LicensedItem => ({
  id: 'si_1',
  priceId: 'price_pro',
  quantity: 10,
  createdAt: at(0),
  ...overrides,
});
const subscription = (overrides: Partial<LicensedSubscription> = {}): LicensedSubscription => ({
  id: 'sub_1',
  status: 'active',
  createdAt: at(0),
  items: [item()],
  ...overrides,
});

describe('a subscription counts by its status', () => {
  test.each([
    ['active', 10],
    ['trialing', 10],
    ['past_due', 10],
    ['unpaid', 10],
    ['paused', 10],
    ['incomplete', 0],
    ['incomplete_expired', 0],
    ['canceled', 0],
  ] as const)('%s: %i', (status, count) => {
    expect(licenseCount([subscription({ status })], PRO)).toBe(count);
  });
});

describe('the items of one subscription', () => {
  test.each<[string, LicensedItem[], number]>([
    [
      'several licence items are summed',
      [item(), item({ id: 'si_2', priceId: 'price_pro_yearly', quantity: 5 })],
      15,
    ],
    ['the same price twice counts twice', [item(), item({ id: 'si_2', quantity: 4 })], 14],
    [
      'an item of another price does not count',
      [item(), item({ id: 'si_2', priceId: 'price_sms', quantity: 999 })],
      10,
    ],
    ['an item without a quantity does not count', [item(), item({ id: 'si_2', quantity: null })], 10],
    ['quantity 0 is a licence item with nothing in it', [item({ quantity: 0 })], 0],
    ['no licence item: nothing', [item({ priceId: 'price_sms' })], 0],
    ['no items: nothing', [], 0],
  ])('%s', (_name, items, count) => {
    expect(licenseCount([subscription({ items })], PRO)).toBe(count);
  });

  test('without configured prices every item with a quantity counts', () => {
    const items = [
      item(),
      item({ id: 'si_2', priceId: 'price_sms', quantity: 3 }),
      item({ id: 'si_3', quantity: null }),
    ];
    expect(licenseCount([subscription({ items })], 'any')).toBe(13);
    expect(isLicenseItem(item({ quantity: null }), 'any')).toBe(false);
  });
});

describe('of several subscriptions', () => {
  const old = subscription({ id: 'sub_z', createdAt: at(0), items: [item({ quantity: 100 })] });
  const young = subscription({ id: 'sub_a', createdAt: at(1), items: [item({ quantity: 7 })] });

  test.each<[string, LicensedSubscription[], number]>([
    ['the newest replaces, it does not add', [old, young], 7],
    ['the order of the list does not matter', [young, old], 7],
    ['in one second the greater id is the newer', [{ ...old, createdAt: at(1) }, young], 100],
    [
      'ids are compared by code unit, not by locale',
      [
        subscription({ id: 'sub_B', items: [item({ quantity: 1 })] }),
        subscription({ id: 'sub_a', items: [item({ quantity: 2 })] }),
      ],
      2,
    ],
    ['a newer one that has ended does not count', [old, { ...young, status: 'canceled' }], 100],
    ['a newer one that was never paid does not count', [old, { ...young, status: 'incomplete' }], 100],
    [
      'a newer one without a licence item does not count',
      [old, { ...young, items: [item({ priceId: 'price_sms' })] }],
      100,
    ],
    ['a newer licence subscription of 0 counts', [old, { ...young, items: [item({ quantity: 0 })] }], 0],
    [
      'when the last live one ends the count is 0',
      [
        { ...old, status: 'canceled' },
        { ...young, status: 'canceled' },
      ],
      0,
    ],
    ['none at all: 0', [], 0],
  ])('%s', (_name, subscriptions, count) => {
    expect(licenseCount(subscriptions, PRO)).toBe(count);
  });
});

describe('what stands for a subscription in its row', () => {
  test('the licence items are counted, the first by creation and then id stands for them', () => {
    const items = [
      item({ id: 'si_c', createdAt: at(2), quantity: 1 }),
      item({ id: 'si_b', createdAt: at(1), quantity: 2 }),
      item({ id: 'si_a', createdAt: at(1), quantity: 4 }),
      item({ id: 'si_0', createdAt: at(0), priceId: 'price_sms', quantity: 8 }),
    ];
    expect(countedItems(items, PRO)).toEqual({ quantity: 7, first: items[2] });
  });

  test('without a licence item all items with a quantity are counted', () => {
    const items = [
      item({ priceId: 'price_sms', quantity: 8 }),
      item({ id: 'si_2', priceId: 'price_gb', quantity: null }),
    ];
    expect(countedItems(items, PRO)).toEqual({ quantity: 8, first: items[0] });
  });

  test('metered items alone: no quantity, no item', () => {
    expect(countedItems([item({ quantity: null })], PRO)).toEqual({ quantity: null, first: null });
  });
});

const items = fc.array(
  fc.record({
    id: fc.stringMatching(/^si_[a-zA-Z0-9]{1,3}$/),
    priceId: fc.constantFrom('price_pro', 'price_pro_yearly', 'price_sms'),
    quantity: fc.option(fc.nat(1_000_000)),
    createdAt: fc.integer({ min: 0, max: 3 }).map(at),
  }),
  { maxLength: 5 },
);
const subscriptionLists = fc.uniqueArray(
  fc.record({
    id: fc.stringMatching(/^sub_[a-zA-Z0-9]{1,4}$/),
    status: fc.constantFrom(...SUBSCRIPTION_STATUSES),
    // Few instants, so that ties are common.
    createdAt: fc.integer({ min: 0, max: 3 }).map(at),
    items,
  }),
  { selector: (made) => made.id, maxLength: 8 },
);
const prices = fc.constantFrom<ReadonlySet<string> | 'any'>(PRO, 'any', new Set());

describe('I4 for all lists of subscriptions', () => {
  test('the order of subscriptions and of their items changes nothing', () => {
    fc.assert(
      fc.property(subscriptionLists, prices, fc.infiniteStream(fc.nat()), (list, licensePrices, random) => {
        const shuffled = <T>(values: readonly T[]) =>
          values
            .map((value) => ({ value, key: Number(random.next().value) }))
            .sort((a, b) => a.key - b.key)
            .map(({ value }) => value);
        const other = shuffled(list.map((one) => ({ ...one, items: shuffled(one.items) })));
        expect(licenseCount(other, licensePrices)).toBe(licenseCount(list, licensePrices));
      }),
    );
  });

  test('the count is the sum of exactly one live subscription, the newest, or 0; never negative', () => {
    fc.assert(
      fc.property(subscriptionLists, prices, (list, licensePrices) => {
        const count = licenseCount(list, licensePrices);
        const candidates = list.filter(
          (one) => isLive(one.status) && one.items.some((line) => isLicenseItem(line, licensePrices)),
        );
        // Written another way than the rule: no candidate is newer than the one that counts.
        const newest = candidates.find((one) =>
          candidates.every(
            (other) =>
              other.createdAt < one.createdAt ||
              (other.createdAt.getTime() === one.createdAt.getTime() && other.id <= one.id),
          ),
        );
        let sum = 0;
        for (const line of newest?.items ?? [])
          if (isLicenseItem(line, licensePrices)) sum += line.quantity ?? 0;
        expect(count).toBe(sum);
        expect(count).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test('one that has ended, added anywhere, changes nothing', () => {
    fc.assert(
      fc.property(subscriptionLists, prices, items, (list, licensePrices, lines) => {
        const ended = subscription({ id: 'sub_~', status: 'canceled', createdAt: at(99), items: lines });
        expect(licenseCount([...list, ended], licensePrices)).toBe(licenseCount(list, licensePrices));
      }),
    );
  });

  test('it replaces: a new live licence subscription sets the count to its own sum, whatever was before', () => {
    fc.assert(
      fc.property(subscriptionLists, fc.nat(1_000_000), (list, quantity) => {
        const upgrade = subscription({ id: 'sub_~', createdAt: at(99), items: [item({ quantity })] });
        expect(licenseCount([upgrade, ...list], PRO)).toBe(quantity);
      }),
    );
  });
});
