import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { startProcess } from '../../sandbox/processes/start-process.ts';

const LIMIT_MS = 300_000;
export const REPORT = 'report-of-tests.json';
const LINES_SHOWN = 20;

const reportSchema = z.object({
  testResults: z.array(
    z.object({ assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })) }),
  ),
});

/**
 * Runs test files of the project `rooms` in a temporary copy, which goes away with us should we be killed.
 *
 * @returns how many tests passed, and the full names of those that failed
 * @throws Error when there is no verdict on any test: a file that can't even be loaded proves nothing
 */
export async function runTests(options: {
  folder: string;
  files: readonly string[];
}): Promise<{ passed: number; failed: string[] }> {
  const reportFile = join(options.folder, REPORT);
  // A run that ends without a report must not be taken for the one before.
  await rm(reportFile, { force: true });
  const vitest = await startProcess({
    name: 'vitest',
    run: { command: process.execPath },
    args: [
      ...['node_modules/vitest/vitest.mjs', 'run', '--project', 'rooms', ...options.files],
      ...['--reporter', 'json', '--outputFile', REPORT],
    ],
    cwd: options.folder,
    temporaryFolder: options.folder,
  });
  const timer = setTimeout(() => void vitest.stop(), LIMIT_MS);
  await vitest.exited.finally(() => clearTimeout(timer));
  const report = await readFile(reportFile, 'utf8').catch(() => '{"testResults":[]}');
  const tests = reportSchema.parse(JSON.parse(report)).testResults.flatMap((file) => file.assertionResults);
  const withStatus = (status: string) => tests.filter((test) => test.status === status);
  const failed = withStatus('failed').map((test) => test.fullName);
  const passed = withStatus('passed').length;
  if (passed + failed.length === 0)
    throw new Error(['no test ran', ...vitest.output().slice(-LINES_SHOWN)].join('\n  '));
  return { passed, failed };
}
