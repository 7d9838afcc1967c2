import { execFile } from 'node:child_process';

/** A command asks a few servers a few things; a busy machine may take its time. */
const LIMIT_MS = 60_000;
const TSX = import.meta.resolve('tsx');

export type CliRun = {
  code: number;
  stdout: string;
  stderr: string;
  /** The one value that `--json` prints. */
  json: () => unknown;
};

/**
 * Runs the command line as a process, in English, with nothing of Stripe's or Temporal's in its environment but what is
 * given.
 */
export function runCli(
  args: readonly string[],
  env: Record<string, string | undefined> = {},
): Promise<CliRun> {
  const cleared = Object.fromEntries(
    Object.keys(process.env)
      .filter((name) => /^(TEMPORAL|STRIPE|DATABASE)_/.test(name))
      .map((name) => [name, undefined]),
  );
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--import', TSX, 'cli/main.ts', ...args],
      { timeout: LIMIT_MS, env: { ...process.env, ...cleared, ...env } },
      (error, stdout, stderr) => {
        const code = typeof error?.code === 'number' ? error.code : error ? -1 : 0;
        resolve({ code, stdout, stderr, json: () => JSON.parse(stdout) });
      },
    );
  });
}
