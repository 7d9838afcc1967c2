import { mkdir, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { startProcess } from '../../sandbox/processes/start-process.ts';
import { type Stack, startStack } from '../../sandbox/stack.ts';
import { makeCustomers, openCases } from './open-cases.ts';
import { measureWakes, REFERENCE_QUEUE, type Wakes } from './wake-cases.ts';
import { COLLECT_GARBAGE, stripeRequests, type WorkerMemory, workerMemory } from './worker-memory.ts';

const CASES = '1000';
/** Memory is read after each part, so that what a load costs once isn't taken for what a case costs. */
const PARTS = 4;
const POLICY = 'bench/dunning/policy.json';
const RESULT_FOLDER = '.sandbox/bench';
const BUNDLING_LIMIT_MS = 90_000;

type Reading = WorkerMemory & { cases: number };
type Result = { readings: Reading[]; perCaseKiB: number; wakes: Wakes; requestsPerLook: number };

/** Open cases on one worker: what they take of its memory, and how long a signal to each of them takes. */
export async function benchDunning(flags: readonly string[]): Promise<void> {
  const print = (line: string) => process.stdout.write(`${line}\n`);
  const { values } = parseArgs({
    args: [...flags],
    options: { cases: { type: 'string', default: CASES } },
  });
  const stack = await startStack({
    log: print,
    env: { LOG_LEVEL: 'error', DUNNING_POLICY_FILE: POLICY, NODE_OPTIONS: COLLECT_GARBAGE },
  });
  const database = new pg.Client({ connectionString: stack.env.DATABASE_URL });
  const connection = await Connection.connect({ address: stack.temporal.address });
  const reference = await startProcess({
    name: 'reference worker',
    run: { script: 'bench/reference/empty-worker.ts' },
    args: [stack.temporal.address, REFERENCE_QUEUE],
    readyWhen: { line: (line) => line.includes('workers poll') },
    readyLimitMs: BUNDLING_LIMIT_MS,
  });
  try {
    await database.connect();
    const client = new Client({ connection, namespace: stack.temporal.namespace });
    const result = await run({ stack, database, client, count: Number(values.cases), print });
    report(result, print);
    await mkdir(RESULT_FOLDER, { recursive: true });
    await writeFile(`${RESULT_FOLDER}/dunning.json`, JSON.stringify(result, null, 2));
    print(`\nWritten to ${RESULT_FOLDER}/dunning.json`);
  } finally {
    await reference.stop();
    await connection.close();
    await database.end();
    await stack.close();
  }
}

async function run(bench: {
  stack: Stack;
  database: pg.Client;
  client: Client;
  count: number;
  print: (line: string) => void;
}): Promise<Result> {
  const { stack, database, client, count, print } = bench;
  const purchases = await makeCustomers(stack, database, count);
  print(`${count} customers are synced`);
  const readings: Reading[] = [{ cases: 0, ...(await workerMemory(stack)) }];
  for (let part = 1; part <= PARTS; part += 1) {
    const openBefore = Math.round((count * (part - 1)) / PARTS);
    const cases = Math.round((count * part) / PARTS);
    await openCases(stack, database, { purchases: purchases.slice(openBefore, cases), openBefore });
    readings.push({ cases, ...(await workerMemory(stack)) });
    print(`${cases} cases are open`);
  }
  const cached = readings.at(-1)?.cachedRuns ?? 0;
  if (cached < count) throw new Error(`only ${cached} runs are in the worker's cache`);
  const requestsBefore = await stripeRequests(stack);
  const wakes = await measureWakes({ client, database, purchases });
  const looks = wakes.rounds.length * count + wakes.single.looks;
  const requestsPerLook = ((await stripeRequests(stack)) - requestsBefore) / looks;
  return { readings, perCaseKiB: slopeOf(readings) * 1024, wakes, requestsPerLook };
}

/** MiB for each case more, by least squares. */
function slopeOf(readings: readonly Reading[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [cases, memory] = [
    mean(readings.map((reading) => reading.cases)),
    mean(readings.map((reading) => reading.residentMiB)),
  ];
  const covariance = readings.map((reading) => (reading.cases - cases) * (reading.residentMiB - memory));
  const variance = readings.map((reading) => (reading.cases - cases) ** 2);
  return mean(covariance) / mean(variance);
}

function report(
  { readings, perCaseKiB, wakes, requestsPerLook }: Result,
  print: (line: string) => void,
): void {
  print('\nopen cases   resident MiB   heap MiB   runs in the cache');
  for (const { cases, residentMiB, heapUsedMiB, cachedRuns } of readings) {
    print(
      `${String(cases).padEnd(13)}${residentMiB.toFixed(0).padEnd(15)}${heapUsedMiB.toFixed(0).padEnd(11)}${cachedRuns}`,
    );
  }
  print(`\n- memory: ${perCaseKiB.toFixed(0)} KiB for each case more`);
  for (const { dunningMs, referenceMs } of wakes.rounds) {
    print(
      `- a signal to each at once: ${(dunningMs / 1000).toFixed(1)} s until all were looked at, reference ${(referenceMs / 1000).toFixed(1)} s`,
    );
  }
  const { dunningMs, referenceMs, ratios } = wakes.single;
  print(`- that is ${wakes.eachMs.toFixed(1)} ms for each, ${wakes.ratio.toFixed(2)} of the reference`);
  print(
    `- one signal at a time: ${dunningMs.p50.toFixed(0)} ms (p50), ${dunningMs.p99.toFixed(0)} ms (p99), ${ratios.p50.toFixed(2)} and ${ratios.p99.toFixed(2)} of the reference's ${referenceMs.p50.toFixed(0)} and ${referenceMs.p99.toFixed(0)} ms`,
  );
  print(`- ${requestsPerLook.toFixed(1)} requests to Stripe for each look`);
}
