import { watch } from 'node:fs';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import getPort from 'get-port';
import type { ManagedProcess } from './processes/start-process.ts';
import { untilInterrupted } from './processes/until-interrupted.ts';
import { startStack } from './stack.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DATA_DIRECTORY = `${ROOT}.sandbox/dev`;
/** Which processes a change in a room concerns. */
const CONCERNS: Record<string, readonly ('gateway' | 'worker')[]> = {
  domain: ['gateway', 'worker'],
  db: ['gateway', 'worker'],
  client: ['gateway', 'worker'],
  stripe: ['gateway', 'worker'],
  'webhook-gateway': ['gateway'],
  workflows: ['worker'],
  activities: ['worker'],
  worker: ['worker'],
};
/** An editor writes several files at once; they are one change. */
const SETTLE_MS = 200;

const print = (line: string) => process.stdout.write(`${line}\n`);

// The simulator keeps nothing, so neither do the others: what they kept would be about customers nobody knows.
await rm(DATA_DIRECTORY, { recursive: true, force: true });
const stack = await startStack({
  dataDirectory: DATA_DIRECTORY,
  ui: true,
  acksFirst: true,
  ports: {
    gateway: await getPort({ port: 3000 }),
    temporal: await getPort({ port: 7233 }),
    temporalUi: await getPort({ port: 8233 }),
    stripe: await getPort({ port: 12_111 }),
  },
  log: print,
  processLog: print,
});
const stopWatching = reloadOnChange({ gateway: stack.gateway, worker: stack.worker });
print(`
  Temporal UI    ${stack.temporal.uiUrl}
  Gateway API    ${stack.gatewayUrl}/docs   (key for /checkouts: ${stack.checkoutApiKey})
  Stripe (sim.)  ${stack.simulator.url}/   (licence price: ${stack.licensePriceId})
  Mails          ${stack.mail.url}
  Postgres       ${stack.postgres.url}

Gateway and worker start anew when their code changes. Ctrl-C stops everything.`);
await untilInterrupted();
print('Stopping …');
stopWatching();
await stack.close();

/** @returns how to stop watching */
function reloadOnChange(processes: Record<'gateway' | 'worker', ManagedProcess>): () => void {
  const changed = new Set<'gateway' | 'worker'>();
  let timer: NodeJS.Timeout | undefined;
  const restart = async () => {
    const names = [...changed];
    changed.clear();
    print(`Changed: ${names.join(' and ')}, starting anew`);
    const results = await Promise.allSettled(names.map((name) => processes[name].restart()));
    for (const result of results) if (result.status === 'rejected') print(String(result.reason));
  };
  const watchers = Object.entries(CONCERNS).map(([room, names]) =>
    watch(`${ROOT}${room}`, { recursive: true }, () => {
      for (const name of names) changed.add(name);
      clearTimeout(timer);
      timer = setTimeout(restart, SETTLE_MS);
    }),
  );
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}
