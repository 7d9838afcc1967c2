import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Log } from './progress.ts';
import { waitUntil } from './wait-until.ts';

/** Above the longest that making takes on a slow machine. */
const LOCK_AGE_MAX_MS = 30 * 60_000;
const LOCK_POLL_MS = 500;

/** @returns our folder in the user's cache folder (XDG base directories); it may not exist */
export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tenantry');
}

/**
 * Makes a file or folder that all runs on this machine share, once: when two processes want it, one makes it and the
 * other waits. It appears by a rename, so it is never seen half made.
 *
 * @param make gets a path beside the target to make it at; what it leaves there is removed when it fails
 * @returns the target
 */
export async function madeOnce(options: {
  target: string;
  log: Log;
  make: (temporaryPath: string) => Promise<void>;
}): Promise<string> {
  const { target, log, make } = options;
  if (existsSync(target)) return target;
  await mkdir(dirname(target), { recursive: true });
  const lock = `${target}.lock`;
  const temporaryPath = `${target}.${process.pid}`;
  let waiting = false;
  const madeOrLocked = async () => {
    if (existsSync(target) || (await takeLock(lock))) return true;
    if (!waiting) log(`another process makes ${target}; waiting for it ...`);
    waiting = true;
    return false;
  };
  await waitUntil({ what: target, check: madeOrLocked, limitMs: LOCK_AGE_MAX_MS, pollMs: LOCK_POLL_MS });
  if (existsSync(target)) {
    await releaseLock(lock);
    return target;
  }
  try {
    await make(temporaryPath);
    await rename(temporaryPath, target).catch((error) => {
      // A folder is not renamed over one that has appeared meanwhile; that one is as good.
      if (!existsSync(target)) throw error;
    });
  } finally {
    await rm(temporaryPath, { recursive: true, force: true });
    await releaseLock(lock);
  }
  return target;
}

/** The lock is a file with the process id of its owner; of an owner that is gone, or of an old one, it is removed. */
async function takeLock(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, `${process.pid}`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  // Two that remove the same stale lock may both get one: then both make it, and the renames agree.
  if (await isStale(lock)) await rm(lock, { force: true });
  return false;
}

async function isStale(lock: string): Promise<boolean> {
  const { mtimeMs } = await stat(lock);
  if (Date.now() - mtimeMs > LOCK_AGE_MAX_MS) return true;
  // Between its creation and its writing it is empty.
  const owner = Number(await readFile(lock, 'utf8'));
  return owner > 0 && !isRunning(owner);
}

async function releaseLock(lock: string): Promise<void> {
  const owner = await readFile(lock, 'utf8').catch(() => '');
  if (owner === `${process.pid}`) await rm(lock, { force: true });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
