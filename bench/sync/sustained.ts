import { startPostgres } from '../../sandbox/postgres/start-postgres.ts';
import type { Stack } from '../../sandbox/stack.ts';
import { SECRET, startGatewayAlone, startVerifyOnly, type WebhookServer } from '../ack/servers.ts';
import { changeQuantities } from '../change-quantities.ts';
import type { LoadResult } from '../load/load.ts';
import { p99Of, runLoad, runLoads, warmUp } from '../load/run-load.ts';
import { projectionEqualsStripe, untilDrained } from '../projection.ts';
import type { Purchase } from '../purchases.ts';
import { reuseLog } from '../reuse-log.ts';

const CONNECTIONS = 64;
export const PER_SECOND = { steady: 200, burst: 1_000 } as const;
const STEADY = { connections: CONNECTIONS, perSecond: PER_SECOND.steady } as const;
const BURST = { connections: CONNECTIONS, perSecond: PER_SECOND.burst, durationS: 10 } as const;
const REFERENCE_ROUNDS = 3;
const REFERENCE_S = 10;
const LAST = { connections: CONNECTIONS, perSecond: CONNECTIONS, durationS: 3 } as const;
const DRAIN_LIMIT_MS = 600_000;

export type Sustained = {
  steady: LoadResult;
  burst: LoadResult;
  verifyOnly: Reference;
  /** Nothing beside the commit: what of the ratio to verify-only is the commit's own. */
  pathAlone: Reference;
  ratios: { toVerifyOnly: P99Ratios; toPathAlone: P99Ratios };
  requests: number;
  requestsPerEvent: number;
  drainedMs: number;
  /** What was asked of Stripe while draining, a second. */
  drainRequestsPerSecond: number;
};

type Reference = { steady: LoadResult[]; burst: LoadResult[] };
type P99Ratios = { steady: number; burst: number };

/**
 * 200 events a second for a while, then a burst of 1,000 a second, with a budget of requests to Stripe, while quantities
 * change; against a gateway that only verifies and one that only stores, at the same rates. At the end the projection must equal Stripe.
 */
export async function measureSustained(
  stack: Stack,
  purchases: readonly Purchase[],
  { durationS }: { durationS: number },
): Promise<Sustained> {
  const verifyOnly = await measureReference(await startVerifyOnly());
  const pathAlone = await measureStoreOnly();
  const target = {
    url: `${stack.gatewayUrl}/webhooks/stripe`,
    secret: stack.env.STRIPE_WEBHOOK_SECRET ?? '',
    customers: purchases.map(({ customer }) => customer),
  };
  await warmUp({ ...target, connections: CONNECTIONS });
  await untilDrained(stack, DRAIN_LIMIT_MS);
  await reuseLog(stack.postgres.url);
  const requestsBefore = await requestsOf(stack);
  const changing = changeQuantities(stack, purchases);
  const steady = await runLoad({ ...target, ...STEADY, durationS });
  const burst = await runLoad({ ...target, ...BURST });
  const changes = await changing.stop();
  // The last change may have come after the last event about its customer.
  const last = await runLoad({ ...target, ...LAST });
  const requestsAtEnd = await requestsOf(stack);
  const drainedMs = await untilDrained(stack, DRAIN_LIMIT_MS);
  const requestsDrained = await requestsOf(stack);
  const requests = requestsDrained - requestsBefore - changes;
  await projectionEqualsStripe(stack, purchases);
  return {
    steady,
    burst,
    verifyOnly,
    pathAlone,
    ratios: {
      toVerifyOnly: p99Ratios({ steady, burst }, verifyOnly),
      toPathAlone: p99Ratios({ steady, burst }, pathAlone),
    },
    requests,
    requestsPerEvent: requests / (steady.acks + burst.acks + last.acks),
    drainedMs,
    drainRequestsPerSecond: ((requestsDrained - requestsAtEnd) / Math.max(drainedMs, 1)) * 1000,
  };
}

function p99Ratios({ steady, burst }: Pick<Sustained, 'steady' | 'burst'>, reference: Reference): P99Ratios {
  return { steady: steady.p99Ms / p99Of(reference.steady), burst: burst.p99Ms / p99Of(reference.burst) };
}

async function measureStoreOnly(): Promise<Reference> {
  const postgres = await startPostgres({ log: () => undefined });
  try {
    return await measureReference(await startGatewayAlone(postgres.url), postgres.url);
  } finally {
    await postgres.close();
  }
}

/** Stops the server. */
async function measureReference(server: WebhookServer, databaseUrl?: string): Promise<Reference> {
  try {
    const target = { url: server.url, secret: SECRET };
    await warmUp({ ...target, connections: CONNECTIONS });
    if (databaseUrl !== undefined) await reuseLog(databaseUrl);
    const steady = await runLoads({ ...target, ...STEADY, durationS: REFERENCE_S }, REFERENCE_ROUNDS);
    return { steady, burst: await runLoads({ ...target, ...BURST }, REFERENCE_ROUNDS) };
  } finally {
    await server.process.stop();
  }
}

async function requestsOf(stack: Stack): Promise<number> {
  return (await stack.simulator.control.requests()).length;
}
