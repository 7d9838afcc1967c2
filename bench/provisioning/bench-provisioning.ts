import { mkdir, writeFile } from 'node:fs/promises';
import { Client, Connection } from '@temporalio/client';
import { CREATE_TENANT_STEPS } from '../../client/contract.ts';
import { startProcess } from '../../sandbox/processes/start-process.ts';
import { type Stack, startStack } from '../../sandbox/stack.ts';
import { type Measured, measure, median } from '../measure.ts';
import { buy, type Purchase, provision } from '../purchases.ts';

const RUNS = 5;
const WARM_UP = 20;
const LEVELS = [
  { atOnce: 1, count: 15 },
  { atOnce: 8, count: 80 },
] as const;
const EMPTY_QUEUE = 'empty';
const RESULT_FOLDER = '.sandbox/bench';
const BUNDLING_LIMIT_MS = 90_000;

/** Two runs right after one another: what slows one slows the other, so only their ratio is kept. */
type Pair = { tenants: Measured; empty: Measured };
type Comparison = { atOnce: number; ratios: Measured; pairs: Pair[] };

/**
 * createTenant from start to completion, against a workflow of as many empty activities, on the same server in the same
 * run, by turns. Only ratios mean something: the machine is shared.
 */
export async function benchProvisioning(): Promise<void> {
  const print = (line: string) => process.stdout.write(`${line}\n`);
  const stack = await startStack({ log: print, env: { LOG_LEVEL: 'error' } });
  const { address, namespace } = stack.temporal;
  const connection = await Connection.connect({ address });
  const emptyWorker = await startProcess({
    name: 'empty worker',
    run: { script: 'bench/reference/empty-worker.ts' },
    args: [address, EMPTY_QUEUE],
    readyWhen: { line: (line) => line.includes('workers poll') },
    readyLimitMs: BUNDLING_LIMIT_MS,
  });
  try {
    const comparisons = await compare(stack, new Client({ connection, namespace }), print);
    report(comparisons, print);
    await mkdir(RESULT_FOLDER, { recursive: true });
    await writeFile(`${RESULT_FOLDER}/provisioning.json`, JSON.stringify(comparisons, null, 2));
    print(`\nWritten to ${RESULT_FOLDER}/provisioning.json`);
  } finally {
    await connection.close();
    await emptyWorker.stop();
    await stack.close();
  }
}

async function compare(stack: Stack, client: Client, print: (line: string) => void): Promise<Comparison[]> {
  await measure({ count: WARM_UP, atOnce: 4, job: runEmpty(client) });
  await measureTenants(stack, client, { count: WARM_UP, atOnce: 4 });
  const comparisons: Comparison[] = [];
  for (const { atOnce, count } of LEVELS) {
    const pairs: Pair[] = [];
    for (let run = 1; run <= RUNS; run += 1) {
      const empty = await measure({ count, atOnce, job: runEmpty(client) });
      pairs.push({ empty, tenants: await measureTenants(stack, client, { count, atOnce }) });
      print(`${atOnce} at a time, run ${run} of ${RUNS} done`);
    }
    comparisons.push({ atOnce, ratios: ratiosOf(pairs), pairs });
  }
  return comparisons;
}

function runEmpty(client: Client) {
  return async () => {
    await client.workflow.execute('emptyWorkflow', {
      workflowId: `empty-${crypto.randomUUID()}`,
      taskQueue: EMPTY_QUEUE,
      args: [CREATE_TENANT_STEPS.length],
    });
  };
}

/** The purchases are made before the clock starts: they are the store's work. */
async function measureTenants(
  stack: Stack,
  client: Client,
  { count, atOnce }: { count: number; atOnce: number },
): Promise<Measured> {
  await stack.simulator.control.holdDeliveries();
  const purchases: Purchase[] = [];
  for (let index = 0; index < count; index += 1) purchases.push(await buy(stack));
  return measure({
    count,
    atOnce,
    job: async (index) => {
      const purchase = purchases[index];
      if (purchase === undefined) throw new Error('a purchase is missing');
      await provision(client, purchase);
    },
  });
}

function ratiosOf(pairs: readonly Pair[]): Measured {
  const ratio = (figure: keyof Measured) =>
    median(pairs.map(({ tenants, empty }) => tenants[figure] / empty[figure]));
  return { perSecond: ratio('perSecond'), p50Ms: ratio('p50Ms'), p99Ms: ratio('p99Ms') };
}

function report(comparisons: readonly Comparison[], print: (line: string) => void): void {
  print(
    `\ncreateTenant (${CREATE_TENANT_STEPS.length} activities) against as many empty ones: median ratio of ${RUNS} pairs of runs (lowest to highest)\n`,
  );
  print('at once   throughput            p50                   p99');
  for (const { atOnce, ratios, pairs } of comparisons) {
    const column = (figure: keyof Measured) => {
      const all = pairs.map(({ tenants, empty }) => tenants[figure] / empty[figure]);
      const range = `${Math.min(...all).toFixed(2)} to ${Math.max(...all).toFixed(2)}`;
      return `${ratios[figure].toFixed(2)} (${range})`.padEnd(22);
    };
    print(`${String(atOnce).padEnd(10)}${column('perSecond')}${column('p50Ms')}${column('p99Ms')}`);
  }
}
