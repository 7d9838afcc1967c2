import { connectDatabase, type Database } from '../../db/connect.ts';
import { databaseFailure, isSchemaMissing } from '../../db/errors.ts';
import { type MigrationState, migrationState } from '../../db/migration-state.ts';
import { serverState, tenantExists } from '../../db/server-state.ts';
import { type ClockReading, clockFinding, skewMs } from './clock.ts';
import type { Environment } from './environment.ts';
import { ok, red, type Verdict, warning } from './finding.ts';
import { type Prerequisite, prerequisite } from './prerequisite.ts';
import { type Check, NotLookedAt, Trouble } from './run-checks.ts';

const VERSION_NUMBER_MIN = 150_000;
const STATEMENT_TIMEOUT_MS = 5_000;
/** The checks ask at the same time. */
const POOL_SIZE = 8;
const SETUP = 'npm run setup';

type Reading = { database: Database; versionNumber: number; clock: ClockReading };

export type Postgres = {
  server: Prerequisite<Reading>;
  /** Asks tables of ours. @throws NotLookedAt when Postgres or the tables are not there */
  read<T>(query: (database: Database) => Promise<T>): Promise<T>;
  close(): Promise<void>;
};

export function connectPostgres({ value }: Environment): Postgres {
  let close = () => Promise.resolve();
  const server = prerequisite('Postgres doesn’t answer', async (): Promise<Reading> => {
    const connection = connectDatabase({
      url: value('DATABASE_URL'),
      applicationName: 'tenantry doctor',
      poolSize: POOL_SIZE,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      // A statement that fails tells it by itself.
      onError: () => undefined,
    });
    close = connection.close;
    const { database } = connection;
    try {
      // The first query connects, which takes its time; the second is measured.
      await serverState(database);
      const beforeMs = Date.now();
      const { versionNumber, now } = await serverState(database);
      const clock = { theirsMs: now.getTime(), beforeMs, afterMs: Date.now() };
      return { database, versionNumber, clock };
    } catch (error) {
      throw databaseFailure(error);
    }
  });
  return {
    server,
    read: async (query) => {
      const { database } = await server.needed();
      try {
        return await query(database);
      } catch (error) {
        if (isSchemaMissing(error)) throw new NotLookedAt('tables of this version are missing');
        throw databaseFailure(error);
      }
    },
    close: () => close(),
  };
}

export function postgresChecks(
  postgres: Postgres,
  { value }: Environment,
): Record<'postgres' | 'migrations' | 'master_tenant' | 'clock_postgres', Check> {
  return {
    postgres: async () => {
      try {
        const { versionNumber } = await postgres.server.examined();
        return [versionFinding(versionNumber)];
      } catch (error) {
        if (!(error instanceof Error) || error instanceof NotLookedAt) throw error;
        throw new Trouble(`${error.message}.`, 'Start Postgres, or correct DATABASE_URL.');
      }
    },
    migrations: async () => {
      const { database } = await postgres.server.needed();
      return migrationFindings(await migrationState(database));
    },
    master_tenant: async () => {
      const tenant = value('MASTER_BILLING_TENANT_ID');
      const exists = await postgres.read((database) => tenantExists(database, tenant));
      return [masterTenantFinding(exists, tenant)];
    },
    clock_postgres: async () => {
      const { clock } = await postgres.server.needed();
      return [clockFinding('Postgres’s clock', skewMs(clock))];
    },
  };
}

/** @param versionNumber as `server_version_num` has it */
export function versionFinding(versionNumber: number): Verdict {
  const major = Math.floor(versionNumber / 10_000);
  if (versionNumber >= VERSION_NUMBER_MIN) return ok(`Postgres ${major} answers.`);
  return red(`Postgres ${major} is too old: 15 or newer is needed.`, 'Upgrade Postgres.');
}

/** Unknown migrations are those of a newer version: normal while a release is rolled out, and a sign of an old one else. */
export function migrationFindings({ missing, unknown, changed }: MigrationState): Verdict[] {
  const findings: Verdict[] = [];
  if (missing.length > 0) findings.push(red(`Not applied: ${missing.join(', ')}.`, SETUP));
  if (changed.length > 0) {
    const detail = `Applied with another text than this version has: ${changed.join(', ')}.`;
    findings.push(
      red(detail, 'Run doctor of the version that set the database up, and compare the schemas.'),
    );
  }
  if (unknown > 0) {
    const detail = `The database has ${unknown} that this version doesn’t know; a newer version set it up.`;
    findings.push(warning(detail, 'Run that version everywhere.'));
  }
  return findings.length > 0 ? findings : [ok('All are applied, and no other.')];
}

function masterTenantFinding(exists: boolean, tenant: string): Verdict {
  if (exists) return ok('The row of MASTER_BILLING_TENANT_ID is there.');
  return red(`MASTER_BILLING_TENANT_ID (${tenant}) has no row; products and prices can’t be written.`, SETUP);
}
