import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import { NativeConnection, type Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import { type Config, ConfigurationError, readConfig } from '../config.ts';
import { createLog } from '../log.ts';
import { createWorkers } from './create-workers.ts';
import { buildDependencies, type WorkerDependencies } from './dependencies.ts';
import { type HealthServer, serveHealth } from './health-server.ts';
import { installRuntime } from './runtime.ts';

/** Pause before the workers are built again after Temporal went away for longer than the SDK's own patience. */
const RESTART_PAUSE_MS = 2_000;
/** Above the workers' own limit, below the patience of usual process managers (30 s). */
const SHUTDOWN_TIMEOUT_MS = 28_000;

const config = readConfigOrExit();
const log = createLog({ process: 'worker', level: config.LOG_LEVEL });
const stop = new AbortController();
// Every time: started through npm, one Ctrl-C may reach us twice.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort(signal));
stop.signal.addEventListener('abort', endInTime, { once: true });

let polling: { workers: Worker[]; connection: NativeConnection } | undefined;
const dependencies = buildDependenciesOrExit();
const health = await serveHealthOrExit();
log.info({ port: health.port, roles: config.WORKER_ROLES }, 'worker started');
await runUntilStopped(config, dependencies, log);
await health.close();
await dependencies.close();
log.info('worker stopped');
// What is left of workers that could not be built would keep the process alive.
process.exit();

function buildDependenciesOrExit(): WorkerDependencies {
  try {
    return buildDependencies(config, log);
  } catch (error) {
    log.fatal({ err: error }, 'the worker can’t start');
    process.exit(1);
  }
}

async function serveHealthOrExit(): Promise<HealthServer> {
  const { METRICS_HOST: host, METRICS_PORT: port } = config;
  try {
    const sdkMetricsUrl = await installRuntime(log, config.LOG_LEVEL);
    const { pool, metricsText } = dependencies;
    return await serveHealth({ isPolling, pool, metricsText, sdkMetricsUrl, host, port });
  } catch (error) {
    log.fatal({ err: error }, `the worker can’t listen on ${host}:${port}`);
    process.exit(1);
  }
}

/** Temporal is asked too: workers that lost it go on trying without a word. */
async function isPolling(): Promise<boolean> {
  if (!polling?.workers.every((worker) => worker.getState() === 'RUNNING')) return false;
  await polling.connection.workflowService.getSystemInfo({});
  return true;
}

function endInTime(): void {
  const end = () => {
    log.error(`the worker did not stop within ${SHUTDOWN_TIMEOUT_MS} ms`);
    process.exit(1);
  };
  setTimeout(end, SHUTDOWN_TIMEOUT_MS).unref();
}

/** Keeps the workers running through any absence of Temporal, until the process is told to stop. */
async function runUntilStopped(
  workerConfig: Config<'worker'>,
  workerDependencies: WorkerDependencies,
  workerLog: Logger,
): Promise<void> {
  while (!stop.signal.aborted) {
    try {
      await runOnce(workerConfig, workerDependencies, workerLog);
    } catch (error) {
      workerLog.warn({ err: error }, 'Temporal is away, trying again');
      await delay(RESTART_PAUSE_MS, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  }
}

async function runOnce(
  workerConfig: Config<'worker'>,
  { activities }: WorkerDependencies,
  workerLog: Logger,
): Promise<void> {
  const { connectionOptions, namespace } = workerConfig.temporal;
  const connection = await NativeConnection.connect(connectionOptions);
  try {
    const client = new Client({ connection, ...(namespace !== undefined && { namespace }) });
    const workers = await createWorkers({
      connection,
      config: workerConfig,
      dependencies: activities(client),
    });
    polling = { workers, connection };
    const shutDown = () => shutDownAll(workers);
    stop.signal.addEventListener('abort', shutDown, { once: true });
    if (stop.signal.aborted) shutDown();
    workerLog.info('workers poll');
    // One worker that fails takes the others down with it, in good order, and all are built again.
    await Promise.all(workers.map((worker) => worker.run().finally(shutDown)));
    stop.signal.removeEventListener('abort', shutDown);
  } finally {
    polling = undefined;
    await connection.close();
  }
}

function shutDownAll(workers: readonly Worker[]): void {
  for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
}

function readConfigOrExit(): Config<'worker'> {
  try {
    return readConfig('worker');
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
