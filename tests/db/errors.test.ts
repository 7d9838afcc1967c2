import { sql } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { connectDatabase, type Database } from '../../db/connect.ts';
import { databaseFailure, isDatabaseAway } from '../../db/errors.ts';
import { tenants } from '../../db/schema.ts';
import { Failure } from '../../domain/failures.ts';
import { useDatabase } from '../database.ts';

const { database, url } = await useDatabase();
const SECRET = 'ada@example.com';

/** What an error is named, with all the text that could end in a log. */
async function failureOf(
  run: () => PromiseLike<unknown>,
): Promise<{ name: string; text: string; isAway: boolean }> {
  try {
    await run();
  } catch (error) {
    const failure = databaseFailure(error);
    if (!(failure instanceof Error)) throw error;
    return {
      name: failure.name,
      text: `${failure.message} ${failure.cause ?? ''}`,
      isAway: isDatabaseAway(error),
    };
  }
  throw new Error('nothing failed');
}

/** A pool of its own, for a test that breaks it. */
async function withPool<T>(
  options: { url: string; statementTimeoutMs?: number },
  run: (own: Database, close: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const connection = connectDatabase({
    ...options,
    applicationName: 'errors',
    poolSize: 1,
    onError: () => undefined,
  });
  let isOpen = true;
  const close = async () => {
    if (isOpen) await connection.close();
    isOpen = false;
  };
  try {
    return await run(connection.database, close);
  } finally {
    await close();
  }
}

test.each<[string, () => PromiseLike<unknown>, string]>([
  [
    'a CHECK',
    () => database.insert(tenants).values({ clientName: 'x', email: SECRET, licensedUserCount: -1 }),
    'tenants_licensed_user_count_not_negative',
  ],
  [
    'a NOT NULL',
    () => database.execute(sql`insert into tenants (client_name, email) values (null, ${SECRET})`),
    'client_name',
  ],
  [
    'a number that does not fit',
    () =>
      database.insert(tenants).values({ clientName: 'x', email: SECRET, licensedUserCount: 3_000_000_000 }),
    '22003',
  ],
  [
    'a text that Postgres can’t keep',
    () => database.insert(tenants).values({ clientName: 'x\0', email: SECRET }),
    '22021',
  ],
  ['a statement that is wrong', () => database.execute(sql`select ${SECRET}::uuid`), '22P02'],
  [
    'a trigger that refuses',
    () => database.execute(sql`do $$ begin raise exception 'no: ada@example.com'; end $$`),
    'P0001',
  ],
])('I9 %s is refused for good, by its name and without its contents', async (_name, run, named) => {
  const failure = await failureOf(run);
  expect(failure).toMatchObject({ name: 'DatabaseRefused', isAway: false });
  expect(failure.text).toContain(named);
  expect(failure.text).not.toContain(SECRET);
});

test('a unique constraint is named', async () => {
  const values = { clientName: 'x', email: SECRET, provisioningKey: 'twice' };
  await database.insert(tenants).values(values);
  const failure = await failureOf(() => database.insert(tenants).values(values));
  expect(failure).toMatchObject({ name: 'DatabaseRefused' });
  expect(failure.text).toContain('tenants_provisioning_key_unique');
});

test('a server that is not there is away', async () => {
  const failure = await withPool({ url: 'postgres://user:hunter2@127.0.0.1:1/x' }, (own) =>
    failureOf(() => own.execute(sql`select ${SECRET}`)),
  );
  expect(failure).toMatchObject({ name: 'DatabaseUnavailable', isAway: true });
  expect(failure.text).not.toMatch(/hunter2|ada@/);
});

test('a name with several addresses that all refuse is away', async () => {
  const failure = await withPool({ url: 'postgres://user:hunter2@localhost:1/x' }, (own) =>
    failureOf(() => own.execute(sql`select 1`)),
  );
  expect(failure).toMatchObject({ name: 'DatabaseUnavailable', isAway: true });
});

test('a connection that is terminated in the middle of a statement is away', async () => {
  const failure = await withPool({ url }, (own) =>
    failureOf(() => own.execute(sql`select pg_terminate_backend(pg_backend_pid())`)),
  );
  expect(failure).toMatchObject({ name: 'DatabaseUnavailable', isAway: true });
});

test('a statement that runs into its limit is away, not refused', async () => {
  const failure = await withPool({ url, statementTimeoutMs: 50 }, (own) =>
    failureOf(() => own.execute(sql`select pg_sleep(20), ${SECRET}::text`)),
  );
  expect(failure).toMatchObject({ name: 'DatabaseUnavailable', isAway: true });
  expect(failure.text).not.toContain(SECRET);
});

test('I9 a pool that was closed names no contents, and is tried again', async () => {
  const failure = await withPool({ url }, async (own, close) => {
    await close();
    return failureOf(() => own.insert(tenants).values({ clientName: 'x', email: SECRET }));
  });
  expect(failure.name).toBe('DatabaseUnavailable');
  expect(failure.text).not.toContain(SECRET);
});

test('I9 a parameter that can’t be sent names no contents', async () => {
  const unsendable = {
    toPostgres: () => {
      throw new RangeError(`bad value ${SECRET}`);
    },
  };
  const failure = await failureOf(() => database.execute(sql`select ${SECRET}, ${unsendable}`));
  expect(failure.text).not.toContain(SECRET);
});

test('errors of others are left as they are', () => {
  const others = [
    new TypeError('x'),
    new Failure('StripeUnavailable', 'x'),
    Object.assign(new Error('x'), { code: 'resource_missing' }),
    Object.assign(new Error('x'), { code: 'ERR_INVALID_ARG_TYPE' }),
    'text',
    undefined,
  ];
  for (const error of others) {
    expect(databaseFailure(error)).toBe(error);
    expect(isDatabaseAway(error)).toBe(false);
  }
});

test('a chain of causes without an end is not followed for ever', () => {
  const loop = new Error('x');
  loop.cause = loop;
  expect(databaseFailure(loop)).toBe(loop);
});
