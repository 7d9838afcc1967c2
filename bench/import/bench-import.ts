import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { startImport, startReconcile } from '../../client/bulk-runs.ts';
import {
  DEFAULT_TASK_QUEUE,
  type ImportCustomersInput,
  type ImportCustomersResult,
  type ImportProgress,
  QUERIES,
  type ReconcileBillingResult,
} from '../../client/contract.ts';
import { type Stack, startStack } from '../../sandbox/stack.ts';
import { type FilledCustomer, fillStripe } from './fill-stripe.ts';

const COUNT_DEFAULT = 100_000;
const BUDGET_PER_SECOND = 20;
const LOOK_EVERY_MS = 500;
/** Of the customers, those that have no tenant: they are left, by name. */
const WITHOUT_TENANT = 10;
const FALSIFIED_SHARE = 0.01;
const RESULT_FOLDER = '.sandbox/bench';
const KIB = 1024;

type Sample = { atMs: number; progress: ImportProgress; rssMiB: number };
type Watched = { result: ImportCustomersResult; samples: Sample[]; elapsedMs: number };

/**
 * An import of 100,000 subscriptions with a budget of 20 requests a second: how much of the budget its listing keeps busy, how
 * many requests it takes, and what the worker's memory does. Then the same applied, with the worker and Temporal killed on the
 * way; then reconcile, with 1 % of the rows falsified. A number as the first flag is another count.
 *
 * @throws Error when a row is lost, doubled or wrong, or when reconcile writes another row than those that differed
 */
export async function benchImport([count]: readonly string[]): Promise<void> {
  const print = (line: string) => process.stdout.write(`${line}\n`);
  const dataDirectory = await mkdtemp(join(tmpdir(), 'tenantry-bench-'));
  const stack = await startStack({
    dataDirectory,
    built: false,
    log: print,
    env: { LOG_LEVEL: 'error', STRIPE_MAX_REQUESTS_PER_SECOND: String(BUDGET_PER_SECOND) },
  });
  const connection = await Connection.connect({ address: stack.temporal.address });
  const database = new pg.Client({ connectionString: stack.env.DATABASE_URL });
  await database.connect();
  try {
    const bench = new ImportBench(
      stack,
      new Client({ connection, namespace: stack.temporal.namespace }),
      database,
      print,
    );
    const figures = await bench.run(Number(count ?? COUNT_DEFAULT));
    await mkdir(RESULT_FOLDER, { recursive: true });
    await writeFile(`${RESULT_FOLDER}/import.json`, JSON.stringify(figures, null, 2));
    print(`\nWritten to ${RESULT_FOLDER}/import.json`);
  } finally {
    await database.end();
    await connection.close();
    await stack.close();
    await rm(dataDirectory, { recursive: true, force: true });
  }
}

class ImportBench {
  readonly #stack: Stack;
  readonly #client: Client;
  readonly #database: pg.Client;
  readonly #print: (line: string) => void;
  #worker: Stack['worker'];

  constructor(stack: Stack, client: Client, database: pg.Client, print: (line: string) => void) {
    this.#stack = stack;
    this.#client = client;
    this.#database = database;
    this.#print = print;
    this.#worker = stack.worker;
  }

