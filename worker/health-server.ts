import { fastify } from 'fastify';
import pTimeout from 'p-timeout';
import type { Pool } from 'pg';

/** A check that takes longer counts as failed. */
const CHECK_TIMEOUT_MS = 2_000;

export type WorkerHealth = {
  /** Do the workers poll, and does Temporal answer? */
  isPolling: () => Promise<boolean>;
  pool: Pool;
  metricsText: () => Promise<string>;
  /** Where the SDK serves its own metrics, on this machine only. */
  sdkMetricsUrl: string;
  host: string;
  port: number;
};

export type HealthServer = { port: number; close: () => Promise<void> };

/**
 * Serves `/metrics` (ours, and those of the Temporal SDK) and `/health/ready` (the workers poll and Postgres answered).
 *
 * @returns the port, and how to stop
 */
export async function serveHealth(health: WorkerHealth): Promise<HealthServer> {
  const server = fastify({ logger: false, forceCloseConnections: true });
  server.get('/metrics', async (_request, reply) => {
    const [ours, sdks] = await Promise.all([health.metricsText(), sdkMetrics(health.sdkMetricsUrl)]);
    return reply.type('text/plain; version=0.0.4').send(ours + sdks);
  });
  server.get('/health/ready', async (_request, reply) => {
    const [database, temporal] = await Promise.all([
      answersInTime(health.pool.query('select 1').then(() => true)),
      answersInTime(health.isPolling()),
    ]);
    return reply.code(database && temporal ? 200 : 503).send({
      status: database && temporal ? 'ready' : 'not ready',
      checks: { database: database ? 'up' : 'down', temporal: temporal ? 'up' : 'down' },
    });
  });
  await server.listen({ host: health.host, port: health.port });
  const address = server.server.address();
  const port = address !== null && typeof address === 'object' ? address.port : health.port;
  return { port, close: () => server.close() };
}

/** Nothing as long as the SDK has no connection: it serves none then. */
async function sdkMetrics(url: string): Promise<string> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(CHECK_TIMEOUT_MS) });
    return await answer.text();
  } catch {
    return '';
  }
}

/** false also for a check that fails. */
async function answersInTime(answer: Promise<boolean>): Promise<boolean> {
  return pTimeout(answer, { milliseconds: CHECK_TIMEOUT_MS }).catch(() => false);
}
