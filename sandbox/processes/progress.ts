/** Takes one line without its end. */
export type Log = (line: string) => void;

/** Progress belongs on standard error: standard output is for results. */
export function logToStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}

/**
 * Says what is going on before something slow, and how long it took after it.
 *
 * @param everyMs says again that it goes on, for what takes minutes
 * @throws what the task throws
 */
export async function withProgress<Result>(
  options: { log: Log; doing: string; everyMs?: number },
  task: () => Promise<Result>,
): Promise<Result> {
  const { log, doing, everyMs } = options;
  const startedAt = performance.now();
  const elapsed = () => `${((performance.now() - startedAt) / 1_000).toFixed(1)} s`;
  log(`${doing} ...`);
  const ticker =
    everyMs === undefined ? undefined : setInterval(() => log(`${doing}: ${elapsed()} so far`), everyMs);
  try {
    const result = await task();
    log(`${doing}: done in ${elapsed()}`);
    return result;
  } catch (error) {
    log(`${doing}: failed after ${elapsed()}`);
    throw error;
  } finally {
    clearInterval(ticker);
  }
}
