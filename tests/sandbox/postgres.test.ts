import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Postgres, startPostgres } from '../../sandbox/postgres/start-postgres.ts';
import { createDatabaseFromTemplate, createTemplate, dropDatabase } from '../../sandbox/postgres/template.ts';
import { isOpenToOthers } from '../../sandbox/postgres/unprivileged-user.ts';
import { withClient } from '../../sandbox/postgres/with-client.ts';

const log = () => undefined;
let postgres: Postgres;

beforeAll(async () => {
  postgres = await startPostgres({ durable: false, log });
});
afterAll(() => postgres.close());

async function query(url: string, text: string): Promise<unknown[]> {
  return withClient(url, async (client) => (await client.query(text)).rows);
}

test('it is Postgres 18 in UTF-8 and UTC with 200 connections, and its password counts', async () => {
  const [row] = await query(
    postgres.url,
    `SELECT current_setting('server_version_num')::int / 10000 AS version, current_setting('server_encoding') AS encoding,
            current_setting('TimeZone') AS zone, current_setting('max_connections') AS connections,
            lower('ÄÖÜ') AS folded`,
  );
  expect(row).toEqual({ version: 18, encoding: 'UTF8', zone: 'UTC', connections: '200', folded: 'äöü' });
  const wrong = new URL(postgres.url);
  wrong.password = 'wrong';
  await expect(query(wrong.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
});

test('fsync is on unless a test gives it up', async () => {
  const durable = await startPostgres({ log });
  try {
    expect(await query(durable.url, 'SHOW fsync')).toEqual([{ fsync: 'on' }]);
    expect(await query(postgres.url, 'SHOW fsync')).toEqual([{ fsync: 'off' }]);
  } finally {
    await durable.close();
  }
});

test('after an outage and after a crash the same address serves the same data', async () => {
  const server = await startPostgres({ log });
  try {
    await query(server.url, 'CREATE TABLE kept AS SELECT 1 AS number');
    await server.stop();
    await expect(query(server.url, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await server.start();
    await query(server.url, 'INSERT INTO kept VALUES (2)');
    await server.crash();
    await server.start();
    expect(await query(server.url, 'SELECT number FROM kept ORDER BY 1')).toEqual([
      { number: 1 },
      { number: 2 },
    ]);
  } finally {
    await server.close();
  }
});

test('a named data directory is kept between runs, even where an ordinary user can not reach it', async () => {
  const closed = await mkdtemp(join(tmpdir(), 'tenantry-closed-'));
  const dataDirectory = join(closed, 'postgres');
  let elsewhere: string | undefined;
  const open = () =>
    startPostgres({
      dataDirectory,
      log: (line) => (elsewhere = / its data is in (.+)$/.exec(line)?.[1] ?? elsewhere),
    });
  try {
    expect(await isOpenToOthers(closed)).toBe(false);
    const first = await open();
    await query(first.url, 'CREATE TABLE kept AS SELECT 1 AS number').finally(first.close);
    const second = await open();
    expect(await query(second.url, 'SELECT number FROM kept').finally(second.close)).toEqual([{ number: 1 }]);
  } finally {
    for (const folder of [closed, elsewhere]) if (folder) await rm(folder, { recursive: true, force: true });
  }
});

test('it starts where the temporary folder itself is one that an ordinary user can not reach', async () => {
  const closed = await mkdtemp(join(tmpdir(), 'tenantry-closed-'));
  vi.stubEnv('TMPDIR', closed);
  try {
    const server = await startPostgres({ durable: false, log });
    expect(await query(server.url, 'SELECT 1 AS number').finally(server.close)).toEqual([{ number: 1 }]);
  } finally {
    vi.unstubAllEnvs();
    await rm(closed, { recursive: true, force: true });
  }
});

test('close() ends the server, removes the temporary cluster and may be called again', async () => {
  const server = await startPostgres({ durable: false, log });
  const [row] = (await query(server.url, 'SHOW data_directory')) as { data_directory: string }[];
  const directory = row?.data_directory ?? '';
  expect(existsSync(join(directory, 'PG_VERSION'))).toBe(true);
  await server.close();
  await server.close();
  expect(existsSync(join(directory, '..'))).toBe(false);
});

test('many databases are copied from one template at the same time, and the template is made once', async () => {
  const { url } = postgres;
  let migrations = 0;
  const migrate = async (target: string) => {
    migrations += 1;
    await query(target, 'CREATE TABLE migrated AS SELECT 1 AS number');
  };
  await Promise.all([createTemplate({ url, migrate }), createTemplate({ url, migrate })]);
  expect(migrations).toBe(1);
  const names = Array.from({ length: 8 }, (_, index) => `copy "${index}"`);
  const urls = await Promise.all(names.map((name) => createDatabaseFromTemplate({ url, name })));
  for (const copy of urls) expect(await query(copy, 'SELECT number FROM migrated')).toEqual([{ number: 1 }]);
});

test('a template whose migration failed is made again', async () => {
  const { url } = postgres;
  const template = 'second_try';
  const failing = () => Promise.reject(new Error('bad migration'));
  await expect(createTemplate({ url, template, migrate: failing })).rejects.toThrow('bad migration');
  await createTemplate({
    url,
    template,
    migrate: async (target) => void (await query(target, 'CREATE TABLE made ()')),
  });
  const copy = await createDatabaseFromTemplate({ url, template, name: 'copy_of_second_try' });
  expect(await query(copy, 'SELECT * FROM made')).toEqual([]);
});

test('a database is dropped even with connections open', async () => {
  const { url } = postgres;
  await query(url, 'CREATE DATABASE busy');
  const client = new pg.Client({ connectionString: url.replace(/postgres$/, 'busy') });
  const cut = new Promise<Error>((resolve) => client.on('error', resolve));
  await client.connect();
  await dropDatabase({ url, name: 'busy' });
  expect(await cut).toMatchObject({ code: '57P01' });
  await dropDatabase({ url, name: 'busy' });
});
