import { isDeepStrictEqual } from 'node:util';

/**
 * What `previous_attributes` of an updated event says: the old value of each attribute that changed. Nested
 * hashes show only their changed keys (null for a key that was not there); an array that changed anywhere is
 * shown whole. Undefined when nothing changed.
 */
export function previousAttributes(before: object, after: object): Record<string, unknown> | undefined {
  const old: Record<string, unknown> = { ...before };
  const current: Record<string, unknown> = { ...after };
  const changed: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(old), ...Object.keys(current)])) {
    const was = old[key];
    const is = current[key];
    if (was === is) continue;
    if (isHash(was) && isHash(is)) {
      const inner = previousAttributes(was, is);
      if (inner) changed[key] = inner;
    } else if (!isDeepStrictEqual(was, is)) {
      changed[key] = was ?? null;
    }
  }
  return Object.keys(changed).length > 0 ? changed : undefined;
}

function isHash(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
