import { minorDigits } from '../domain/currency.ts';

const FALLBACK_TIME_ZONE = 'UTC';

/**
 * An amount as the locale writes it. Decimals that are zero are shown as is usual for the currency; others always are,
 * so that nothing is rounded.
 *
 * @throws Error when it is no amount
 */
export function formatMoney(amount: unknown, locale: string): string {
  if (!isAmount(amount)) throw new Error('money needs an amount, { minor, currency }');
  const digits = minorDigits(amount.currency);
  const isWhole = amount.minor % 10 ** digits === 0;
  const format = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency: amount.currency,
    ...(!isWhole && { minimumFractionDigits: digits, maximumFractionDigits: digits }),
  });
  // As decimal text: a quotient would be rounded to a binary fraction.
  return format.format(`${amount.minor}e-${digits}` as `${number}`);
}

/**
 * The day on which an instant falls in a time zone, written out.
 *
 * @throws Error when it is no instant
 */
export function formatDate(instant: unknown, place: { locale: string; time_zone: string }): string {
  return format(instant, place, {});
}

/**
 * Day, time and time zone of an instant.
 *
 * @throws Error when it is no instant
 */
export function formatMoment(instant: unknown, place: { locale: string; time_zone: string }): string {
  return format(instant, place, { hour: 'numeric', minute: '2-digit', timeZoneName: 'short' });
}

function format(
  instant: unknown,
  { locale, time_zone: timeZone }: { locale: string; time_zone: string },
  time: Intl.DateTimeFormatOptions,
): string {
  const date = new Date(typeof instant === 'string' ? instant : Number.NaN);
  if (Number.isNaN(date.getTime())) throw new Error('date, moment and when need an instant of ISO 8601');
  const options = { year: 'numeric', month: 'long', day: 'numeric', ...time } as const;
  return formatIn(locale, { ...options, timeZone }).format(date);
}

/** A zone that this Node doesn't know must not keep a mail from going out. */
function formatIn(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat(locale, options);
  } catch {
    return new Intl.DateTimeFormat(locale, { ...options, timeZone: FALLBACK_TIME_ZONE });
  }
}

function isAmount(value: unknown): value is { minor: number; currency: string } {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'minor' in value &&
    Number.isSafeInteger(value.minor) &&
    'currency' in value &&
    typeof value.currency === 'string'
  );
}
