import { wholeNumber } from './option-values.ts';
import type { Output } from './output.ts';

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 1_000;

/** The option of every list that is shown page by page. */
export const LIMIT_OPTION = [
  '--limit <n>',
  'how many at most',
  wholeNumber(1, LIMIT_MAX),
  LIMIT_DEFAULT,
] as const;

/** A page of a list, and what `--before` takes for the next one; null when this is the last. */
export type ListPage<T> = { page: T[]; next: string | null };

/** @param found one more than the page has, if there are more */
export function pageOf<T>(found: readonly T[], limit: number, idOf: (row: T) => string): ListPage<T> {
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return { page, next: found.length > limit && last !== undefined ? idOf(last) : null };
}

/** Says how to go on. */
export function tellNext(output: Output, next: string | null): void {
  if (next !== null) output.note(`There are more: --before ${next}`);
}
