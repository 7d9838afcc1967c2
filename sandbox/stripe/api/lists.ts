import { z } from 'zod';
import type { TableDefinition, WalkOptions } from '../state/table.ts';
import type { Transaction } from '../state/transaction.ts';
import { invalidRequest, noSuchInParameter } from './errors.ts';
import { integer, text } from './parameters.ts';

const limitDefault = 10;
const limitMax = 100;
/** Lists inside an object show this many; the rest is behind their url. */
const embeddedMax = 10;

/** How many objects a page has at most. */
export const pageLimit = integer.refine((limit) => limit >= 1 && limit <= limitMax, {
  error: `This value must be between 1 and ${limitMax} (inclusive).`,
});

/** The parameters that every list takes. */
export const listParameters = {
  limit: pageLimit.optional(),
  starting_after: text.optional(),
  ending_before: text.optional(),
};
const listSchema = z.object(listParameters);

/** A page in Stripe's form. */
export interface List {
  readonly object: 'list';
  readonly data: readonly unknown[];
  readonly has_more: boolean;
  readonly url: string;
}

/**
 * One page of a table, newest first. Reads only as many rows as the page and its filter need.
 * @throws StripeError 400 for a cursor that is no row, or for two cursors.
 */
export function pageOfTable<Row extends { readonly id: string }>(
  tx: Transaction,
  page: {
    table: TableDefinition<Row>;
    index?: WalkOptions['index'] | undefined;
    parameters: z.infer<typeof listSchema>;
    where?: (row: Row) => boolean;
    render: (row: Row) => unknown;
    url: string;
  },
): List {
  const { parameters, where } = page;
  const limit = parameters.limit ?? limitDefault;
  const table = tx.table(page.table);
  const cursor = readCursor(parameters);
  if (cursor && !table.get(cursor.id)) throw noSuchInParameter(page.table.noun, cursor.id, cursor.param);
  const index = page.index ? { index: page.index } : {};
  const backwards = cursor?.param === 'ending_before';
  const rows = backwards
    ? table.oldestFirst({ ...index, newerThan: cursor.id })
    : table.newestFirst({ ...index, ...(cursor ? { olderThan: cursor.id } : {}) });
  const found: Row[] = [];
  for (const row of rows) {
    if (where && !where(row)) continue;
    found.push(row);
    if (found.length > limit) break;
  }
  const data = found.slice(0, limit);
  if (backwards) data.reverse();
  return { object: 'list', data: data.map(page.render), has_more: found.length > limit, url: page.url };
}

/** One page of rows that are already at hand, in the order given. */
export function pageOfRows<Row extends { readonly id: string }>(
  rows: readonly Row[],
  page: { noun: string; parameters: z.infer<typeof listSchema>; render: (row: Row) => unknown; url: string },
): List {
  const limit = page.parameters.limit ?? limitDefault;
  const cursor = readCursor(page.parameters);
  const position = cursor ? rows.findIndex((row) => row.id === cursor.id) : -1;
  if (cursor && position < 0) throw noSuchInParameter(page.noun, cursor.id, cursor.param);
  const backwards = cursor?.param === 'ending_before';
  const rest = backwards ? rows.slice(0, position) : rows.slice(position + 1);
  const data = backwards ? rest.slice(-limit) : rest.slice(0, limit);
  return { object: 'list', data: data.map(page.render), has_more: rest.length > limit, url: page.url };
}

/** The list inside another object: its first ten. */
export function embeddedList(rows: readonly unknown[], url: string): List {
  return { object: 'list', data: rows.slice(0, embeddedMax), has_more: rows.length > embeddedMax, url };
}

function readCursor(
  parameters: z.infer<typeof listSchema>,
): { id: string; param: 'starting_after' | 'ending_before' } | undefined {
  const { starting_after: after, ending_before: before } = parameters;
  if (after !== undefined && before !== undefined) {
    throw invalidRequest({
      param: 'ending_before',
      message: 'You may only specify one of these parameters: ending_before, starting_after.',
    });
  }
  if (after !== undefined) return { id: after, param: 'starting_after' };
  if (before !== undefined) return { id: before, param: 'ending_before' };
  return undefined;
}
