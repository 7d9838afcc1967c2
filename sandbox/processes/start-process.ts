import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { putIntoBackground } from './background.ts';
import { guardChild } from './guardian.ts';
import { keepOutputLines, type OutputLines } from './output-lines.ts';
import type { Log } from './progress.ts';
import { waitUntil } from './wait-until.ts';

const READY_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 10_000;
const URL_TIMEOUT_MS = 2_000;
const LINES_IN_MESSAGE = 60;

export type ProcessExit = { code: number | null; signal: NodeJS.Signals | null };

/**
 * How one knows that a process is ready: it has printed a line, its address answers 2xx, a check says so. All that are
 * given must hold: where another server may hold the port, an address alone proves nothing.
 */
export type ReadyWhen = {
  line?: (line: string) => boolean;
  url?: string;
  check?: () => boolean | Promise<boolean>;
};

export type ProcessOptions = {
  name: string;
  /** A TypeScript file, run by this Node with tsx and without npx in between, so that signals reach it; or a program. */
  run: { script: string } | { command: string };
  args?: readonly string[];
  /** Added to this process's own; undefined takes a variable away. */
  env?: Record<string, string | undefined>;
  cwd?: string;
  user?: { uid: number; gid: number };
  /** Gets the processor when nobody else wants it; missing: like all others. */
  isBackground?: boolean;
  /** Missing: ready as soon as it runs. */
  readyWhen?: ReadyWhen;
  readyLimitMs?: number;
  stopSignal?: NodeJS.Signals;
  /** After the stop signal; then SIGKILL to the whole process group. */
  stopLimitMs?: number;
  /** Removed when this process goes away without stopping the child. */
  temporaryFolder?: string;
  /** Gets every line of the child's output, as it comes. */
  log?: Log;
};

export type ManagedProcess = {
  readonly name: string;
  /** Of the current run, or of the last one. */
  readonly pid: number;
  readonly running: boolean;
  /** Resolves when the current run (or the last one) has ended; never rejects. */
  readonly exited: Promise<ProcessExit>;
  /** The last 200 lines of standard output and standard error, of all runs. */
  output(): readonly string[];
  kill(signal: NodeJS.Signals): void;
  /** The stop signal, then SIGKILL. Idempotent: of an ended process it is the exit. */
  stop(): Promise<ProcessExit>;
  /** Stops it if it runs, starts it again with the same options, and resolves when it is ready. */
  restart(): Promise<void>;
};

/** The process could not be started, or ended or hung before it was ready; `output` has its last 200 lines, the message fewer. */
export class ProcessFailed extends Error {
  override readonly name = 'ProcessFailed';
  readonly output: readonly string[];

  constructor(message: string, output: readonly string[], cause?: unknown) {
    super([message, ...output.slice(-LINES_IN_MESSAGE)].join('\n  '), { cause });
    this.output = output;
  }
}

/**
 * Starts a child in a process group of its own, so that Ctrl-C reaches only us and we stop our children in order, and
 * resolves when it is ready. It never outlives this process.
 *
 * @throws ProcessFailed when it can't be started, ends before it is ready or is not ready in time; it is stopped then
 */
export async function startProcess(options: ProcessOptions): Promise<ManagedProcess> {
  const output = keepOutputLines();
  let current = await startRun(options, output);
  return {
    name: options.name,
    get pid() {
      return current.pid;
    },
    get running() {
      return current.running();
    },
    get exited() {
      return current.exited;
    },
    output: output.last,
    kill: (signal) => current.kill(signal),
    stop: () => current.stop(),
    async restart() {
      await current.stop();
      current = await startRun(options, output);
    },
  };
}

type Run = Pick<ManagedProcess, 'pid' | 'exited' | 'kill' | 'stop'> & { running(): boolean };

async function startRun(options: ProcessOptions, output: OutputLines): Promise<Run> {
  const {
    name,
    readyWhen = {},
    stopSignal = 'SIGTERM',
    stopLimitMs = STOP_LIMIT_MS,
    temporaryFolder,
  } = options;
  const child = spawnChild(options);
  const { pid } = child;
  if (pid === undefined) {
    const [error] = await once(child, 'error');
    throw new ProcessFailed(`${name} could not be started: ${error}`, [], error);
  }
  if (options.isBackground) putIntoBackground(pid);
  const release = guardChild({ pid, stopSignal, stopLimitMs, temporaryFolder });
  const ended = new AbortController();
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once('exit', () => {
      killGroup(pid);
      release();
      ended.abort(new Error('it ended'));
    });
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  let readyLineSeen = readyWhen.line === undefined;
  output.collect(child, (line) => {
    readyLineSeen ||= readyWhen.line?.(line) ?? false;
    options.log?.(line);
  });
  const running = () => child.exitCode === null && child.signalCode === null;
  const stop = async () => {
    if (running()) child.kill(stopSignal);
    const tooLong = setTimeout(() => killGroup(pid), stopLimitMs);
    return exited.finally(() => clearTimeout(tooLong));
  };
  try {
    const { url, check: isReady = () => true } = readyWhen;
    const check = async () => readyLineSeen && (url === undefined || (await answers(url))) && isReady();
    const limitMs = options.readyLimitMs ?? READY_LIMIT_MS;
    await waitUntil({ what: `${name} is ready`, check, limitMs, signal: ended.signal });
  } catch (error) {
    const exit = JSON.stringify(await stop());
    throw new ProcessFailed(`${name} did not start (${exit})`, output.last(), error);
  }
  return { pid, exited, running, kill: (signal) => void child.kill(signal), stop };
}

function spawnChild(options: ProcessOptions): ChildProcess {
  const { run, args = [], cwd, user } = options;
  const [command, leading] =
    'script' in run
      ? [process.execPath, ['--import', import.meta.resolve('tsx'), run.script]]
      : [run.command, []];
  return spawn(command, [...leading, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    ...(cwd === undefined ? {} : { cwd }),
    ...user,
  });
}

async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(URL_TIMEOUT_MS) });
  await response.body?.cancel();
  return response.ok;
}

/** What a process leaves in its group when it ends (a compiler, a helper of tsx) ends with it. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: nothing was left.
  }
}
