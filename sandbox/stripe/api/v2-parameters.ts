import { z } from 'zod';
import type { Metadata } from './parameters.ts';

/** Metadata in a JSON body: null deletes its key. */
export const v2Metadata = z.record(z.string(), z.string().nullable());

/** Old metadata with the changes that came in a JSON body. */
export function mergeV2Metadata(
  old: Metadata,
  change: Readonly<Record<string, string | null>> | undefined,
): Metadata {
  const merged = Object.entries({ ...old, ...change });
  return Object.fromEntries(merged.filter((entry): entry is [string, string] => entry[1] !== null));
}
