export type Measured = { perSecond: number; p50Ms: number; p99Ms: number };

/**
 * Runs `count` jobs, `atOnce` at a time, and measures them.
 *
 * @returns throughput over the whole, and percentiles of the single jobs
 */
export async function measure(options: {
  count: number;
  atOnce: number;
  job: (index: number) => Promise<void>;
}): Promise<Measured> {
  const { count, atOnce, job } = options;
  const durationsMs: number[] = [];
  let next = 0;
  const runJobs = async () => {
    while (next < count) {
      const index = next;
      next += 1;
      const began = performance.now();
      await job(index);
      durationsMs.push(performance.now() - began);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: atOnce }, runJobs));
  const totalMs = performance.now() - began;
  durationsMs.sort((a, b) => a - b);
  return {
    perSecond: (count / totalMs) * 1000,
    p50Ms: percentile(durationsMs, 0.5),
    p99Ms: percentile(durationsMs, 0.99),
  };
}

/** The nearest-rank percentile of ascending values. */
export function percentile(ascending: readonly number[], share: number): number {
  return ascending[Math.max(0, Math.ceil(ascending.length * share) - 1)] ?? Number.NaN;
}

/** The value in the middle: one slow moment of a shared machine doesn't decide. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
