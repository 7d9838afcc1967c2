import { existsSync, readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import pTimeout from 'p-timeout';
import { cacheFolder } from '../processes/made-once.ts';
import { type Log, withProgress } from '../processes/progress.ts';

const DOWNLOAD_SITE = 'https://temporal.download/';
const PROBE_TIMEOUT_MS = 3_000;
const DOWNLOAD_LIMIT_MS = 180_000;
const PROXIES = ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'];

const { version: sdkVersion }: { version: string } = createRequire(import.meta.url)(
  '@temporalio/testing/package.json',
);

/** @returns where the SDK puts what it downloads for us; one folder per program and SDK version */
export function downloadFolder(program: 'cli' | 'test-server'): string {
  return join(cacheFolder(), `temporal-${program}-of-sdk-${sdkVersion}`);
}

/** @returns the program that the SDK has downloaded into the folder earlier, or undefined */
export function downloadedProgram(folder: string): string | undefined {
  if (!existsSync(folder)) return undefined;
  const name = readdirSync(folder).find(
    (entry) => entry.startsWith('temporal') && !entry.includes('downloading'),
  );
  return name && join(folder, name);
}

let possible: Promise<boolean> | undefined;

/** @returns whether the SDK can download; found out once per process, within 3 s */
export function downloadsArePossible(): Promise<boolean> {
  possible ??= probe();
  return possible;
}

async function probe(): Promise<boolean> {
  // The SDK uses a proxy, `fetch` does not: then only trying tells.
  if (PROXIES.some((name) => process.env[name])) return true;
  const options = { method: 'HEAD', signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) };
  return fetch(DOWNLOAD_SITE, options).then(
    () => true,
    () => false,
  );
}

/**
 * Lets the SDK download Temporal's command line with its development server. The SDK has no call for the download
 * alone: it starts a server, which is stopped at once.
 *
 * @returns the program, or undefined when it could not be downloaded
 */
export async function downloadTemporal(log: Log): Promise<string | undefined> {
  const folder = downloadFolder('cli');
  if (!(await downloadsArePossible())) return undefined;
  await mkdir(folder, { recursive: true });
  const executable = { type: 'cached-download' as const, downloadDir: folder };
  try {
    await withProgress({ log, doing: 'temporal: downloading the server' }, async () => {
      const started = TestWorkflowEnvironment.createLocal({ server: { executable } });
      await (await pTimeout(started, { milliseconds: DOWNLOAD_LIMIT_MS })).teardown();
    });
  } catch (error) {
    log(`temporal: no download (${error instanceof Error ? error.message : error})`);
  }
  return downloadedProgram(folder);
}
