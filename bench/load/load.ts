import { createRequire } from 'node:module';
import { percentile } from '../measure.ts';
import { type SignedRequest, signedRequest } from './signed-event.ts';

/** What one run of load is told, as JSON, in the first argument. */
export type LoadOrder = {
  url: string;
  secret: string;
  connections: number;
  durationS: number;
  /** Requests a second in all; missing: as many as the connections carry. */
  perSecond?: number;
  /** Whom the events are about, by turns; missing: each names a customer of its own, whom nobody knows. */
  customers?: readonly string[];
};

/** What it prints, as JSON. */
export type LoadResult = {
  /** 2xx answers a second; like the times, without the generator's own warm-up. */
  acksPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Answers that were not 2xx, by status; connections that broke stand under 0. */
  others: Record<string, number>;
  /** All 2xx answers. */
  acks: number;
};

type Run = PromiseLike<{ duration: number; errors: number }> & {
  on(event: 'response', listener: (client: unknown, status: number, bytes: number, ms: number) => void): void;
};
type Autocannon = (options: {
  url: string;
  connections: number;
  duration: number;
  overallRate?: number;
  ignoreCoordinatedOmission?: boolean;
  requests: { setupRequest: (request: SignedRequest) => SignedRequest }[];
}) => Run;

// It comes with the benchmark's own packages, which a checkout without benchmarks doesn't have.
const autocannon: Autocannon = createRequire(import.meta.url)('autocannon');

/** The generator compiles its own code while it runs: for so long it would measure itself. */
const WARM_UP_S = 4;

const order: LoadOrder = JSON.parse(process.argv[2] ?? '');
process.stdout.write(`${JSON.stringify(await load(order))}\n`);

/** Sends distinct, freshly signed events of about 1.5 KB, as Stripe would. */
async function load(given: LoadOrder): Promise<LoadResult> {
  const { url, secret, connections, durationS, perSecond, customers = [] } = given;
  let sent = 0;
  const nextCustomer = () => customers[sent++ % customers.length];
  const run = autocannon({
    url,
    connections,
    duration: WARM_UP_S + durationS,
    ...(perSecond !== undefined && { overallRate: perSecond }),
    requests: [{ setupRequest: (request) => ({ ...request, ...signedRequest(secret, nextCustomer()) }) }],
  });
  const began = performance.now();
  let acks = 0;
  const durationsMs: number[] = [];
  const others: Record<string, number> = {};
  run.on('response', (_client, status, _bytes, ms) => {
    if (status < 200 || status >= 300) {
      others[status] = (others[status] ?? 0) + 1;
      return;
    }
    acks += 1;
    if (performance.now() - began > WARM_UP_S * 1000) durationsMs.push(ms);
  });
  const { duration, errors } = await run;
  if (errors > 0) others['0'] = errors;
  durationsMs.sort((a, b) => a - b);
  return {
    acks,
    acksPerSecond: durationsMs.length / (duration - WARM_UP_S),
    p50Ms: percentile(durationsMs, 0.5),
    p99Ms: percentile(durationsMs, 0.99),
    others,
  };
}
