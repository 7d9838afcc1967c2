import { startPostgres } from '../../sandbox/postgres/start-postgres.ts';
import { databaseUrl } from '../../sandbox/postgres/template.ts';
import { withClient } from '../../sandbox/postgres/with-client.ts';
import type { LoadResult } from '../load/load.ts';
import { runLoad, runLoads, warmUp } from '../load/run-load.ts';
import { median } from '../measure.ts';
import { reuseLog } from '../reuse-log.ts';
import { SECRET, startGatewayAlone, startPeer, startVerifyOnly, type WebhookServer } from './servers.ts';

const ROUNDS = 4;
const ROUND_S = 6;
const CONNECTIONS = [64, 128] as const;
/** What the whole system is compared at. */
export const STEADY = { connections: 64, perSecond: 500, durationS: 10 } as const;
export const STEADY_ROUNDS = 3;

type Name = 'gateway' | 'verify-only' | 'peer';
type Servers = Record<Name, WebhookServer>;
type Round = Record<Name, LoadResult>;
type Ratios = { acksToPeer: number; acksToVerifyOnly: number; p99ToPeer: number };
type Comparison = { connections: number; rounds: Round[]; ratios: Ratios };

export type PathAlone = { comparisons: Comparison[]; steady: LoadResult[] };

/**
 * The ack path alone, Temporal not running: our gateway, the same that only verifies, and the peer, on one Postgres with
 * the same load, by turns.
 */
export async function measurePathAlone(print: (line: string) => void): Promise<PathAlone> {
  const postgres = await startPostgres({ log: print });
  const started: WebhookServer[] = [];
  const keep = (server: WebhookServer) => {
    started.push(server);
    return server;
  };
  try {
    const servers: Servers = {
      gateway: keep(await startGatewayAlone(await createDatabase(postgres.url, 'gateway'))),
      'verify-only': keep(await startVerifyOnly()),
      peer: keep(await startPeer(await createDatabase(postgres.url, 'peer'))),
    };
    const comparisons: Comparison[] = [];
    for (const connections of CONNECTIONS) comparisons.push(await compare(servers, connections, print));
    await reuseLog(postgres.url);
    const steady = await runLoads({ url: servers.gateway.url, secret: SECRET, ...STEADY }, STEADY_ROUNDS);
    const rounds = comparisons.flatMap((comparison) => comparison.rounds.map(({ gateway }) => gateway));
    await everyAckIsStored(postgres.url, [...rounds, ...steady]);
    return { comparisons, steady };
  } finally {
    await Promise.all(started.map(({ process: server }) => server.stop()));
    await postgres.close();
  }
}

async function createDatabase(postgresUrl: string, name: string): Promise<string> {
  await withClient(postgresUrl, (client) => client.query(`create database ${name}`));
  return databaseUrl(postgresUrl, name);
}

async function compare(
  servers: Servers,
  connections: number,
  print: (line: string) => void,
): Promise<Comparison> {
  const names: Name[] = ['gateway', 'verify-only', 'peer'];
  const targetOf = (name: Name) => ({ url: servers[name].url, secret: SECRET, connections });
  for (const name of names) await warmUp(targetOf(name));
  const rounds: Round[] = [];
  for (let number = 1; number <= ROUNDS; number += 1) {
    const round: Partial<Round> = {};
    // There and back again, so that a machine that grows slower or faster favours nobody.
    for (const name of number % 2 === 1 ? names : [...names].reverse()) {
      round[name] = await runLoad({ ...targetOf(name), durationS: ROUND_S });
    }
    const { gateway, peer, 'verify-only': verifyOnly } = round;
    if (!gateway || !peer || !verifyOnly) throw new Error('unreachable: every server had its turn');
    rounds.push({ gateway, peer, 'verify-only': verifyOnly });
    print(`${connections} connections, round ${number} of ${ROUNDS} done`);
  }
  return { connections, rounds, ratios: ratiosOf(rounds) };
}

/** A benchmark of a gateway that loses events would be worthless. @throws Error when rows are missing */
async function everyAckIsStored(postgresUrl: string, loads: readonly LoadResult[]): Promise<void> {
  const acks = loads.reduce((sum, load) => sum + load.acks, 0);
  const { rows } = await withClient(databaseUrl(postgresUrl, 'gateway'), (client) =>
    client.query<{ count: string }>('select count(*) from stripe_webhook_events'),
  );
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

/** Prints the comparisons as a table. */
export function reportPathAlone({ comparisons }: PathAlone, print: (line: string) => void): void {
  print('\nThe ack path alone: acks a second, p50 and p99 in ms\n');
  print('| connections | acks / peer | acks / verify only | p99 / peer | gateway | verify only | peer |');
  print('|---|---|---|---|---|---|---|');
  for (const { connections, ratios, rounds } of comparisons) {
    const of = (name: Name, key: 'acksPerSecond' | 'p50Ms' | 'p99Ms') =>
      median(rounds.map((round) => round[name][key]));
    const figures = (name: Name) =>
      `${of(name, 'acksPerSecond').toFixed(0)}, ${of(name, 'p50Ms').toFixed(1)}, ${of(name, 'p99Ms').toFixed(1)}`;
    const columns = [
      ratios.acksToPeer.toFixed(2),
      ratios.acksToVerifyOnly.toFixed(2),
      ratios.p99ToPeer.toFixed(2),
      figures('gateway'),
      figures('verify-only'),
      figures('peer'),
    ];
    print(`| ${connections} | ${columns.join(' | ')} |`);
  }
}
