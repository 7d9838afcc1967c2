/** A duration of ISO 8601 in its parts, none of them negative. */
export type IsoDuration = {
  years: number;
  months: number;
  weeks: number;
  days: number;
  hours: number;
  minutes: number;
  seconds: number;
};

const NUMBER = '(\\d{1,9})';
const DURATION = new RegExp(
  `^P(?!$)(?:${NUMBER}Y)?(?:${NUMBER}M)?(?:${NUMBER}W)?(?:${NUMBER}D)?` +
    `(?:T(?=\\d)(?:${NUMBER}H)?(?:${NUMBER}M)?(?:(\\d{1,9}(?:[.,]\\d{1,3})?)S)?)?$`,
);

/** @returns undefined when the text is no duration; fractions are known of seconds alone */
export function parseIsoDuration(text: string): IsoDuration | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  const [years, months, weeks, days, hours, minutes, seconds] = match
    .slice(1)
    .map((part) => Number((part ?? '0').replace(',', '.')));
  return {
    years: years ?? 0,
    months: months ?? 0,
    weeks: weeks ?? 0,
    days: days ?? 0,
    hours: hours ?? 0,
    minutes: minutes ?? 0,
    seconds: seconds ?? 0,
  };
}

/**
 * Adds a duration in UTC, where every day has 24 hours: years and months first, on the last day of a month that has no
 * such day. Dates of people are added in their own time zone instead, by the calendar of the activities.
 */
export function addInUtc(instant: Date, duration: IsoDuration): Date {
  const moved = new Date(instant);
  const dayOfMonth = moved.getUTCDate();
  moved.setUTCDate(1);
  moved.setUTCFullYear(moved.getUTCFullYear() + duration.years, moved.getUTCMonth() + duration.months);
  moved.setUTCDate(Math.min(dayOfMonth, lastDayOfMonth(moved)));
  const days = duration.weeks * 7 + duration.days;
  const seconds = ((days * 24 + duration.hours) * 60 + duration.minutes) * 60 + duration.seconds;
  return new Date(moved.getTime() + Math.round(seconds * 1000));
}

/** The instant from which `addInUtc` would lead here, or, where days of months are missing, one of them. */
export function subtractInUtc(instant: Date, duration: IsoDuration): Date {
  const back = Object.fromEntries(Object.entries(duration).map(([part, count]) => [part, -count]));
  return addInUtc(instant, { ...duration, ...back });
}

function lastDayOfMonth(instant: Date): number {
  return new Date(Date.UTC(instant.getUTCFullYear(), instant.getUTCMonth() + 1, 0)).getUTCDate();
}
