/**
 * A share of an amount, rounded to whole minor units, half away from zero. Exact: no floating point.
 * @param share.amount minor units
 * @param share.part the share is `part / of`; whole numbers, such as seconds
 */
export function roundedShare(share: { amount: number; part: number; of: number }): number {
  const numerator = BigInt(Math.abs(share.amount)) * BigInt(share.part);
  const denominator = BigInt(share.of);
  const rounded = Number((2n * numerator + denominator) / (2n * denominator));
  // Never -0, which deep equality tells from 0.
  return share.amount < 0 && rounded !== 0 ? -rounded : rounded;
}
