/** Ctrl-C reaches us from the terminal and, when npm started us, from npm too. */
const SAME_INTERRUPT_MS = 500;

/**
 * Resolves at the first SIGINT or SIGTERM, so that the caller can stop what it started, in order. A second one, but not
 * what npm passes on of the first, ends the process at once; the guardians then stop what still runs.
 */
export function untilInterrupted(): Promise<void> {
  // A signal's handler alone does not keep the event loop alive; a server in another process does not either.
  const keepAlive = setInterval(() => undefined, 60_000);
  return new Promise((resolve) => {
    let firstMs: number | undefined;
    const interrupt = () => {
      firstMs ??= performance.now();
      if (performance.now() - firstMs > SAME_INTERRUPT_MS) process.exit(130);
      clearInterval(keepAlive);
      resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
  });
}
