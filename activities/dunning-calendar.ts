import { DateTime } from 'luxon';
import type { Calendar, DatedStage } from '../domain/dunning.ts';
import { type DunningStage, type QuietTimes, WEEKDAYS } from '../domain/dunning-policy.ts';

/** Every week has a day on which something may be done, and a day has an hour; the rest is for changes of the clock. */
const MOVES_MAX = 20;
const DAY_MINUTES = 24 * 60;
const MINUTE_MS = 60_000;

/**
 * Dates the stages of an invoice by the calendar of the tenant's time zone: a day there may have 23 or 25 hours. Time-zone
 * data changes between releases, so this is for activities, whose answers a workflow keeps.
 *
 * @param options.anchor from which the offsets count
 * @param options.extendedDays by which an operator put every stage off
 * @param options.timeZone IANA name; one that is unknown here counts as UTC
 */
export function datesOf(options: {
  stages: readonly DunningStage[];
  anchor: Date;
  extendedDays: number;
  timeZone: string;
  quietTimes: QuietTimes;
}): Calendar {
  const zone = DateTime.local({ zone: options.timeZone }).isValid ? options.timeZone : 'UTC';
  const anchor = DateTime.fromJSDate(options.anchor, { zone });
  const allowedFrom = (instant: Date) =>
    allowed(DateTime.fromJSDate(instant, { zone }), options.quietTimes).toJSDate();
  let before = options.anchor;
  const stages = options.stages.map((stage): DatedStage => {
    const date = anchor.plus(stage.after).plus({ days: options.extendedDays }).toJSDate();
    // Days by the calendar and hours by the clock change places where clocks are set back; the policy's order stays.
    const nominalAt = date > before ? date : before;
    before = nominalAt;
    return { ...stage, nominalAt, dueAt: allowedFrom(nominalAt) };
  });
  return { stages, allowedFrom };
}

/** The first instant, this one or later, that lies outside of the quiet hours and on a day that is allowed. */
function allowed(instant: DateTime, quietTimes: QuietTimes): DateTime {
  let moved = instant;
  for (let move = 0; move < MOVES_MAX; move += 1) {
    const minutes = minutesOfQuiet(moved, quietTimes);
    if (minutes === 0) return moved;
    const minute = moved.startOf('minute');
    const end = minute.plus({ minutes });
    // Where the clock is changed meanwhile, it shows another time, which may be quiet or not.
    moved = changeOfClock(minute, end) ?? end;
  }
  return moved;
}

/** How long it stays quiet by a clock that is not changed meanwhile; 0 when it is not quiet. */
function minutesOfQuiet(local: DateTime, { quiet_hours: hours, weekdays }: QuietTimes): number {
  const minute = local.hour * 60 + local.minute;
  const day = WEEKDAYS[local.weekday - 1];
  if (weekdays !== undefined && day !== undefined && !weekdays.includes(day)) return DAY_MINUTES - minute;
  if (hours === undefined) return 0;
  const [from, to] = [minuteOfDay(hours.from), minuteOfDay(hours.to)];
  const isQuiet = from > to ? minute >= from || minute < to : minute >= from && minute < to;
  return isQuiet ? (to - minute + DAY_MINUTES) % DAY_MINUTES : 0;
}

function minuteOfDay(text: string): number {
  const [hour, minute] = text.split(':').map(Number);
  return (hour ?? 0) * 60 + (minute ?? 0);
}

/** The first minute of another offset from UTC, up to `end`; undefined when there is none. */
function changeOfClock(begin: DateTime, end: DateTime): DateTime | undefined {
  if (begin.offset === end.offset) return undefined;
  let [before, after] = [begin, end];
  while (after.toMillis() - before.toMillis() > MINUTE_MS) {
    const minutes = Math.floor((after.toMillis() - before.toMillis()) / MINUTE_MS / 2);
    const middle = before.plus({ minutes });
    if (middle.offset === begin.offset) before = middle;
    else after = middle;
  }
  return after;
}
