import type { TestProject } from 'vitest/node';
import { setUpDatabase } from '../db/migrate.ts';
import { startPostgres } from '../sandbox/postgres/start-postgres.ts';
import { createTemplate } from '../sandbox/postgres/template.ts';
import { MASTER_BILLING_TENANT_ID } from './database.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    postgresUrl: string;
  }
}

/** One Postgres for the whole run, with a migrated template from which each test file takes a database of its own. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startPostgres({ durable: false, log: () => undefined });
  await createTemplate({
    url: postgres.url,
    migrate: (url) => setUpDatabase({ url, masterBillingTenantId: MASTER_BILLING_TENANT_ID }),
  });
  project.provide('postgresUrl', postgres.url);
  return () => postgres.close();
}
