import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import * as schema from './schema.ts';

export type Database = NodePgDatabase<typeof schema> & { $client: Pick<pg.Pool, 'query'> };
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

/** Connections a process may hold; workers and gateways are many, Postgres has a hundred by default. */
const POOL_SIZE_DEFAULT = 10;
const CONNECT_TIMEOUT_MS = 5_000;
/** Above the longest statement we have by far: a statement that takes longer is stuck, and its retry is safe. */
const STATEMENT_TIMEOUT_DEFAULT_MS = 30_000;
/** The server ends a statement first; a server that can't even do that is given up a little later. */
const QUERY_TIMEOUT_MARGIN_MS = 1_000;
/** A process that died in a transaction must not hold its locks for longer than this. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000;

export type DatabaseConnection = { database: Database; pool: pg.Pool; close: () => Promise<void> };

/**
 * Opens a pool; no connection is made before the first query.
 *
 * @param onError gets what goes wrong with a connection on which no statement runs, be it idle or between two statements
 *   of a transaction; a statement that runs fails by itself
 */
export function connectDatabase(options: {
  url: string;
  applicationName: string;
  poolSize?: number;
  statementTimeoutMs?: number;
  onError: (error: Error) => void;
}): DatabaseConnection {
  const statementTimeoutMs = options.statementTimeoutMs ?? STATEMENT_TIMEOUT_DEFAULT_MS;
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: options.applicationName,
    max: options.poolSize ?? POOL_SIZE_DEFAULT,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + QUERY_TIMEOUT_MARGIN_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    keepAlive: true,
  });
  // The pool listens to a connection only while it is idle. An error that nobody listens to ends the process.
  pool.on('connect', (client) => client.on('error', options.onError));
  // The same errors again, of idle connections.
  pool.on('error', () => undefined);
  return { database: drizzle(pool, { schema }), pool, close: () => pool.end() };
}
