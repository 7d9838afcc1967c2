import { describe, expect, it } from 'vitest';
import {
  type Price,
  type PriceTier,
  priceTable,
  priceTiersTable,
} from '../../../sandbox/stripe/billing/catalog/catalog.ts';
import { priceAmount } from '../../../sandbox/stripe/billing/catalog/price-amount.ts';
import { Account } from '../../../sandbox/stripe/state/account.ts';
import { createClock } from '../../../sandbox/stripe/state/clock.ts';
import { createIdSource } from '../../../sandbox/stripe/state/ids.ts';
import { causedByStripe, runStep } from '../../../sandbox/stripe/state/transaction.ts';

const plain: Price = {
  id: 'price_1',
  object: 'price',
  active: true,
  billing_scheme: 'per_unit',
  created: 0,
  currency: 'usd',
  custom_unit_amount: null,
  livemode: false,
  lookup_key: null,
  metadata: {},
  nickname: null,
  product: 'prod_1',
  recurring: null,
  tax_behavior: 'unspecified',
  tiers_mode: null,
  transform_quantity: null,
  type: 'one_time',
  unit_amount: null,
  unit_amount_decimal: null,
};

function amount(price: Partial<Price>, quantity: number, tiers: readonly PriceTier[] = []): number {
  const clock = createClock(() => 0);
  const account = new Account({ id: null, clock, ids: createIdSource(1), publicUrl: () => '' });
  const context = { account, reactions: new Map(), onEvents: () => undefined, onChanged: () => undefined };
  return runStep(context, causedByStripe, (tx) => {
    const stored = tx.put(priceTable, { ...plain, ...price });
    tx.put(priceTiersTable, { id: stored.id, tiers });
    return priceAmount(tx, stored, quantity);
  });
}

function tier(up_to: number | null, unit: string | null, flat: string | null = null): PriceTier {
  return {
    up_to,
    unit_amount: null,
    unit_amount_decimal: unit,
    flat_amount: null,
    flat_amount_decimal: flat,
  };
}

describe('the amount of a quantity', () => {
  it('is exact where a part of a minor unit is sold many times, and rounded once', () => {
    expect(amount({ unit_amount_decimal: '0.1' }, 1_000_003)).toBe(100_000);
    expect(amount({ unit_amount_decimal: '0.5' }, 1)).toBe(1);
    expect(amount({ unit_amount_decimal: '0.000000000001' }, 5)).toBe(0);
    expect(amount({ unit_amount_decimal: '1999' }, 7)).toBe(13_993);
  });

  it('counts packages where the price sells them', () => {
    const packages = {
      unit_amount_decimal: '100',
      transform_quantity: { divide_by: 5, round: 'up' },
    } as const;
    expect(amount(packages, 11)).toBe(300);
    expect(amount({ ...packages, transform_quantity: { divide_by: 5, round: 'down' } }, 11)).toBe(200);
  });

  it.each([
    [0, 1_000],
    [1, 1_500],
    [10, 6_000],
    [11, 8_300],
    [20, 11_000],
  ])('in graduated tiers takes each unit from its own tier: %i', (quantity, expected) => {
    const tiers = [tier(10, '500', '1000'), tier(null, '300', '2000')];
    expect(amount({ billing_scheme: 'tiered', tiers_mode: 'graduated' }, quantity, tiers)).toBe(expected);
  });

  it.each([
    [0, 1_000],
    [10, 6_000],
    [11, 3_300],
  ])('in volume tiers takes all units from the tier that holds the quantity: %i', (quantity, expected) => {
    const tiers = [tier(10, '500', '1000'), tier(null, '300')];
    expect(amount({ billing_scheme: 'tiered', tiers_mode: 'volume' }, quantity, tiers)).toBe(expected);
  });
});
