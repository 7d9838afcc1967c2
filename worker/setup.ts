import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { type Config, ConfigurationError, readConfig } from '../config.ts';
import { isDatabaseAway } from '../db/errors.ts';
import { setUpDatabase } from '../db/migrate.ts';
import { ensureSchedules, registerSearchAttributes } from './setup-temporal.ts';

/** How long the set-up waits for servers that are not there yet. */
const WAIT_MS = 60_000;
const PAUSE_MS = 1_000;
const DEFAULT_NAMESPACE = 'default';

try {
  const config = readConfig('setup');
  const deadline = Date.now() + WAIT_MS;
  const masterBillingTenantId = config.MASTER_BILLING_TENANT_ID;
  await untilAnswered('Postgres', deadline, isDatabaseAway, () =>
    setUpDatabase({ url: config.DATABASE_URL, masterBillingTenantId }),
  );
  say('Postgres is ready: migrations, master billing tenant');
  await untilAnswered('Temporal', deadline, isTemporalAway, () => setUpTemporal(config));
  say('Temporal is ready: search attributes, schedules');
} catch (error) {
  say(error instanceof ConfigurationError ? error.message : `The set-up failed: ${describe(error)}`);
  process.exitCode = 1;
}

async function setUpTemporal(config: Config<'setup'>): Promise<void> {
  const { connectionOptions, namespace = DEFAULT_NAMESPACE } = config.temporal;
  const connection = await Connection.connect(connectionOptions);
  try {
    await registerSearchAttributes(connection, namespace);
    await ensureSchedules(new Client({ connection, namespace }), config.TASK_QUEUE);
  } finally {
    await connection.close();
  }
}

async function untilAnswered(
  server: string,
  deadline: number,
  isAway: (error: unknown) => boolean,
  action: () => Promise<void>,
): Promise<void> {
  for (let isFirst = true; ; isFirst = false) {
    try {
      await action();
      return;
    } catch (error) {
      if (!isAway(error) || Date.now() > deadline) throw error;
      if (isFirst) say(`Waiting up to ${WAIT_MS / 1000} s for ${server} …`);
      await delay(PAUSE_MS);
    }
  }
}

/** gRPC: deadline exceeded, unavailable; and the client's own way to say that it could not connect. */
function isTemporalAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? error.code : undefined;
  return (
    code === 4 || code === 14 || error.message.startsWith('Failed to connect') || isTemporalAway(error.cause)
  );
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
