import { Connection } from '@temporalio/client';
import { freePort, onFreePort, unlessPortsAreTaken } from '../processes/free-port.ts';
import { type Log, logToStderr, withProgress } from '../processes/progress.ts';
import { startProcess } from '../processes/start-process.ts';
import { waitUntil } from '../processes/wait-until.ts';
import { findTemporal } from './find-temporal.ts';

const NAMESPACE = 'default';
const CONNECT_TIMEOUT_MS = 1_000;
const READY_LIMIT_MS = 60_000;

/** The development server polls its one shard 20 times a second, so that every hop waits up to 50 ms; not with these. */
const FAST_HOPS = ['history.transferProcessorMaxPollRPS=2000', 'history.timerProcessorMaxPollRPS=2000'];
/** A rate is held by each of a queue's partitions for itself: with the usual four, a fifth of it is never used. */
const ONE_PARTITION = ['matching.numTaskqueueReadPartitions=1', 'matching.numTaskqueueWritePartitions=1'];

export type Temporal = {
  readonly address: string;
  readonly namespace: string;
  /** Where the web UI is, when one was asked for. */
  readonly uiUrl: string | undefined;
  /** Of the server's process; undefined when it is not ours. */
  readonly pid: number | undefined;
  /** An outage. What is not in a data file is lost. */
  stop(): Promise<void>;
  /** An outage without warning (SIGKILL). */
  crash(): Promise<void>;
  /** The end of an outage: on the same ports, with the same data file. */
  start(): Promise<void>;
  /** Stops the server if it is ours; idempotent. */
  close(): Promise<void>;
};

export type TemporalOptions = {
  /** SQLite, kept; missing: in memory. */
  dataFile?: string;
  ui?: boolean;
  /** See `ProcessOptions`. */
  isBackground?: boolean;
  /** Missing: free ones. */
  port?: number;
  uiPort?: number;
  /** Names of search attributes of type Keyword to register. */
  searchAttributes?: readonly string[];
  log?: Log;
};

/**
 * Starts Temporal's development server on 127.0.0.1, or uses the one that the variable TEMPORAL_ADDRESS names (with
 * TEMPORAL_NAMESPACE). Resolves when the server answers and its namespace is there.
 *
 * @throws Error when there is no server to start, or ProcessFailed with its last lines when it does not start
 */
export async function startTemporal(options: TemporalOptions = {}): Promise<Temporal> {
  const { log = logToStderr } = options;
  const external = process.env.TEMPORAL_ADDRESS;
  if (external) return useExternalServer({ address: external, log });
  const program = await findTemporal(log);
  return withProgress({ log, doing: 'temporal: starting' }, () => {
    const start = (port: number) => startServer({ program, port, options });
    return options.port === undefined ? onFreePort(start) : start(options.port);
  });
}

async function useExternalServer(options: { address: string; log: Log }): Promise<Temporal> {
  const { address, log } = options;
  const namespace = process.env.TEMPORAL_NAMESPACE || NAMESPACE;
  const check = () => answers({ address, namespace });
  await withProgress({ log, doing: `temporal: waiting for ${address} (TEMPORAL_ADDRESS)` }, () =>
    waitUntil({ what: `${address} answers`, check, limitMs: READY_LIMIT_MS }),
  );
  const refuse = () =>
    Promise.reject(new Error(`the Temporal server at ${address} is not ours to stop or start`));
  const close = () => Promise.resolve();
  return {
    address,
    namespace,
    uiUrl: undefined,
    pid: undefined,
    stop: refuse,
    crash: refuse,
    start: refuse,
    close,
  };
}

async function startServer(options: {
  program: string;
  port: number;
  options: TemporalOptions;
}): Promise<Temporal> {
  const { program, port } = options;
  const { ui = false, isBackground = false, dataFile, searchAttributes = [] } = options.options;
  const address = `127.0.0.1:${port}`;
  const uiPort = ui ? (options.options.uiPort ?? (await freePort())) : undefined;
  const server = await startProcess({
    name: 'temporal',
    run: { command: program },
    // A port that was taken is told in a panic, whose stack is longer than what is kept of the output.
    env: { GOTRACEBACK: 'none' },
    isBackground,
    args: [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', `${port}`, '--log-level', 'error'],
      ...(uiPort === undefined ? ['--headless'] : ['--ui-port', `${uiPort}`, '--ui-disable-news-fetch']),
      ...(dataFile === undefined ? [] : ['--db-filename', dataFile]),
      ...[...FAST_HOPS, ...ONE_PARTITION].flatMap((value) => ['--dynamic-config-value', value]),
      ...searchAttributes.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
    ],
    readyWhen: {
      line: (line) => line.includes('Server:') && line.endsWith(`:${port}`),
      check: () => answers({ address, namespace: NAMESPACE }),
    },
    readyLimitMs: READY_LIMIT_MS,
  });
  const stop = async () => {
    await server.stop();
  };
  return {
    address,
    namespace: NAMESPACE,
    uiUrl: uiPort === undefined ? undefined : `http://127.0.0.1:${uiPort}`,
    get pid() {
      return server.pid;
    },
    stop,
    async crash() {
      server.kill('SIGKILL');
      await server.exited;
    },
    start: () => unlessPortsAreTaken(() => server.restart()),
    close: stop,
  };
}

/** A connection is made only after the server has told about itself; the namespace appears a little later. */
async function answers(server: { address: string; namespace: string }): Promise<boolean> {
  const connection = await Connection.connect({
    address: server.address,
    connectTimeout: CONNECT_TIMEOUT_MS,
  });
  try {
    await connection.workflowService.describeNamespace({ namespace: server.namespace });
    return true;
  } finally {
    await connection.close();
  }
}
