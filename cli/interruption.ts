/** Ctrl-C as an answer to waiting: what was begun goes on, the process stops watching it. */
export const INTERRUPTED = Symbol('interrupted');

/** Waits for work that goes on elsewhere, until it is done or Ctrl-C is pressed. */
export async function orInterrupted<T>(work: Promise<T>): Promise<T | typeof INTERRUPTED> {
  let interrupt: () => void = () => undefined;
  const interrupted = new Promise<typeof INTERRUPTED>((resolve) => {
    interrupt = () => resolve(INTERRUPTED);
  });
  // Every time: started through npm, one Ctrl-C may reach us twice.
  process.on('SIGINT', interrupt);
  // Closing the connection ends what is still waited for.
  work.catch(() => undefined);
  const first = await Promise.race([work, interrupted]);
  if (first !== INTERRUPTED) process.off('SIGINT', interrupt);
  return first;
}
