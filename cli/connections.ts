import { Client, Connection } from '@temporalio/client';
import { TemporalUnavailable } from '../client/temporal-unavailable.ts';
import { type Config, readConfig } from '../config.ts';
import { connectDatabase, type Database, type DatabaseConnection } from '../db/connect.ts';
import { isLiveKey } from '../domain/stripe-key.ts';

/** A command asks one thing after the other. */
const POOL_SIZE = 4;
/** Longer than a healthy server ever takes, shorter than an operator's patience. */
const CONNECT_TIMEOUT_MS = 5_000;

export type Connections = {
  config: () => Config<'cli'>;
  database: () => Database;
  temporal: () => Promise<Client>;
  isLivemode: () => boolean;
  close: () => Promise<void>;
};

/** Connections that are made when they are first used, and closed together. */
export function createConnections(): Connections {
  let config: Config<'cli'> | undefined;
  let database: DatabaseConnection | undefined;
  let connection: Promise<Connection> | undefined;
  const readOnce = () => {
    config ??= readConfig('cli');
    return config;
  };
  return {
    config: readOnce,
    database: () => {
      database ??= connectDatabase({
        url: readOnce().DATABASE_URL,
        applicationName: 'tenantry cli',
        poolSize: POOL_SIZE,
        // A statement that fails tells it by itself.
        onError: () => undefined,
      });
      return database.database;
    },
    temporal: async () => {
      const { connectionOptions, namespace } = readOnce().temporal;
      connection ??= connectTemporal(connectionOptions);
      return new Client({ connection: await connection, ...(namespace !== undefined && { namespace }) });
    },
    isLivemode: () => isLiveKey(readConfig('replay').STRIPE_SECRET_KEY),
    close: async () => {
      await database?.close();
      await (await connection?.catch(() => undefined))?.close();
    },
  };
}

async function connectTemporal(options: Config<'cli'>['temporal']['connectionOptions']): Promise<Connection> {
  try {
    return await Connection.connect({ ...options, connectTimeout: CONNECT_TIMEOUT_MS });
  } catch (error) {
    const where = options.address ?? 'localhost:7233';
    throw new TemporalUnavailable(`Temporal does not answer at ${where}`, { cause: error });
  }
}
