import { setTimeout as delay } from 'node:timers/promises';
import type { Stack } from '../../sandbox/stack.ts';

/** What is collected goes back to the system bit by bit; the least of this many looks counts. */
const LOOKS = 5;
const BETWEEN_LOOKS_MS = 1_000;

/** For `NODE_OPTIONS`: lets `workerMemory` collect what is garbage. */
export const COLLECT_GARBAGE = '--import ./bench/dunning/collect-garbage.mjs';

export type WorkerMemory = {
  /** Of the whole process. */
  residentMiB: number;
  /** Of the main thread alone: workflows live in a thread of their own. */
  heapUsedMiB: number;
  /** Runs in the worker's cache. */
  cachedRuns: number;
};

/** What the worker's own metrics say while it has nothing to do, garbage left out. */
export async function workerMemory({ env, worker }: Stack): Promise<WorkerMemory> {
  const looks: WorkerMemory[] = [];
  for (let look = 0; look < LOOKS; look += 1) {
    worker.kill('SIGUSR2');
    await delay(BETWEEN_LOOKS_MS);
    const text = await metricsOf(env);
    looks.push({
      residentMiB: sumOf(text, 'process_resident_memory_bytes') / 2 ** 20,
      heapUsedMiB: sumOf(text, 'nodejs_heap_size_used_bytes') / 2 ** 20,
      cachedRuns: sumOf(text, 'temporal_sticky_cache_size'),
    });
  }
  return {
    residentMiB: Math.min(...looks.map((look) => look.residentMiB)),
    heapUsedMiB: Math.min(...looks.map((look) => look.heapUsedMiB)),
    cachedRuns: looks.at(-1)?.cachedRuns ?? 0,
  };
}

/** How many requests the worker has sent to Stripe. */
export async function stripeRequests({ env }: Stack): Promise<number> {
  return sumOf(await metricsOf(env), 'tenantry_stripe_requests_total');
}

async function metricsOf(env: Stack['env']): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${env.METRICS_PORT}/metrics`);
  return answer.text();
}

/** A metric over all its labels. */
function sumOf(text: string, metric: string): number {
  const samples = text.matchAll(new RegExp(`^${metric}(?:\\{.*\\})? (\\S+)$`, 'gm'));
  return [...samples].reduce((sum, [, value]) => sum + Number(value), 0);
}
