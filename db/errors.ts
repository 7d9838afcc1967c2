import { DrizzleQueryError } from 'drizzle-orm';
import pg from 'pg';
import { Failure } from '../domain/failures.ts';

/** How far a chain of causes is followed: drizzle wraps once, pg not at all; more would be a loop. */
const CAUSE_DEPTH_MAX = 5;

/**
 * SQLSTATE classes and codes that pass by themselves: connection trouble, resources, shutdown and start-up of the
 * server, serialisation failures, deadlocks, lock and statement timeouts. (PostgreSQL manual, appendix A.)
 */
const TRANSIENT_CLASSES: ReadonlySet<string> = new Set(['08', '53', '57', '58']);
const TRANSIENT_CODES: ReadonlySet<string> = new Set(['40001', '40P01', '55P03', '25P03', '25006']);

/** Codes of Node's sockets and DNS when the server is away. */
const TRANSIENT_SOCKET_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** pg's own errors about connections carry no code; these are all of their messages. */
const TRANSIENT_MESSAGE =
  /^(Connection terminated|Query read timeout|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end|The server closed the connection)/;

/** Classes whose errors are about the row or the statement: the same again gives the same again. */
const REFUSED_CLASSES: ReadonlySet<string> = new Set(['22', '23', '42', 'P0']);

/**
 * Names an error that came out of a query. Its message holds neither SQL parameters nor row contents: they may be
 * personal data, and the message ends in logs and workflow histories.
 *
 * @returns the error itself when it isn't Postgres's
 */
export function databaseFailure(error: unknown): unknown {
  if (error instanceof Failure) return error;
  const cause = findCause(error);
  if (cause === undefined) return withoutQuery(error);
  const code = codeOf(cause);
  if (isTransient(cause))
    return new Failure('DatabaseUnavailable', `Postgres is away (${code ?? 'connection lost'})`);
  if (cause instanceof pg.DatabaseError && REFUSED_CLASSES.has(code?.slice(0, 2) ?? '')) {
    const what = [cause.constraint, cause.table, cause.column].filter(Boolean).join(', ');
    return new Failure(
      'DatabaseRefused',
      `Postgres refused a statement (SQLSTATE ${code}${what && `: ${what}`})`,
    );
  }
  return new Error(`Postgres answered SQLSTATE ${code ?? 'unknown'}`);
}

/** drizzle's own message quotes the statement with its parameters, so of a query that was never sent only the kind is told. */
function withoutQuery(error: unknown): unknown {
  if (!(error instanceof DrizzleQueryError)) return error;
  return new Error(`A statement could not be sent to Postgres (${error.cause?.name ?? 'no cause'})`);
}

/** Is the database (or the way to it) away, so that the same thing later may go well? */
export function isDatabaseAway(error: unknown): boolean {
  const cause = findCause(error);
  return cause !== undefined && isTransient(cause);
}

/** Undefined table, undefined column, invalid schema name: the set-up of this version was not run. */
const SCHEMA_MISSING_CODES: ReadonlySet<string> = new Set(['42P01', '42703', '3F000']);

/** Does a statement name what the database doesn't have? */
export function isSchemaMissing(error: unknown): boolean {
  const cause = findCause(error);
  return cause !== undefined && SCHEMA_MISSING_CODES.has(codeOf(cause) ?? '');
}

function isTransient(cause: Error): boolean {
  const code = codeOf(cause);
  if (code === undefined) return TRANSIENT_MESSAGE.test(cause.message);
  return (
    TRANSIENT_SOCKET_CODES.has(code) ||
    TRANSIENT_CODES.has(code) ||
    (cause instanceof pg.DatabaseError && TRANSIENT_CLASSES.has(code.slice(0, 2)))
  );
}

/** The first error in the chain that Postgres, pg or the socket made. */
function findCause(error: unknown): Error | undefined {
  let current: unknown = error;
  for (let depth = 0; depth < CAUSE_DEPTH_MAX && current instanceof Error; depth += 1) {
    // A refused connection to a name with several addresses comes as a group of errors.
    if (current instanceof AggregateError) current = current.errors[0];
    if (!(current instanceof Error)) return undefined;
    // Other libraries' errors carry codes too, which are none of ours.
    if (current instanceof pg.DatabaseError || isTransient(current)) return current;
    current = current.cause;
  }
  return undefined;
}

function codeOf(error: Error): string | undefined {
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
