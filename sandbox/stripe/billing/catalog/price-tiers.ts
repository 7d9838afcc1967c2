import { invalidRequest, parameterMissing } from '../../api/errors.ts';
import type { PriceTier } from './catalog.ts';
import type { CreatePrice, SentTier } from './catalog-parameters.ts';

/** An amount as a price or a tier carries it. */
interface Amount {
  readonly whole: number | null;
  readonly decimal: string | null;
}

/** Of an amount that was sent as a whole or as a decimal number, both forms. */
export function amountOf(whole: number | undefined, decimal: string | undefined): Amount {
  const text = decimal ?? whole?.toString();
  if (text === undefined) return { whole: null, decimal: null };
  return { whole: Number.isInteger(Number(text)) ? Number(text) : null, decimal: text };
}

/**
 * The tiers of a price that is made.
 * @throws StripeError 400 for tiers that do not cover every quantity once
 */
export function tiersOf(parameters: CreatePrice): readonly PriceTier[] {
  refuseContradictions(parameters);
  const sentTiers = parameters.tiers ?? missing('tiers');
  if (parameters.tiers_mode === undefined) missing('tiers_mode');
  const tiers = sentTiers.map(tierOf);
  for (const [index, { up_to }] of tiers.entries()) {
    const isLast = index === tiers.length - 1;
    const before = index === 0 ? 0 : (tiers[index - 1]?.up_to ?? 0);
    if (isLast ? up_to !== null : up_to === null || up_to <= before) {
      const message = 'The `up_to` values of tiers must ascend, and only the last one must be `inf`.';
      throw invalidRequest({ param: `tiers[${index}][up_to]`, message });
    }
  }
  return tiers;
}

function refuseContradictions(parameters: CreatePrice): void {
  if (!parameters.recurring) {
    throw invalidRequest({
      param: 'interval',
      message: 'Prices with `type=one_time` are not supported with tiered billing.',
    });
  }
  for (const param of ['unit_amount', 'unit_amount_decimal', 'transform_quantity'] as const) {
    if (parameters[param] !== undefined) {
      throw invalidRequest({ param, message: `You cannot specify \`${param}\` with tiered billing.` });
    }
  }
}

function tierOf(sentTier: SentTier, index: number): PriceTier {
  const unit = amountOf(sentTier.unit_amount, sentTier.unit_amount_decimal);
  const flat = amountOf(sentTier.flat_amount, sentTier.flat_amount_decimal);
  if (unit.decimal === null && flat.decimal === null) missing(`tiers[${index}][unit_amount]`);
  return {
    flat_amount: flat.whole,
    flat_amount_decimal: flat.decimal,
    unit_amount: unit.whole,
    unit_amount_decimal: unit.decimal,
    up_to: sentTier.up_to === 'inf' ? null : sentTier.up_to,
  };
}

function missing(param: string): never {
  throw parameterMissing(param);
}
