import type { Transaction } from '../../state/transaction.ts';
import { type Price, type PriceTier, priceTiersTable } from './catalog.ts';

/** Digits after the point that an amount may have: Stripe's limit. */
const decimalsMax = 12;
const scale = 10n ** BigInt(decimalsMax);

/**
 * What a quantity costs at a price, in minor units, rounded once. Exact for every amount that a price can have.
 * A quantity of 0 costs the first tier's flat amount.
 */
export function priceAmount(tx: Transaction, price: Price, quantity: number): number {
  if (price.billing_scheme === 'per_unit') {
    return rounded(scaled(price.unit_amount_decimal) * BigInt(transformed(price, quantity)));
  }
  const tiers = tx.get(priceTiersTable, price.id)?.tiers ?? [];
  return rounded(price.tiers_mode === 'volume' ? volume(tiers, quantity) : graduated(tiers, quantity));
}

/** The tier that holds the whole quantity decides what each unit costs. */
function volume(tiers: readonly PriceTier[], quantity: number): bigint {
  const tier = tiers.find(({ up_to }) => up_to === null || quantity <= up_to);
  return tier ? scaled(tier.unit_amount_decimal) * BigInt(quantity) + scaled(tier.flat_amount_decimal) : 0n;
}

/** Each unit costs what the tier says into which it falls; the flat amounts of all tiers reached are added. */
function graduated(tiers: readonly PriceTier[], quantity: number): bigint {
  let total = 0n;
  let below = 0;
  for (const [index, tier] of tiers.entries()) {
    if (index > 0 && quantity <= below) break;
    const upTo = Math.min(quantity, tier.up_to ?? quantity);
    total +=
      scaled(tier.unit_amount_decimal) * BigInt(Math.max(upTo - below, 0)) + scaled(tier.flat_amount_decimal);
    below = tier.up_to ?? quantity;
  }
  return total;
}

/** The quantity that is billed, such as packages of ten. */
function transformed({ transform_quantity: rule }: Price, quantity: number): number {
  if (!rule) return quantity;
  const packages = quantity / rule.divide_by;
  return rule.round === 'up' ? Math.ceil(packages) : Math.floor(packages);
}

function scaled(decimal: string | null): bigint {
  if (decimal === null) return 0n;
  const [whole = '0', fraction = ''] = decimal.split('.');
  return BigInt(whole + fraction.padEnd(decimalsMax, '0').slice(0, decimalsMax));
}

/** Half a minor unit is rounded up. */
function rounded(amount: bigint): number {
  return Number((amount * 2n + scale) / (scale * 2n));
}
