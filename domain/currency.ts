/** «The charge and the amount are the same» (Stripe, «Supported currencies», zero-decimal currencies). */
const WITHOUT_DECIMALS = new Set([
  'bif',
  'clp',
  'djf',
  'gnf',
  'jpy',
  'kmf',
  'krw',
  'mga',
  'pyg',
  'rwf',
  'vnd',
  'vuv',
  'xaf',
  'xof',
  'xpf',
]);
/** Same page, three-decimal currencies. */
const WITH_THREE_DECIMALS = new Set(['bhd', 'jod', 'kwd', 'omr', 'tnd']);

/**
 * How many decimals of a currency stand in Stripe's amounts: 1000 is 10.00 usd, 1000 jpy and 1.000 kwd. Neither ISO 4217
 * nor what people write answers this: isk and ugx have no decimals and are sent with two all the same (Stripe, «Special
 * cases»; its list of zero-decimal currencies has ugx too, but the special case is the one that shows an amount), and
 * the locale data of Node writes huf, idr and others without decimals though Stripe counts their hundredths.
 *
 * @param currency as Stripe writes it, in lower case
 */
export function minorDigits(currency: string): number {
  if (WITHOUT_DECIMALS.has(currency)) return 0;
  return WITH_THREE_DECIMALS.has(currency) ? 3 : 2;
}
