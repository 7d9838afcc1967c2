import type { FastifyInstance } from 'fastify';
import pTimeout from 'p-timeout';
import { z } from 'zod';
import type { GatewayDependencies } from '../dependencies.ts';
import { Problem, problemSchema, refuseOtherMethods, unavailable } from '../problem.ts';

/**
 * A server that takes longer to answer counts as away, in milliseconds. Long enough for the first connection on a busy
 * machine: whoever routes by this check must not take a gateway away because all of them share a slow Postgres.
 */
export const CHECK_TIMEOUT_MS = 3_000;

const checkSchema = z.enum(['up', 'down']);
const readySchema = z
  .object({ status: z.literal('ready'), checks: z.object({ postgres: checkSchema, temporal: checkSchema }) })
  .meta({ examples: [{ status: 'ready', checks: { postgres: 'up', temporal: 'up' } }] });

/**
 * `live`: the process answers. `ready`: events can be accepted, for which Postgres is enough; that Temporal is away is
 * only shown.
 */
export async function healthRoutes(
  app: FastifyInstance,
  { pings }: Pick<GatewayDependencies, 'pings'>,
): Promise<void> {
  const live = {
    tags: ['operation'],
    summary: 'Is the process alive?',
    response: { 200: z.object({ status: z.literal('live') }) },
  };
  app.get('/health/live', { schema: live }, async () => ({ status: 'live' }));
  const ready = {
    tags: ['operation'],
    summary: 'Can events be accepted?',
    response: { 200: readySchema, 503: problemSchema.describe('Postgres is away') },
  };
  app.get('/health/ready', { schema: ready }, async () => {
    const [postgres, temporal] = await Promise.all([check(pings.postgres), check(pings.temporal)]);
    const checks = { postgres, temporal };
    if (postgres === 'down') {
      throw new Problem({ ...unavailable('Postgres is away.').options, extensions: { checks } });
    }
    return { status: 'ready', checks };
  });
  for (const path of ['/health/live', '/health/ready']) refuseOtherMethods(app, path, ['GET', 'HEAD']);
}

async function check(ping: () => Promise<unknown>): Promise<'up' | 'down'> {
  return pTimeout(ping(), { milliseconds: CHECK_TIMEOUT_MS }).then(
    () => 'up',
    () => 'down',
  );
}
