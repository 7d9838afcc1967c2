import { once } from 'node:events';

/**
 * Resolves at the first SIGINT or SIGTERM, so that the caller can stop what it started, in order. A second one ends the
 * process at once; the guardians then stop what still runs.
 */
export async function untilInterrupted(): Promise<void> {
  // A signal's handler alone does not keep the event loop alive; a server in another process does not either.
  const keepAlive = setInterval(() => undefined, 60_000);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  clearInterval(keepAlive);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
}
