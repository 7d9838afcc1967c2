import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { type Postgres, startPostgres } from '../../sandbox/postgres/start-postgres.ts';
import { freePort } from '../../sandbox/processes/free-port.ts';
import { type ManagedProcess, startProcess } from '../../sandbox/processes/start-process.ts';
import { median } from '../measure.ts';
import type { LoadOrder, LoadResult } from './load.ts';

const run = promisify(execFile);

const ROUNDS = 4;
const ROUND_S = 6;
const WARM_UP_S = 3;
const CONNECTIONS = [64, 128] as const;
const SECRET = 'whsec_benchmark';
const RESULT_FOLDER = '.sandbox/bench';
const OUTPUT_BYTES_MAX = 1_048_576;
const PACKAGES = 'bench/node_modules';

type Name = 'gateway' | 'verify-only' | 'peer';
type Servers = Record<Name, { url: string; process: ManagedProcess }>;
type Round = Record<Name, LoadResult>;
type Comparison = { connections: number; rounds: Round[]; ratios: Ratios };
type Ratios = {
  acksToPeer: number;
  acksToVerifyOnly: number;
  p99ToPeer: number;
};

/**
 * The ack path alone (Temporal is not running, so wakes fail): our gateway, the same that only verifies, and the peer,
 * on the same Postgres with the same load, by turns. Only ratios mean something: the machine is shared.
 */
export async function benchAck(): Promise<void> {
  const print = (line: string) => process.stdout.write(`${line}\n`);
  await installPackages(print);
  const postgres = await startPostgres({ log: print });
  const servers: Partial<Servers> = {};
  try {
    const started = await startServers(postgres, servers);
    const comparisons: Comparison[] = [];
    for (const connections of CONNECTIONS) comparisons.push(await compare(started, connections, print));
    await everyAckIsStored(postgres, comparisons);
    report(comparisons, print);
    await mkdir(RESULT_FOLDER, { recursive: true });
    await writeFile(`${RESULT_FOLDER}/ack.json`, JSON.stringify(comparisons, null, 2));
    print(`\nWritten to ${RESULT_FOLDER}/ack.json`);
  } finally {
    await Promise.all(Object.values(servers).map(({ process: server }) => server.stop()));
    await postgres.close();
  }
}

/** The peer and the load generator are no dependencies of the project: they are installed when they are first needed. */
export async function installPackages(print: (line: string) => void): Promise<void> {
  if (existsSync(PACKAGES)) return;
  print('installing what only the benchmarks need (bench/package.json)');
  await run('npm', ['ci', '--prefix', 'bench', '--no-audit', '--no-fund']);
}

async function startServers(postgres: Postgres, servers: Partial<Servers>): Promise<Servers> {
  const databases = { gateway: databaseUrl(postgres, 'gateway'), peer: databaseUrl(postgres, 'peer') };
  const admin = new pg.Client({ connectionString: postgres.url });
  await admin.connect();
  await admin.query('create database gateway');
  await admin.query('create database peer');
  await admin.end();
  servers.gateway = await startGateway(databases.gateway);
  servers['verify-only'] = await startListener('verify-only', (port) => ({
    run: { script: 'bench/ack/verify-only.ts' },
    args: [port, SECRET],
  }));
  servers.peer = await startListener('peer', (port) => ({
    run: { command: process.execPath },
    args: ['bench/ack/peer-server.mjs', port, databases.peer, SECRET],
  }));
  return { gateway: servers.gateway, 'verify-only': servers['verify-only'], peer: servers.peer };
}

function databaseUrl(postgres: Postgres, name: string): string {
  const url = new URL(postgres.url);
  url.pathname = `/${name}`;
  return url.href;
}

async function startGateway(databaseUrlOfGateway: string): Promise<Servers['gateway']> {
  const port = await freePort();
  const nobody = `127.0.0.1:${await freePort()}`;
  const env = {
    DATABASE_URL: databaseUrlOfGateway,
    TEMPORAL_ADDRESS: nobody,
    STRIPE_SECRET_KEY: 'sk_test_benchmark',
    STRIPE_WEBHOOK_SECRET: SECRET,
    MASTER_BILLING_TENANT_ID: '00000000-0000-4000-8000-000000000001',
    APP_URL: 'https://app.example.com',
    CHECKOUT_API_KEYS: 'benchmark-checkout-key',
    HOST: '127.0.0.1',
    PORT: String(port),
    LOG_LEVEL: 'silent',
  };
  const { setUpDatabase } = await import('../../db/migrate.ts');
  await setUpDatabase({ url: databaseUrlOfGateway, masterBillingTenantId: env.MASTER_BILLING_TENANT_ID });
  const gateway = await startProcess({
    name: 'gateway',
    run: { script: 'webhook-gateway/server.ts' },
    env,
    readyWhen: { url: `http://127.0.0.1:${port}/health/live` },
  });
  return { url: `http://127.0.0.1:${port}/webhooks/stripe`, process: gateway };
}

