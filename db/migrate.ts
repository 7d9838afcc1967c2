import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { MIGRATIONS_FOLDER } from './migration-state.ts';
import * as schema from './schema.ts';

/** Key of the advisory lock under which the database is set up; any constant that nobody else uses will do. */
const SETUP_LOCK = 7_370_001;
const CONNECT_TIMEOUT_MS = 5_000;
/** For another set-up that is at work, and for the locks of a table that others use. */
const LOCK_TIMEOUT_MS = 30_000;

/**
 * Brings the database to this version: migrations and the master billing tenant's row. Safe to repeat and safe from
 * two processes at once: the second waits for the advisory lock and finds nothing left to do.
 */
export async function setUpDatabase(options: { url: string; masterBillingTenantId: string }): Promise<void> {
  const client = new pg.Client({
    connectionString: options.url,
    application_name: 'tenantry setup',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
  });
  // The statement that follows fails by itself; an error that nobody listens to would end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    // The lock is held by the session: a process that dies lets go of it.
    await client.query('select pg_advisory_lock($1)', [SETUP_LOCK]);
    const database = drizzle(client, { schema });
    await migrate(database, { migrationsFolder: MIGRATIONS_FOLDER });
    await database
      .insert(schema.tenants)
      .values({
        tenant: options.masterBillingTenantId,
        clientName: 'Master billing tenant',
        email: 'billing@localhost',
      })
      .onConflictDoNothing();
  } finally {
    await client.end();
  }
}
