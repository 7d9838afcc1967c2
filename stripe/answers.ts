import { z } from 'zod';
import { Failure } from '../domain/failures.ts';

/**
 * Text as Postgres can keep it: without NUL and lone surrogates, which Stripe may carry but neither `text` nor `jsonb`
 * accepts.
 */
const storable = z.string().transform((text) => text.replace(/[\0\p{Cs}]/gu, ''));

export const text = storable;
export const optionalText = storable.nullish().transform((value) => value ?? null);
export const metadata = z
  .record(storable, storable)
  .nullish()
  .transform((value) => value ?? {});

/** Unix seconds to an instant. */
export const instant = z.int().transform((seconds) => new Date(seconds * 1000));
export const optionalInstant = instant.nullish().transform((value) => value ?? null);

/** An id, or the object itself when it was expanded. */
export const expandableId = z.union([
  z.string(),
  z.object({ id: z.string() }).transform((object) => object.id),
]);

/**
 * Takes what we need out of an answer. A proxy's page or a cut answer can come as a success through the SDK, so no
 * shape is believed.
 *
 * @throws Failure StripeUnavailable, retried, naming the fields that don't fit
 */
export function readAnswer<T>(schema: z.ZodType<T>, answer: unknown): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => issue.path.join('.') || 'the answer itself');
  throw new Failure(
    'StripeUnavailable',
    `Stripe's answer has an unknown shape at ${[...new Set(fields)].join(', ')}`,
  );
}
