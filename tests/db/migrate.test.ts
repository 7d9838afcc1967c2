import { randomUUID } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import { setUpDatabase } from '../../db/migrate.ts';
import { databaseUrl, dropDatabase } from '../../sandbox/postgres/template.ts';
import { withClient } from '../../sandbox/postgres/with-client.ts';

const MASTER = '00000000-0000-4000-8000-000000000001';

test('two set-ups at once bring an empty database to the same state as one', async () => {
  const server = inject('postgresUrl');
  const name = `migrate_${randomUUID().replaceAll('-', '')}`;
  await query(server, `create database ${name}`);
  const url = databaseUrl(server, name);
  const setUp = () => setUpDatabase({ url, masterBillingTenantId: MASTER });
  await Promise.all([setUp(), setUp(), setUp()]);
  await setUp();
  const migrations = await query(url, 'select count(*)::int as count from drizzle.__drizzle_migrations');
  const masters = await query(url, `select count(*)::int as count from tenants where tenant = '${MASTER}'`);
  expect(masters).toEqual([{ count: 1 }]);
  expect(migrations[0]?.count).toBeGreaterThanOrEqual(2);
  await dropDatabase({ url: server, name });
});

async function query(url: string, sql: string): Promise<{ count?: number }[]> {
  return withClient(url, async (client) => (await client.query(sql)).rows);
}