async function startListener(
  name: string,
  program: (port: string) => Pick<Parameters<typeof startProcess>[0], 'run' | 'args'>,
): Promise<Servers['peer']> {
  const port = String(await freePort());
  const server = await startProcess({
    name,
    ...program(port),
    readyWhen: { line: (line) => line === 'listening' },
  });
  return { url: `http://127.0.0.1:${port}/webhooks/stripe`, process: server };
}

async function compare(
  servers: Servers,
  connections: number,
  print: (line: string) => void,
): Promise<Comparison> {
  const names: Name[] = ['gateway', 'verify-only', 'peer'];
  for (const name of names) await load(servers[name].url, { connections, durationS: WARM_UP_S });
  const rounds: Round[] = [];
  for (let number = 1; number <= ROUNDS; number += 1) {
    const round: Partial<Round> = {};
    // There and back again, so that a machine that grows slower or faster favours nobody.
    for (const name of number % 2 === 1 ? names : [...names].reverse()) {
      round[name] = await load(servers[name].url, { connections, durationS: ROUND_S });
    }
    const { gateway, peer, 'verify-only': verifyOnly } = round;
    if (!gateway || !peer || !verifyOnly) throw new Error('unreachable: every server had its turn');
    rounds.push({ gateway, peer, 'verify-only': verifyOnly });
    print(`${connections} connections, round ${number} of ${ROUNDS} done`);
  }
  return { connections, rounds, ratios: ratiosOf(rounds) };
}

/** Runs the load generator as a process of its own. @throws Error when an answer was not 2xx */
export async function load(
  url: string,
  order: Pick<LoadOrder, 'connections' | 'durationS' | 'perSecond'>,
): Promise<LoadResult> {
  const { stdout } = await run(
    process.execPath,
    ['--import', 'tsx', 'bench/ack/load.ts', JSON.stringify({ ...order, url, secret: SECRET })],
    { maxBuffer: OUTPUT_BYTES_MAX },
  );
  const result: LoadResult = JSON.parse(stdout);
  if (Object.keys(result.others).length > 0) {
    throw new Error(`${url} did not acknowledge everything: ${JSON.stringify(result.others)}`);
  }
  return result;
}

/** A benchmark of a gateway that loses events would be worthless. @throws Error when rows are missing */
async function everyAckIsStored(postgres: Postgres, comparisons: readonly Comparison[]): Promise<void> {
  const acks = comparisons
    .flatMap(({ rounds }) => rounds)
    .reduce((sum, { gateway }) => sum + gateway.acks, 0);
  const client = new pg.Client({ connectionString: databaseUrl(postgres, 'gateway') });
  await client.connect();
  const { rows } = await client.query<{ count: string }>('select count(*) from stripe_webhook_events');
  await client.end();
  const stored = Number(rows[0]?.count);
  if (stored < acks) throw new Error(`${acks} events were acknowledged, only ${stored} are stored`);
}

function ratiosOf(rounds: readonly Round[]): Ratios {
  const ofRounds = (ratio: (round: Round) => number) => median(rounds.map(ratio));
  return {
    acksToPeer: ofRounds(({ gateway, peer }) => gateway.acksPerSecond / peer.acksPerSecond),
    acksToVerifyOnly: ofRounds((round) => round.gateway.acksPerSecond / round['verify-only'].acksPerSecond),
    p99ToPeer: ofRounds(({ gateway, peer }) => gateway.p99Ms / peer.p99Ms),
  };
}

function report(comparisons: readonly Comparison[], print: (line: string) => void): void {
  print(
    '\n| connections | acks / peer | acks / verify only | p99 / peer | acks a second | p50, p99 ms | peer | verify only |',
  );
  print('|---|---|---|---|---|---|---|---|');
  for (const { connections, ratios, rounds } of comparisons) {
    const of = (name: Name, key: 'acksPerSecond' | 'p50Ms' | 'p99Ms') =>
      median(rounds.map((round) => round[name][key]));
    const times = (name: Name) => `${of(name, 'p50Ms').toFixed(1)}, ${of(name, 'p99Ms').toFixed(1)}`;
    const figures = [
      ratios.acksToPeer.toFixed(2),
      ratios.acksToVerifyOnly.toFixed(2),
      ratios.p99ToPeer.toFixed(2),
      of('gateway', 'acksPerSecond').toFixed(0),
      times('gateway'),
      `${of('peer', 'acksPerSecond').toFixed(0)}; ${times('peer')}`,
      `${of('verify-only', 'acksPerSecond').toFixed(0)}; ${times('verify-only')}`,
    ];
    print(`| ${connections} | ${figures.join(' | ')} |`);
  }
}
