import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type pg from 'pg';
import { DEFAULT_TASK_QUEUE } from '../../client/contract.ts';
import { wakeDunning } from '../../client/wake-dunning.ts';
import { measure, median, percentile } from '../measure.ts';
import type { Purchase } from '../purchases.ts';

export const REFERENCE_QUEUE = 'reference';

const ROUNDS = 3;
const SIGNALS_AT_ONCE = 16;
const POLL_MS = 50;
const LIMIT_MS = 300_000;
const SINGLE_WARM_UP = 10;
const SINGLE_SAMPLES = 100;

/** Milliseconds; `each` is the whole divided by the number of signals. */
type Round = { dunningMs: number; referenceMs: number; dunningEachMs: number; referenceEachMs: number };
type Percentiles = { p50: number; p99: number };

export type Wakes = {
  rounds: Round[];
  /** Median of the rounds: all cases at once, against as many runs of the reference. */
  ratio: number;
  eachMs: number;
  /** One signal at a time. */
  single: { looks: number; dunningMs: Percentiles; referenceMs: Percentiles; ratios: Percentiles };
};

type Bench = { client: Client; database: pg.Client; purchases: readonly Purchase[] };

/**
 * A signal to every case at once, until each was looked at once more, against as many signalWithStarts of a workflow with
 * one empty activity, by turns; then single signals, by turns too.
 */
export async function measureWakes(bench: Bench): Promise<Wakes> {
  const rounds: Round[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const referenceMs = await allReferences(bench, round);
    const dunningMs = await allCases(bench);
    const count = bench.purchases.length;
    const each = { dunningEachMs: dunningMs / count, referenceEachMs: referenceMs / count };
    rounds.push({ dunningMs, referenceMs, ...each });
  }
  return {
    rounds,
    ratio: median(rounds.map(({ dunningMs, referenceMs }) => dunningMs / referenceMs)),
    eachMs: median(rounds.map(({ dunningEachMs }) => dunningEachMs)),
    single: await measureSingle(bench),
  };
}

/** A look raises the version of its customer's row in the transaction that decides, so the rows tell who was looked at. */
async function allCases({ client, database, purchases }: Bench): Promise<number> {
  const before = await looksSoFar(database);
  return until(
    () =>
      measure({
        count: purchases.length,
        atOnce: SIGNALS_AT_ONCE,
        job: (index) => wake(client, purchases[index]),
      }),
    async () => (await looksSoFar(database)) - before >= purchases.length,
  );
}

async function allReferences({ client, purchases }: Bench, round: number): Promise<number> {
  const prefix = `reference-${round}-${crypto.randomUUID()}`;
  return until(
    () =>
      measure({
        count: purchases.length,
        atOnce: SIGNALS_AT_ONCE,
        job: async (index) => void (await startReference(client, `${prefix}-${index}`)),
      }),
    async () => {
      const ended = `WorkflowId STARTS_WITH '${prefix}' AND ExecutionStatus = 'Completed'`;
      return (await client.workflow.count(ended)).count >= purchases.length;
    },
  );
}

/** @returns how long it took from the first signal until it is done */
async function until(signal: () => Promise<unknown>, isDone: () => Promise<boolean>): Promise<number> {
  const began = performance.now();
  await signal();
  while (!(await isDone())) {
    if (performance.now() - began > LIMIT_MS) throw new Error(`not done after ${LIMIT_MS} ms`);
    await delay(POLL_MS);
  }
  return performance.now() - began;
}

async function measureSingle(bench: Bench): Promise<Wakes['single']> {
  const cases: number[] = [];
  const references: number[] = [];
  for (let sample = 0; sample < SINGLE_WARM_UP + SINGLE_SAMPLES; sample += 1) {
    const dunningMs = await oneCase(bench, bench.purchases[sample % bench.purchases.length]);
    const referenceMs = await oneReference(bench);
    if (sample < SINGLE_WARM_UP) continue;
    cases.push(dunningMs);
    references.push(referenceMs);
  }
  const [dunningMs, referenceMs] = [percentilesOf(cases), percentilesOf(references)];
  const ratios = { p50: dunningMs.p50 / referenceMs.p50, p99: dunningMs.p99 / referenceMs.p99 };
  return { looks: SINGLE_WARM_UP + SINGLE_SAMPLES, dunningMs, referenceMs, ratios };
}

async function oneCase({ client, database }: Bench, purchase: Purchase | undefined): Promise<number> {
  const version = await versionOf(database, purchase);
  const began = performance.now();
  await wake(client, purchase);
  while ((await versionOf(database, purchase)) === version) {
    if (performance.now() - began > LIMIT_MS) throw new Error(`${purchase?.subscription} was not looked at`);
  }
  return performance.now() - began;
}

async function oneReference({ client }: Bench): Promise<number> {
  const began = performance.now();
  await (await startReference(client, `reference-${crypto.randomUUID()}`)).result();
  return performance.now() - began;
}

function wake(client: Client, purchase: Purchase | undefined): Promise<void> {
  if (purchase === undefined) throw new Error('a purchase is missing');
  return wakeDunning(client.workflow, {
    stripeSubscriptionId: purchase.subscription,
    taskQueue: DEFAULT_TASK_QUEUE,
  });
}

function startReference(client: Client, workflowId: string) {
  return client.workflow.signalWithStart('emptyWorkflow', {
    workflowId,
    taskQueue: REFERENCE_QUEUE,
    args: [1],
    signal: 'wake',
  });
}

async function looksSoFar(database: pg.Client): Promise<number> {
  const { rows } = await database.query<{ looks: number }>(
    'select sum(sync_version)::int as looks from stripe_customers',
  );
  return rows[0]?.looks ?? 0;
}

async function versionOf(database: pg.Client, purchase: Purchase | undefined): Promise<string | undefined> {
  const { rows } = await database.query<{ sync_version: string }>({
    name: 'version',
    text: 'select sync_version from stripe_customers where stripe_customer_external_id = $1',
    values: [purchase?.customer],
  });
  return rows[0]?.sync_version;
}

function percentilesOf(values: readonly number[]): Percentiles {
  const ascending = [...values].sort((a, b) => a - b);
  return { p50: percentile(ascending, 0.5), p99: percentile(ascending, 0.99) };
}
