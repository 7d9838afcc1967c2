import { Client, Connection } from '@temporalio/client';
import { type Config, readConfig } from '../config.ts';
import { connectDatabase, type Database, type DatabaseConnection } from '../db/connect.ts';

/** A command asks one thing after the other. */
const POOL_SIZE = 4;

export type Connections = {
  config: () => Config<'cli'>;
  database: () => Database;
  temporal: () => Promise<Client>;
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
      connection ??= Connection.connect(connectionOptions);
      return new Client({ connection: await connection, ...(namespace !== undefined && { namespace }) });
    },
    close: async () => {
      await database?.close();
      await (await connection?.catch(() => undefined))?.close();
    },
  };
}
