import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { freePort } from '../sandbox/processes/free-port.ts';

test.each(['SIGTERM', 'SIGINT'] as const)('%s to npm ends what npm runs', async (signal) => {
  const port = await freePort();
  const npm = spawn('npm', ['run', 'stripe'], {
    env: { ...process.env, STRIPE_SIMULATOR_PORT: String(port) },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(npm, 'exit');
  for await (const line of createInterface(npm.stdout)) if (line.includes('Ctrl-C')) break;
  expect((await fetch(`http://127.0.0.1:${port}/`)).ok).toBe(true);
  npm.kill(signal);
  await exited;
  await expect
    .poll(() =>
      fetch(`http://127.0.0.1:${port}/`).then(
        () => 'open',
        () => 'closed',
      ),
    )
    .toBe('closed');
});
