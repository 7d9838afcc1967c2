import qs from 'qs';
import { z } from 'zod';
import type { Table, TableDefinition, WalkOptions } from '../state/table.ts';
import type { Transaction } from '../state/transaction.ts';
import { invalidRequest } from './errors.ts';
import { pageLimit } from './lists.ts';

const limitDefault = 10;

/** The parameters that every list of the v2 API takes. */
export const v2ListParameters = { limit: pageLimit.optional(), page: z.string().optional() };

/** A page of the v2 API: the way to the others is a URL. */
export interface V2Page {
  readonly data: readonly unknown[];
  readonly next_page_url: string | null;
  readonly previous_page_url: string | null;
}

/** A row's id, and which side of it the page is on. */
type Position = { readonly side: 'newer' | 'older'; readonly id: string };

/**
 * One page of a table, newest first.
 * @param page.path without its query, such as `/v2/core/events`
 * @param page.parameters as they came; the URLs of the other pages carry them on
 * @throws StripeError 400 for a page that this list did not hand out
 */
export function v2Page<Row extends { readonly id: string }>(
  tx: Transaction,
  page: {
    table: TableDefinition<Row>;
    index?: WalkOptions['index'] | undefined;
    where?: (row: Row) => boolean;
    render: (row: Row) => unknown;
    path: string;
    parameters: { readonly limit?: number | undefined; readonly page?: string | undefined };
  },
): V2Page {
  const limit = page.parameters.limit ?? limitDefault;
  const at = page.parameters.page === undefined ? undefined : positionOf(page.parameters.page);
  const isBackwards = at?.side === 'newer';
  const found: Row[] = [];
  for (const row of rowsFrom(tx.table(page.table), page.index, at)) {
    if (page.where && !page.where(row)) continue;
    found.push(row);
    if (found.length > limit) break;
  }
  const data = found.slice(0, limit);
  if (isBackwards) data.reverse();
  const isMore = found.length > limit;
  const url = (position: Position): string =>
    `${page.path}?${qs.stringify({ ...page.parameters, page: tokenOf(position) })}`;
  const first = data[0];
  const last = data.at(-1);
  return {
    data: data.map((row) => page.render(row)),
    next_page_url: last && (isMore || isBackwards) ? url({ side: 'older', id: last.id }) : null,
    previous_page_url: first && at && (isMore || !isBackwards) ? url({ side: 'newer', id: first.id }) : null,
  };
}

function rowsFrom<Row extends { readonly id: string }>(
  table: Table<Row>,
  index: WalkOptions['index'] | undefined,
  at: Position | undefined,
): Iterable<Row> {
  const within = index ? { index } : {};
  if (!at) return table.newestFirst(within);
  if (!table.get(at.id)) throw pageInvalid();
  return at.side === 'newer'
    ? table.oldestFirst({ ...within, newerThan: at.id })
    : table.newestFirst({ ...within, olderThan: at.id });
}

function tokenOf({ side, id }: Position): string {
  return Buffer.from(`${side} ${id}`).toString('base64url');
}

function positionOf(token: string): Position {
  const [side, id = ''] = Buffer.from(token, 'base64url').toString('utf8').split(' ');
  if (side !== 'newer' && side !== 'older') throw pageInvalid();
  return { side, id };
}

function pageInvalid(): Error {
  return invalidRequest({ param: 'page', message: 'Invalid page token.' });
}
