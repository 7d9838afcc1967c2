import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import { NativeConnection, type Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import { type Config, ConfigurationError, readConfig } from '../config.ts';
import { createLog } from '../log.ts';
import { createWorkers } from './create-workers.ts';
import { buildDependencies, type WorkerDependencies } from './dependencies.ts';
import { serveHealth } from './health-server.ts';
import { installRuntime } from './runtime.ts';

/** Pause before the workers are built again after Temporal went away for longer than the SDK's own patience. */
const RESTART_PAUSE_MS = 2_000;

const config = readConfigOrExit();
const log = createLog({ process: 'worker', level: config.LOG_LEVEL });
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort(signal));

let polling: Worker[] = [];
const dependencies = buildDependencies(config, log);
const health = await serveHealth({
  isPolling: () => polling.length > 0 && polling.every((worker) => worker.getState() === 'RUNNING'),
  pool: dependencies.pool,
  sdkMetricsUrl: await installRuntime(log, config.LOG_LEVEL),
  host: config.METRICS_HOST,
  port: config.METRICS_PORT,
});
log.info({ port: health.port, roles: config.WORKER_ROLES }, 'worker started');
await runUntilStopped(config, dependencies, log);
await health.close();
await dependencies.close();
log.info('worker stopped');

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
    polling = await createWorkers({
      connection,
      config: workerConfig,
      dependencies: activities(client.workflow),
    });
    const shutDown = () => shutDownAll(polling);
    stop.signal.addEventListener('abort', shutDown, { once: true });
    if (stop.signal.aborted) shutDown();
    workerLog.info('workers poll');
    // One worker that fails takes the others down with it, in good order, and all are built again.
    await Promise.all(polling.map((worker) => worker.run().finally(shutDown)));
  } finally {
    polling = [];
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
