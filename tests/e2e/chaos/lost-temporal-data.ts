import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startProcess } from '../../../sandbox/processes/start-process.ts';
import type { System } from '../system.ts';

/** SQLite's file and those beside it. */
const FILES = ['temporal.db', 'temporal.db-wal', 'temporal.db-shm'];

/**
 * Temporal comes back without any run, schedule or search attribute, and its operator does what is to be done then: the
 * set-up.
 */
export async function startTemporalWithoutItsData(system: System): Promise<void> {
  for (const file of FILES) await rm(join(system.dataDirectory, file), { force: true });
  await system.temporal.start();
  const setup = await startProcess({
    name: 'setup',
    run: { command: process.execPath },
    args: ['dist/worker/setup.js'],
    env: system.env,
  });
  const { code } = await setup.exited;
  if (code !== 0) throw new Error(['the set-up failed', ...setup.output()].join('\n  '));
}
