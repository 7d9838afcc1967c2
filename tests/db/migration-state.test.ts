import { expect, test } from 'vitest';
import { isSchemaMissing } from '../../db/errors.ts';
import { migrationState } from '../../db/migration-state.ts';
import { serverState, tenantExists } from '../../db/server-state.ts';
import { MASTER_BILLING_TENANT_ID, useDatabase } from '../database.ts';

const { database, pool } = await useDatabase();

test('a database that was set up has all migrations of this version, and no other', async () => {
  expect(await migrationState(database)).toEqual({ missing: [], unknown: 0, changed: [] });
});

test('what is missing, changed or of a newer version is told by name or number', async () => {
  const journal = 'drizzle.__drizzle_migrations';
  await pool.query(`update ${journal} set hash = 'x' where id = 1`);
  await pool.query(`update ${journal} set created_at = 9999999999999 where id = 2`);
  expect(await migrationState(database)).toEqual({
    missing: ['0001_audit_log_is_append_only'],
    unknown: 1,
    changed: ['0000_initial'],
  });
  await pool.query('drop schema drizzle cascade');
  const { missing } = await migrationState(database);
  expect(missing.slice(0, 2)).toEqual(['0000_initial', '0001_audit_log_is_append_only']);
});

test('the server tells its version and its time', async () => {
  const before = Date.now();
  const { versionNumber, now } = await serverState(database);
  expect(versionNumber).toBeGreaterThanOrEqual(150_000);
  expect(Math.abs(now.getTime() - before)).toBeLessThan(10_000);
});

test('a tenant has a row or hasn’t', async () => {
  expect(await tenantExists(database, MASTER_BILLING_TENANT_ID)).toBe(true);
  expect(await tenantExists(database, '00000000-0000-4000-8000-00000000ffff')).toBe(false);
});

test('a table or column that is missing is told from other refusals', async () => {
  const errorOf = (statement: string) => database.execute(statement).catch((error: unknown) => error);
  expect(isSchemaMissing(await errorOf('select * from no_such_table'))).toBe(true);
  expect(isSchemaMissing(await errorOf('select no_such_column from tenants'))).toBe(true);
  expect(isSchemaMissing(await errorOf('select 1 / 0'))).toBe(false);
});
