import { InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { addInUtc, parseIsoDuration, subtractInUtc } from '../domain/iso-duration.ts';

const instantSchema = z.union([z.iso.datetime({ offset: true }), z.iso.date()]);

/** Reads a whole number from `min` to `max`. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** Reads an instant, or how long ago it is: `2026-11-30T09:00:00Z`, `2026-11-30` (in UTC), `PT1H`. */
export function instantAgo(text: string): Date {
  return instant(text, subtractInUtc);
}

/** The same with a duration from now on. */
export function instantAhead(text: string): Date {
  return instant(text, addInUtc);
}

function instant(text: string, move: typeof addInUtc): Date {
  const duration = parseIsoDuration(text);
  const read = duration
    ? move(new Date(), duration)
    : new Date(instantSchema.safeParse(text).data ?? Number.NaN);
  if (!Number.isNaN(read.getTime())) return read;
  throw new InvalidArgumentError(
    'It must be an instant such as 2026-11-30T09:00:00Z, a date, or a duration such as PT1H or P3D.',
  );
}

/** Reads a value by a schema of the domain. */
export function by<T>(schema: z.ZodType<T>): (text: string) => T {
  return (text) => {
    const parsed = schema.safeParse(text);
    if (parsed.success) return parsed.data;
    throw new InvalidArgumentError(`It ${parsed.error.issues[0]?.message ?? 'is not valid'}.`);
  };
}
