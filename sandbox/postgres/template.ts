import pg from 'pg';
import { withClient } from './with-client.ts';

/** Two processes that make the template at once take turns on this advisory lock of the database in their URL. */
const TEMPLATE_LOCK = 7_305_114;

/**
 * Makes a migrated database to copy others from; when it exists already it is kept as it is.
 *
 * @param options.url of a database of the server, as superuser, not of the template
 * @param options.migrate gets the template's URL; no connection of it may stay open
 * @returns the template's name
 */
export async function createTemplate(options: {
  url: string;
  migrate: (url: string) => Promise<void>;
  template?: string;
}): Promise<string> {
  const { url, migrate, template = 'tenantry_template' } = options;
  await withClient(url, async (administrator) => {
    await administrator.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    const finished = await administrator.query(
      'SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate',
      [template],
    );
    if (finished.rowCount) return;
    const name = pg.escapeIdentifier(template);
    await administrator.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await administrator.query(`CREATE DATABASE ${name}`);
    await migrate(databaseUrl(url, template));
    // Nobody can connect any more, so that no copy fails because the template is in use (SQLSTATE 55006).
    await administrator.query(`ALTER DATABASE ${name} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false`);
  });
  return template;
}

/** @returns the URL of a new database of that name, a copy of the template; many may be made at the same time */
export async function createDatabaseFromTemplate(options: {
  url: string;
  name: string;
  template?: string;
}): Promise<string> {
  const { url, name, template = 'tenantry_template' } = options;
  const [target, source] = [pg.escapeIdentifier(name), pg.escapeIdentifier(template)];
  await withClient(url, (administrator) =>
    administrator.query(`CREATE DATABASE ${target} TEMPLATE ${source}`),
  );
  return databaseUrl(url, name);
}

/** Drops a database with all its connections; one that does not exist is fine. */
export async function dropDatabase(options: { url: string; name: string }): Promise<void> {
  await withClient(options.url, (administrator) =>
    administrator.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(options.name)} WITH (FORCE)`),
  );
}

/** @returns the URL of another database of the same server */
export function databaseUrl(url: string, name: string): string {
  const target = new URL(url);
  target.pathname = `/${encodeURIComponent(name)}`;
  return target.href;
}
