import { startStack } from '../../sandbox/stack.ts';
import { changeQuantities } from '../change-quantities.ts';
import type { LoadResult } from '../load/load.ts';
import { runLoad, runLoads, warmUp } from '../load/run-load.ts';
import { projectionEqualsStripe, untilDrained } from '../projection.ts';
import { provisionMany } from '../purchases.ts';
import { reuseLog } from '../reuse-log.ts';
import { STEADY, STEADY_ROUNDS } from './path-alone.ts';

const CUSTOMERS = 60;
const FLAT_OUT = { connections: 64, durationS: 10 } as const;
/** Once more about every customer. */
const LAST = { connections: 64, perSecond: 64, durationS: 3 } as const;
const DRAIN_LIMIT_MS = 300_000;

export type WholeSystem = { steady: LoadResult[]; flatOut: LoadResult; drainedMs: number };

/**
 * The same load on a system whose Temporal server, worker, Postgres and Stripe share the machine with the gateway, while
 * quantities change. At the end the projection must equal Stripe.
 */
export async function measureWholeSystem(print: (line: string) => void): Promise<WholeSystem> {
  const stack = await startStack({ acksFirst: true, log: print, env: { LOG_LEVEL: 'error' } });
  try {
    const purchases = await provisionMany(stack, CUSTOMERS);
    print(`${CUSTOMERS} customers have their tenants`);
    const target = {
      url: `${stack.gatewayUrl}/webhooks/stripe`,
      secret: stack.env.STRIPE_WEBHOOK_SECRET ?? '',
      customers: purchases.map(({ customer }) => customer),
    };
    await warmUp({ ...target, connections: STEADY.connections });
    await untilDrained(stack, DRAIN_LIMIT_MS);
    await reuseLog(stack.postgres.url);
    const changing = changeQuantities(stack, purchases);
    const steady = await runLoads({ ...target, ...STEADY }, STEADY_ROUNDS);
    const flatOut = await runLoad({ ...target, ...FLAT_OUT });
    await changing.stop();
    // The last change may have come after the last event about its customer.
    await runLoad({ ...target, ...LAST });
    const drainedMs = await untilDrained(stack, DRAIN_LIMIT_MS);
    await projectionEqualsStripe(stack, purchases);
    return { steady, flatOut, drainedMs };
  } finally {
    await stack.close();
  }
}
