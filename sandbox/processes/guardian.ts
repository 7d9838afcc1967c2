import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('guardian.sh', import.meta.url));

/**
 * Watches over a child that leads its own process group: when this process is gone, for whatever reason, the child
 * gets its stop signal, then SIGKILL with all of its group. Signal handlers could not do that: nobody can catch SIGKILL.
 *
 * @param temporaryFolder removed too when this process is gone
 * @returns a function to call when the child has ended by itself
 */
export function guardChild(options: {
  pid: number;
  stopSignal: NodeJS.Signals;
  stopLimitMs: number;
  temporaryFolder: string | undefined;
}): () => void {
  const seconds = Math.ceil(options.stopLimitMs / 1_000);
  const args = [SCRIPT, `${options.pid}`, options.stopSignal.slice('SIG'.length), `${seconds}`];
  const guardian = spawn('/bin/sh', [...args, options.temporaryFolder ?? ''], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guardian.unref();
  if (guardian.stdin instanceof Socket) guardian.stdin.unref();
  // A guardian that somebody killed must not end this process with EPIPE; the child is stopped by stop() all the same.
  guardian.on('error', () => undefined);
  guardian.stdin.on('error', () => undefined);
  return () => guardian.stdin.end('released\n');
}
