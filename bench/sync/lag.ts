import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { startProcess } from '../../sandbox/processes/start-process.ts';
import type { Stack } from '../../sandbox/stack.ts';
import { signedRequest } from '../load/signed-event.ts';
import { percentile } from '../measure.ts';
import type { Purchase } from '../purchases.ts';

const WARM_UP = 20;
const SAMPLES = 200;
const ROW_LIMIT_MS = 10_000;
const REFERENCE_QUEUE = 'reference';
const BUNDLING_LIMIT_MS = 90_000;

export type Lag = {
  syncMs: Percentiles;
  referenceMs: Percentiles;
  ratios: Percentiles;
};
type Percentiles = { p50: number; p99: number };

/**
 * On an idle stack, by turns: from a webhook's answer to the changed row, and a signalWithStart whose workflow runs one
 * empty activity, from the call to the result.
 */
export async function measureLag(stack: Stack, purchases: readonly Purchase[]): Promise<Lag> {
  const { address, namespace } = stack.temporal;
  const connection = await Connection.connect({ address });
  const database = new pg.Client({ connectionString: stack.env.DATABASE_URL });
  await database.connect();
  const worker = await startProcess({
    name: 'reference worker',
    run: { script: 'bench/reference/empty-worker.ts' },
    args: [address, REFERENCE_QUEUE],
    readyWhen: { line: (line) => line.includes('workers poll') },
    readyLimitMs: BUNDLING_LIMIT_MS,
  });
  try {
    const client = new Client({ connection, namespace });
    const syncs: number[] = [];
    const references: number[] = [];
    for (let sample = 0; sample < WARM_UP + SAMPLES; sample += 1) {
      const purchase = purchases[sample % purchases.length];
      if (!purchase) throw new Error('there are no purchases');
      const sync = await syncOnce({ stack, database, purchase, quantity: 1_000 + sample });
      const reference = await referenceOnce(client);
      if (sample < WARM_UP) continue;
      syncs.push(sync);
      references.push(reference);
    }
    const syncMs = percentilesOf(syncs);
    const referenceMs = percentilesOf(references);
    const ratios = { p50: syncMs.p50 / referenceMs.p50, p99: syncMs.p99 / referenceMs.p99 };
    return { syncMs, referenceMs, ratios };
  } finally {
    await worker.stop();
    await database.end();
    await connection.close();
  }
}

async function syncOnce(sample: {
  stack: Stack;
  database: pg.Client;
  purchase: Purchase;
  quantity: number;
}): Promise<number> {
  const { stack, database, purchase, quantity } = sample;
  await stack.stripe.subscriptionItems.update(purchase.itemId, { quantity });
  const request = signedRequest(stack.env.STRIPE_WEBHOOK_SECRET ?? '', purchase.customer);
  const answer = await fetch(`${stack.gatewayUrl}/webhooks/stripe`, request);
  const answered = performance.now();
  if (!answer.ok) throw new Error(`the gateway answered ${answer.status}`);
  for (;;) {
    const { rows } = await database.query<{ quantity: number }>({
      name: 'quantity',
      text: 'select quantity from stripe_subscriptions where stripe_subscription_external_id = $1',
      values: [purchase.subscription],
    });
    const waitedMs = performance.now() - answered;
    if (rows[0]?.quantity === quantity) return waitedMs;
    if (waitedMs > ROW_LIMIT_MS) throw new Error(`${purchase.subscription} was not synced`);
  }
}

async function referenceOnce(client: Client): Promise<number> {
  const began = performance.now();
  const handle = await client.workflow.signalWithStart('emptyWorkflow', {
    workflowId: `reference-${crypto.randomUUID()}`,
    taskQueue: REFERENCE_QUEUE,
    args: [1],
    signal: 'wake',
  });
  await handle.result();
  return performance.now() - began;
}

function percentilesOf(values: readonly number[]): Percentiles {
  const ascending = [...values].sort((a, b) => a - b);
  return { p50: percentile(ascending, 0.5), p99: percentile(ascending, 0.99) };
}
