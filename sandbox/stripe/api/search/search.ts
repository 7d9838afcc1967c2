import { z } from 'zod';
import { type Route, route } from '../../resource.ts';
import type { TableDefinition } from '../../state/table.ts';
import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { invalidRequest } from '../errors.ts';
import { listParameters } from '../lists.ts';
import { text } from '../parameters.ts';
import type { Searchable } from './search-fields.ts';
import { searchTest } from './search-match.ts';
import { parseSearchQuery } from './search-query.ts';

const limitDefault = 10;

const searchParameters = z.strictObject({ limit: listParameters.limit, page: text.optional(), query: text });

interface SearchableRow {
  readonly id: string;
  readonly created: number;
  readonly test_clock?: string | null;
}

interface Searched<Row extends SearchableRow> {
  readonly of: Searchable;
  readonly table: TableDefinition<Row>;
  /** The object as the API shows it, which is what the query is held against. */
  readonly render: (tx: Transaction, row: Row) => object;
}

/**
 * Declares `GET /v1/<of>/search`. It sees what is older than the setting `searchLagSeconds`; of that, it sees the
 * newest state, newest first.
 */
export function searchRoute<Row extends SearchableRow>(searched: Searched<Row>): Route {
  return route({
    method: 'GET',
    path: pathOf(searched.of),
    parameters: searchParameters,
    handle: ({ tx, parameters }) => search(tx, searched, parameters),
  });
}

function search<Row extends SearchableRow>(
  tx: Transaction,
  { of, table, render }: Searched<Row>,
  parameters: z.infer<typeof searchParameters>,
): object {
  const test = searchTest(of, parseSearchQuery(parameters.query));
  const limit = parameters.limit ?? limitDefault;
  const after = parameters.page === undefined ? {} : { olderThan: rowOfPage(tx, table, parameters.page) };
  const found: object[] = [];
  let last: string | null = null;
  for (const row of tx.table(table).newestFirst(after)) {
    if (!isIndexed(tx, row)) continue;
    const object = render(tx, row);
    if (!test({ ...object })) continue;
    if (found.length === limit) return result(of, found, last);
    found.push(object);
    last = row.id;
  }
  return result(of, found, null);
}

function pathOf(of: Searchable): string {
  return `/v1/${of}/search`;
}

function isIndexed(tx: Transaction, row: SearchableRow): boolean {
  const { searchLagSeconds } = tx.account.billing;
  return searchLagSeconds === 0 || row.created + searchLagSeconds <= timeOf(tx, row.test_clock ?? null);
}

/** @param last the id after which the next page begins; null when there is none */
function result(of: Searchable, data: readonly object[], last: string | null): object {
  return {
    object: 'search_result',
    data,
    has_more: last !== null,
    next_page: last === null ? null : Buffer.from(last).toString('base64'),
    url: pathOf(of),
  };
}

function rowOfPage<Row extends SearchableRow>(
  tx: Transaction,
  table: TableDefinition<Row>,
  page: string,
): string {
  const id = Buffer.from(page, 'base64').toString();
  if (tx.table(table).get(id)) return id;
  throw invalidRequest({ param: 'page', message: 'Invalid search page. Use the `next_page` of an answer.' });
}