  async run(count: number): Promise<Record<string, unknown>> {
    const began = performance.now();
    const filled = await fillStripe(this.#stack, count);
    this.#print(`${count} customers in the simulator after ${seconds(performance.now() - began)} s`);
    await this.#database.query(
      `insert into tenants (client_name, email) select 'Tenant', email from unnest($1::text[]) as email`,
      [filled.slice(WITHOUT_TENANT).map(({ email }) => email.toUpperCase())],
    );
    const planned = await this.#import({});
    const listed = planned.samples.filter(({ progress }) => progress.phase === 'listing');
    const figures = {
      subscriptions: count,
      requestsPer100: (planned.result.pages / count) * 100,
      budgetShare: budgetShare(listed),
      dryRunSeconds: Number(seconds(planned.elapsedMs)),
      rssMiBEarly: rssAt(listed, 0.2),
      rssMiBMiddle: rssAt(listed, 0.6),
      rssMiBLate: rssAt(listed, 1),
    };
    this.#print(`dry run: ${JSON.stringify(figures)}`);
    const applied = await this.#import({ apply: true }, [
      { afterPages: planned.result.pages * 0.3, kill: () => this.#killWorker() },
      { afterPages: planned.result.pages * 0.7, kill: () => this.#killTemporal() },
    ]);
    await this.#expectImported(filled, applied.result);
    this.#print(
      `applied in ${seconds(applied.elapsedMs)} s with worker and Temporal killed on the way; every row is there once, the proof is empty`,
    );
    const again = await this.#import({ apply: true });
    if (again.result.written > 0)
      throw new Error(`the second import wrote ${again.result.written} customers`);
    this.#print(`a second import wrote nothing, in ${seconds(again.elapsedMs)} s`);
    const reconciled = await this.#reconcile(count);
    return {
      ...figures,
      appliedSeconds: Number(seconds(applied.elapsedMs)),
      againSeconds: Number(seconds(again.elapsedMs)),
      ...reconciled,
    };
  }

  async #import(
    input: ImportCustomersInput,
    kills: { afterPages: number; kill: () => Promise<void> }[] = [],
  ): Promise<Watched> {
    const began = performance.now();
    const run = await startImport(this.#client, { input, taskQueue: DEFAULT_TASK_QUEUE });
    const handle = this.#client.workflow.getHandle(run.workflowId);
    const samples: Sample[] = [];
    const left = [...kills];
    let isOver = false;
    const result = this.#resultOf(handle).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      const progress = await handle.query<ImportProgress>(QUERIES.progress).catch(() => undefined);
      if (progress !== undefined) {
        samples.push({ atMs: performance.now() - began, progress, rssMiB: await rssMiB(this.#worker.pid) });
        if (left[0] !== undefined && progress.pages >= left[0].afterPages) await left.shift()?.kill();
      }
      await Promise.race([delay(LOOK_EVERY_MS), result.catch(() => undefined)]);
    }
    return { result: await result, samples, elapsedMs: performance.now() - began };
  }

  /** Whoever waits while Temporal is killed asks again. */
  async #resultOf(handle: { result: () => Promise<unknown> }): Promise<ImportCustomersResult> {
    for (;;) {
      try {
        return (await handle.result()) as ImportCustomersResult;
      } catch (error) {
        if (error instanceof Error && error.name === 'WorkflowFailedError') throw error;
        await delay(LOOK_EVERY_MS);
      }
    }
  }

  async #killWorker(): Promise<void> {
    this.#print('worker: SIGKILL');
    this.#worker.kill('SIGKILL');
    await this.#worker.exited;
    this.#worker = await this.#stack.startWorker();
  }

  async #killTemporal(): Promise<void> {
    this.#print('Temporal: SIGKILL');
    await this.#stack.temporal.crash();
    await this.#stack.temporal.start();
  }

  async #expectImported(
    filled: readonly FilledCustomer[],
    { proof, linked }: ImportCustomersResult,
  ): Promise<void> {
    if (proof?.differences !== 0) throw new Error(`the proof has ${proof?.differences} differences`);
    if (linked !== filled.length - WITHOUT_TENANT) throw new Error(`${linked} customers were linked`);
    const { rows } = await this.#database.query<{ id: string; quantity: number; count: number }>(
      `select s.stripe_subscription_external_id as id, s.quantity, t.licensed_user_count as count
      from stripe_subscriptions s join tenants t using (tenant)`,
    );
    const held = new Map(rows.map((row) => [row.id, row]));
    if (held.size !== rows.length || rows.length !== linked) throw new Error(`there are ${rows.length} rows`);
    for (const { subscription, quantity } of filled.slice(WITHOUT_TENANT)) {
      const row = held.get(subscription);
      if (row?.quantity !== quantity || row.count !== quantity) {
        throw new Error(`${subscription} is ${JSON.stringify(row)}, not ${quantity}`);
      }
    }
  }

  async #reconcile(count: number): Promise<Record<string, unknown>> {
    // Events of the filling are none of what is measured.
    await this.#database.query(
      `insert into reconcile_cursors (name, read_until) values ('events', now()) on conflict (name) do nothing`,
    );
    const falsified = Math.floor(count * FALSIFIED_SHARE);
    await this.#database.query(
      `update stripe_subscriptions set quantity = quantity + 1000 where stripe_subscription_id in (
        select stripe_subscription_id from stripe_subscriptions order by stripe_subscription_id limit $1
      )`,
      [falsified],
    );
    const before = await this.#versions();
    const began = performance.now();
    const run = await startReconcile(this.#client, {
      input: { only: 'subscriptions' },
      taskQueue: DEFAULT_TASK_QUEUE,
    });
    const result: ReconcileBillingResult = await this.#client.workflow.getHandle(run.workflowId).result();
    const elapsedMs = performance.now() - began;
    const after = await this.#versions();
    const { rows } = await this.#database.query<{ wrong: number }>(
      'select count(*)::int as wrong from stripe_subscriptions where quantity >= 1000',
    );
    if (rows[0]?.wrong !== 0) throw new Error(`${rows[0]?.wrong} rows are still wrong`);
    if (after - before !== falsified)
      throw new Error(`${after - before} customers were written, not ${falsified}`);
    if (result.drift_found !== falsified || result.drift_left !== 0) throw new Error(JSON.stringify(result));
    this.#print(
      `reconcile: ${falsified} falsified rows found and repaired, no other customer written, in ${seconds(elapsedMs)} s`,
    );
    return { falsified, reconcileSeconds: Number(seconds(elapsedMs)) };
  }

  /** Each writing of a customer raises its version by one. */
  async #versions(): Promise<number> {
    const { rows } = await this.#database.query<{ sum: string }>(
      'select sum(sync_version) as sum from stripe_customers',
    );
    return Number(rows[0]?.sum ?? 0);
  }
}

/** Pages of the listing in a second of it, as a share of the budget; its first and last moments belong to it. */
function budgetShare(listed: readonly Sample[]): number {
  const [first, last] = [listed[0], listed.at(-1)];
  if (first === undefined || last === undefined || first === last) return Number.NaN;
  const pages = last.progress.pages - first.progress.pages;
  return pages / (((last.atMs - first.atMs) / 1000) * BUDGET_PER_SECOND);
}

/** The worker's memory when this share of the listing's time was over. */
function rssAt(listed: readonly Sample[], share: number): number {
  return Math.round(
    listed[Math.min(listed.length - 1, Math.floor(listed.length * share))]?.rssMiB ?? Number.NaN,
  );
}

async function rssMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) / KIB;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
