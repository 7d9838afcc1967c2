import getPort from 'get-port';
import { ProcessFailed } from './start-process.ts';

const ATTEMPTS_MAX = 5;
const PORT_TAKEN = /address already in use|could not bind|can't bind|EADDRINUSE/i;

/** @returns a port of 127.0.0.1 that is free now, and that this process will not be given again */
export function freePort(): Promise<number> {
  return getPort({ host: '127.0.0.1', reserve: true });
}

/**
 * Starts a server on a free port. Between finding a port and listening on it another process may take it; then it is
 * tried again with another port, five times at most.
 *
 * @param start is to fail with ProcessFailed when the server can't start
 */
export function onFreePort<Server>(start: (port: number) => Promise<Server>): Promise<Server> {
  return unlessPortsAreTaken(async () => start(await freePort()));
}

/** The same for a server that finds ports itself, which may be taken from it as well. */
export async function unlessPortsAreTaken<Server>(start: () => Promise<Server>): Promise<Server> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      const taken = error instanceof ProcessFailed && error.output.some((line) => PORT_TAKEN.test(line));
      if (!taken || attempt >= ATTEMPTS_MAX) throw error;
    }
  }
}
