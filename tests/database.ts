import { randomUUID } from 'node:crypto';
import { afterAll, inject } from 'vitest';
import { connectDatabase, type DatabaseConnection } from '../db/connect.ts';
import { createDatabaseFromTemplate, dropDatabase } from '../sandbox/postgres/template.ts';

export const MASTER_BILLING_TENANT_ID = '00000000-0000-4000-8000-000000000001';

export type TestDatabase = Omit<DatabaseConnection, 'close'> & { url: string };

/** A migrated database for one test file, dropped after it; a pool that was left open fails the drop. */
export async function useDatabase(): Promise<TestDatabase> {
  const server = inject('postgresUrl');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const url = await createDatabaseFromTemplate({ url: server, name });
  const { close, ...connection } = connectDatabase({
    url,
    applicationName: name,
    onError: (error) => process.stderr.write(`${error.message}\n`),
  });
  afterAll(async () => {
    await close();
    await dropDatabase({ url: server, name });
  });
  return { ...connection, url };
}
