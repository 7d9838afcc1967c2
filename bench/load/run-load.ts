import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { median } from '../measure.ts';
import type { LoadOrder, LoadResult } from './load.ts';

const run = promisify(execFile);

const OUTPUT_BYTES_MAX = 1_048_576;
const PACKAGES = 'bench/node_modules';

/** The peer and the load generator are no dependencies of the project: they are installed when they are first needed. */
export async function installPackages(print: (line: string) => void): Promise<void> {
  if (existsSync(PACKAGES)) return;
  print('installing what only the benchmarks need (bench/package.json)');
  await run('npm', ['ci', '--prefix', 'bench', '--no-audit', '--no-fund']);
}

const WARM_UP_S = 5;

/** A server compiles what runs often while it runs: two that are compared must have had as much to do before. */
export async function warmUp(
  target: Pick<LoadOrder, 'url' | 'secret' | 'customers' | 'connections'>,
): Promise<void> {
  await runLoad({ ...target, durationS: WARM_UP_S });
}

/** The same load again and again: one slow moment of a shared machine must not decide. */
export async function runLoads(order: LoadOrder, rounds: number): Promise<LoadResult[]> {
  const results: LoadResult[] = [];
  while (results.length < rounds) results.push(await runLoad(order));
  return results;
}

/** The median of the runs' p99, in milliseconds. */
export function p99Of(loads: readonly LoadResult[]): number {
  return median(loads.map(({ p99Ms }) => p99Ms));
}

/** The same with the lowest and the highest of them, for people. */
export function p99Text(loads: readonly LoadResult[]): string {
  const ascending = loads.map(({ p99Ms }) => p99Ms).sort((a, b) => a - b);
  return `${p99Of(loads).toFixed(1)} ms, ${ascending.at(0)?.toFixed(0)} to ${ascending.at(-1)?.toFixed(0)}`;
}

/** Runs the load generator as a process of its own. @throws Error when an answer was not 2xx */
export async function runLoad(order: LoadOrder): Promise<LoadResult> {
  const { stdout } = await run(
    process.execPath,
    ['--import', 'tsx', 'bench/load/load.ts', JSON.stringify(order)],
    { maxBuffer: OUTPUT_BYTES_MAX },
  );
  const result: LoadResult = JSON.parse(stdout);
  if (Object.keys(result.others).length > 0) {
    throw new Error(`${order.url} did not acknowledge everything: ${JSON.stringify(result.others)}`);
  }
  return result;
}
