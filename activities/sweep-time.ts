/**
 * Each part of a sweep begins nothing further after this time: what is under way then (a mail may take 20 s) ends within its
 * activity's 45 s. A try that is cut would be made again beside the one that goes on, and no other sweep starts meanwhile.
 */
const SWEEP_PART_MS_MAX = 20_000;

/** @returns whether the time of the part that begins now is over */
export function sweepPartTimer(now: () => Date): () => boolean {
  const endMs = now().getTime() + SWEEP_PART_MS_MAX;
  return () => now().getTime() >= endMs;
}
