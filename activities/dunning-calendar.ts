import { DateTime } from 'luxon';
import type { Calendar, DatedStage } from '../domain/dunning.ts';
import { type DunningStage, type QuietTimes, WEEKDAYS } from '../domain/dunning-policy.ts';

/** Every week has a day on which something may be done, and a day has an hour; the rest is for changes of the clock. */
const MOVES_MAX = 20;

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
  const stages = options.stages.map((stage): DatedStage => {
    const nominalAt = anchor.plus(stage.after).plus({ days: options.extendedDays }).toJSDate();
    return { ...stage, nominalAt, dueAt: allowedFrom(nominalAt) };
  });
  return { stages, allowedFrom };
}

/** The first instant, this one or later, that lies outside of the quiet hours and on a day that is allowed. */
function allowed(instant: DateTime, { quiet_hours: hours, weekdays }: QuietTimes): DateTime {
  let moved = instant;
  for (let move = 0; move < MOVES_MAX; move += 1) {
    const day = WEEKDAYS[moved.weekday - 1];
    if (weekdays !== undefined && day !== undefined && !weekdays.includes(day)) {
      moved = moved.plus({ days: 1 }).startOf('day');
      continue;
    }
    const end = hours === undefined ? undefined : endOfQuiet(moved, hours);
    if (end === undefined) return moved;
    moved = end;
  }
  return moved;
}

/** When the quiet hours in which an instant lies are over; undefined when it lies in none. */
function endOfQuiet(instant: DateTime, { from, to }: { from: string; to: string }): DateTime | undefined {
  const time = instant.toFormat('HH:mm');
  const isOvernight = from > to;
  const isQuiet = isOvernight ? time >= from || time < to : time >= from && time < to;
  if (!isQuiet) return undefined;
  const [hour, minute] = to.split(':').map(Number);
  const day = isOvernight && time >= from ? instant.plus({ days: 1 }) : instant;
  const end = day.startOf('day').set({ hour: hour ?? 0, minute: minute ?? 0 });
  // An hour that comes twice when clocks are set back is named by its first; the second one's end is an hour later.
  return end > instant ? end : end.plus({ hours: 1 });
}
