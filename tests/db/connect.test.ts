import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { connectDatabase } from '../../db/connect.ts';
import { isDatabaseAway } from '../../db/errors.ts';
import { useDatabase } from '../database.ts';

const { url, pool: bystander } = await useDatabase();

test('a connection that breaks between two statements of a transaction fails it, not the process', async () => {
  const { database, pool, close, terminate, errors } = connect('breaks in a transaction');
  const transaction = database.transaction(async (tx) => {
    await tx.execute('select 1');
    await terminate();
    await vi.waitUntil(() => errors.length > 0);
    await tx.execute('select 2');
  });
  const error = await transaction.catch((caught: unknown) => caught);
  expect(isDatabaseAway(error)).toBe(true);
  await expect(pool.query('select 3')).resolves.toMatchObject({ rowCount: 1 });
  await close();
});

test('a connection that breaks while it is idle is told once and replaced', async () => {
  const { pool, close, terminate, errors } = connect('breaks while idle');
  await pool.query('select 1');
  await terminate();
  await vi.waitUntil(() => errors.length > 0);
  await expect(pool.query('select 2')).resolves.toMatchObject({ rowCount: 1 });
  expect(errors.filter((error) => error instanceof pg.DatabaseError)).toHaveLength(1);
  await close();
});

function connect(applicationName: string) {
  const errors: Error[] = [];
  const connection = connectDatabase({ url, applicationName, onError: (error) => errors.push(error) });
  const terminate = () =>
    bystander.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = $1',
      [applicationName],
    );
  return { ...connection, errors, terminate };
}
