import { type SQL, sql } from 'drizzle-orm';
import type { Database } from './connect.ts';
import { stripeWebhookEvents as events } from './schema.ts';

/** A backlog of more rows is shown as one of this many: counting must stay cheap when there is trouble enough. */
const ROWS_COUNTED_MAX = 100_000;

export type InboxBacklog = {
  /** Pending rows, at most 100,000. */
  rows: number;
  /** Since the oldest of them came; 0 when there is none. */
  oldestMs: number;
  /** Rows that wait for a customer to become known, or for another key; at most 100,000. */
  parkedRows: number;
  /** Rows whose sync failed for good; at most 100,000. */
  failedRows: number;
};

/** What waits in the inbox now. */
export async function inboxBacklog(database: Database): Promise<InboxBacklog> {
  const { rows } = await database.execute<InboxBacklog>(inboxBacklogQuery());
  const [backlog] = rows;
  if (backlog === undefined) throw new Error('an aggregate answered no row');
  return backlog;
}

/** Three partial indexes answer it, in which settled rows don't stand; exported so that a test can ask Postgres for the plan. */
export function inboxBacklogQuery(): SQL {
  return sql`
    select pending.rows, pending."oldestMs", parked.rows as "parkedRows",
      failed.rows as "failedRows"
    from (
      select count(*)::int as rows,
        coalesce(extract(epoch from now() - min(created_at)) * 1000, 0)::float8 as "oldestMs"
      from (
        select created_at from ${events} where status = 'received'
        order by next_attempt_at limit ${ROWS_COUNTED_MAX}
      ) first
    ) pending
    cross join (
      select count(*)::int as rows
      from (select subject from ${events} where status = 'parked' limit ${ROWS_COUNTED_MAX}) first
    ) parked
    cross join (
      select count(*)::int as rows
      from (select created_at from ${events} where status = 'failed' limit ${ROWS_COUNTED_MAX}) first
    ) failed`;
}
