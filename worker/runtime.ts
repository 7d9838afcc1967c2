import { createServer } from 'node:net';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';

const SDK_METRICS_HOST = '127.0.0.1';

/**
 * Sets the Temporal SDK up for this process: its logs go through ours, its metrics to a port of this machine from which
 * the health server passes them on. Signals are ours to handle.
 *
 * @returns the URL of the SDK's metrics
 */
export async function installRuntime(log: Logger, level: string): Promise<string> {
  const bindAddress = `${SDK_METRICS_HOST}:${await freePort()}`;
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger(sdkLevel(level), ({ level: entryLevel, message, meta }) => {
      const { error, ...rest } = meta ?? {};
      log[PINO_LEVELS[entryLevel]]({ ...rest, ...(error !== undefined && { err: error }) }, message);
    }),
    telemetryOptions: {
      logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } },
      metrics: { prometheus: { bindAddress, countersTotalSuffix: true, unitSuffix: true } },
    },
  });
  return `http://${bindAddress}/metrics`;
}

const PINO_LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

function sdkLevel(level: string): 'TRACE' | 'DEBUG' | 'INFO' | 'WARN' | 'ERROR' {
  const found = Object.entries(PINO_LEVELS).find(([, pinoLevel]) => pinoLevel === level);
  return (found?.[0] as keyof typeof PINO_LEVELS | undefined) ?? 'ERROR';
}

/** The SDK takes no port 0, so a free one is looked for just before. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, SDK_METRICS_HOST, resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port was found');
  return address.port;
}
