import { fastify } from 'fastify';
import type { Pool } from 'pg';

/** A check that takes longer counts as failed. */
const CHECK_TIMEOUT_MS = 2_000;

export type WorkerHealth = {
  /** Do the workers poll? */
  isPolling: () => boolean;
  pool: Pool;
  /** Where the SDK serves its own metrics, on this machine only. */
  sdkMetricsUrl: string;
  host: string;
  port: number;
};

/**
 * Serves `/metrics` (those of the Temporal SDK) and `/health/ready` (the workers poll and Postgres answered).
 *
 * @returns the port, and how to stop
 */
export async function serveHealth(
  health: WorkerHealth,
): Promise<{ port: number; close: () => Promise<void> }> {
  const server = fastify({ logger: false, forceCloseConnections: true });
  server.get('/metrics', async (_request, reply) => {
    const answer = await fetch(health.sdkMetricsUrl, { signal: AbortSignal.timeout(CHECK_TIMEOUT_MS) });
    return reply.type('text/plain; version=0.0.4').send(await answer.text());
  });
  server.get('/health/ready', async (_request, reply) => {
    const database = await answersInTime(health.pool.query('select 1'));
    const temporal = health.isPolling();
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

async function answersInTime(answer: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), CHECK_TIMEOUT_MS);
  });
  const answered = answer.then(
    () => true,
    () => false,
  );
  return Promise.race([answered, late]).finally(() => clearTimeout(timer));
}
