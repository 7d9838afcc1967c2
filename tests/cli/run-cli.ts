import { type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import { vi } from 'vitest';

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

export type StartedCli = {
  ended: Promise<CliRun>;
  /** Resolves when it has said this on standard error. */
  says: (text: string) => Promise<void>;
  kill: ChildProcess['kill'];
};

/** Runs the command line as a process, with nothing of Stripe's or Temporal's in its environment but what is given. */
export function runCli(args: readonly string[], env: Record<string, string> = {}): Promise<CliRun> {
  return startCli(args, env).ended;
}

/** The same for a command that is watched while it runs. */
export function startCli(args: readonly string[], env: Record<string, string> = {}): StartedCli {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(TEMPORAL|STRIPE|DATABASE)_/.test(name),
  );
  const child = execFile(process.execPath, ['--import', TSX, 'cli/main.ts', ...args], {
    timeout: LIMIT_MS,
    env: { ...Object.fromEntries(inherited), ...env },
  });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream]?.on('data', (text) => {
      output[stream] += text;
    });
  const ended = once(child, 'close').then(([code]) => ({
    ...output,
    code: code ?? -1,
    json: () => JSON.parse(output.stdout),
  }));
  const says = async (text: string) => {
    await vi.waitUntil(() => output.stderr.includes(text), { timeout: LIMIT_MS });
  };
  return { ended, says, kill: (signal) => child.kill(signal) };
}
