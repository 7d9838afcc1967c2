/** Stripe's unit amounts have at most this many decimal places. */
const decimalPlacesMax = 12;

/**
 * A unit amount times a quantity, or a share of that, rounded once to whole minor units, half away from zero. Exact:
 * no floating point.
 * @param unitAmount minor units as a decimal, such as `0.5` or `-12`
 * @param share `part / of`; whole numbers, such as seconds
 */
export function roundedTimes(unitAmount: string, quantity: number, share = { part: 1, of: 1 }): number {
  const [whole = '0', fraction = ''] = unitAmount.replace('-', '').split('.');
  const digits = fraction.slice(0, decimalPlacesMax).padEnd(decimalPlacesMax, '0');
  const scale = 10n ** BigInt(decimalPlacesMax);
  const magnitude = roundedQuotient(
    BigInt(whole + digits) * BigInt(quantity) * BigInt(share.part),
    scale * BigInt(share.of),
  );
  return unitAmount.startsWith('-') && magnitude !== 0 ? -magnitude : magnitude;
}

/**
 * A share of an amount, rounded to whole minor units, half away from zero. Exact: no floating point.
 * @param share.amount minor units
 * @param share.part the share is `part / of`; whole numbers, such as seconds
 */
export function roundedShare(share: { amount: number; part: number; of: number }): number {
  const magnitude = roundedQuotient(BigInt(Math.abs(share.amount)) * BigInt(share.part), BigInt(share.of));
  // Never -0, which deep equality tells from 0.
  return share.amount < 0 && magnitude !== 0 ? -magnitude : magnitude;
}

function roundedQuotient(numerator: bigint, denominator: bigint): number {
  return Number((2n * numerator + denominator) / (2n * denominator));
}
