import { eq, sql } from 'drizzle-orm';
import type { Database } from './connect.ts';
import { tenants } from './schema.ts';

export type ServerState = {
  /** Such as 180004 for 18.4. */
  versionNumber: number;
  /** The server's clock. */
  now: Date;
};

/** One round trip that needs no table of ours. */
export async function serverState(database: Database): Promise<ServerState> {
  const { rows } = await database.execute<{ version: number; nowMs: number }>(
    sql`select current_setting('server_version_num')::int as version,
      (extract(epoch from clock_timestamp()) * 1000)::float8 as "nowMs"`,
  );
  const [state] = rows;
  if (state === undefined) throw new Error('a select without a table answered no row');
  return { versionNumber: state.version, now: new Date(state.nowMs) };
}

/** Does the tenant have a row? */
export async function tenantExists(database: Database, tenant: string): Promise<boolean> {
  const rows = await database
    .select({ tenant: tenants.tenant })
    .from(tenants)
    .where(eq(tenants.tenant, tenant));
  return rows.length > 0;
}
