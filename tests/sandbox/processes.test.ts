import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { constants, getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort, onFreePort, unlessPortsAreTaken } from '../../sandbox/processes/free-port.ts';
import { madeOnce } from '../../sandbox/processes/made-once.ts';
import { withProgress } from '../../sandbox/processes/progress.ts';
import { ProcessFailed, type ProcessOptions, startProcess } from '../../sandbox/processes/start-process.ts';
import { waitUntil } from '../../sandbox/processes/wait-until.ts';

const START_PROCESS = new URL('../../sandbox/processes/start-process.ts', import.meta.url).href;
const WAIT_MS = 30_000;
/** Stays up, and ignores SIGTERM when it is told to. */
const SERVER = `
  if (process.argv[1] === 'stubborn') process.on('SIGTERM', () => console.log('no'));
  setInterval(() => undefined, 1000);
  console.log('listening, pid', process.pid);
`;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenantry-processes-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function server(options: Partial<ProcessOptions> & { mode?: string } = {}): ProcessOptions {
  const { mode = 'polite', ...rest } = options;
  return {
    name: 'server',
    run: { command: process.execPath },
    args: ['-e', SERVER, mode],
    readyWhen: { line: (line) => line.startsWith('listening') },
    ...rest,
  };
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('a process is ready when its line has come, stops on SIGTERM, and stopping it again is harmless', async () => {
  const lines: string[] = [];
  const started = await startProcess(server({ log: (line) => lines.push(line) }));
  expect(started.running).toBe(true);
  expect(lines).toEqual([`listening, pid ${started.pid}`]);
  expect(started.output()).toEqual(lines);
  expect(await started.stop()).toEqual({ code: null, signal: 'SIGTERM' });
  expect(await started.stop()).toEqual({ code: null, signal: 'SIGTERM' });
  expect(runs(started.pid)).toBe(false);
});

test('a process that ignores SIGTERM is killed after its limit', async () => {
  const started = await startProcess(server({ mode: 'stubborn', stopLimitMs: 3_000 }));
  expect(await started.stop()).toEqual({ code: null, signal: 'SIGKILL' });
  expect(started.output()).toContain('no');
});

test('a killed process is seen to have ended, and starts again under a new process id', async () => {
  const started = await startProcess(server());
  const firstPid = started.pid;
  started.kill('SIGKILL');
  expect(await started.exited).toEqual({ code: null, signal: 'SIGKILL' });
  await started.restart();
  expect(started.pid).not.toBe(firstPid);
  expect(started.running).toBe(true);
  await started.stop();
});

test('a process in the background gives way with all its threads and its session, after a restart too', async () => {
  const started = await startProcess(server({ isBackground: true }));
  await expectBackground(started.pid);
  await started.restart();
  await expectBackground(started.pid);
  await started.stop();
});

async function expectBackground(pid: number): Promise<void> {
  // Only Linux tells threads and sessions.
  const threads = await readdir(`/proc/${pid}/task`).catch(() => [pid]);
  expect(new Set(threads.map((thread) => getPriority(Number(thread))))).toEqual(
    new Set([constants.priority.PRIORITY_LOW]),
  );
  const autogroup = await readFile(`/proc/${pid}/autogroup`, 'utf8').catch(() => undefined);
  if (autogroup !== undefined) expect(autogroup).toMatch(/nice 19$/m);
}

test('a process that ends before it is ready fails the start, with its last lines', async () => {
  const failing = server({ args: ['-e', 'console.error("no database"); process.exit(3)'] });
  const error = await startProcess(failing).catch((reason) => reason);
  expect(error).toBeInstanceOf(ProcessFailed);
  expect(error.message).toContain('"code":3');
  expect(error.output).toEqual(['no database']);
});

test('a process that never gets ready is stopped', async () => {
  const error = await startProcess(server({ readyWhen: { check: () => false }, readyLimitMs: 400 })).catch(
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(ProcessFailed);
  const pid = Number(/pid (\d+)/.exec(error.message)?.[1]);
  expect(runs(pid)).toBe(false);
});

test('a program that does not exist fails the start by name', async () => {
  await expect(startProcess(server({ run: { command: '/nowhere/program' } }))).rejects.toThrow(/ENOENT/);
});

test('a TypeScript entry runs without a process in between, is ready by its address, and gets signals itself', async () => {
  const script = join(folder, 'entry.mts');
  await writeFile(
    script,
    `import { createServer } from 'node:http';
     const port: number = Number(process.env['PORT']);
     createServer((_, response) => response.end(process.env['GREETING'])).listen(port, '127.0.0.1');
     process.on('SIGTERM', () => { console.log('draining', process.pid); process.exit(7); });`,
  );
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const started = await startProcess({
    name: 'entry',
    run: { script },
    env: { PORT: `${port}`, GREETING: 'hello' },
    readyWhen: { url },
  });
  expect(await (await fetch(url)).text()).toBe('hello');
  expect(await started.stop()).toEqual({ code: 7, signal: null });
  expect(started.output()).toContain(`draining ${started.pid}`);
});

test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
  'children end with their temporary folder when their starter gets %s',
  async (signal) => {
    const script = join(folder, `starter-${signal}.mts`);
    const temporaryFolder = await mkdtemp(join(folder, 'child-'));
    const child = server({ mode: 'stubborn', stopLimitMs: 300, temporaryFolder });
    const { readyWhen: _, ...plain } = child;
    await writeFile(
      script,
      `import { startProcess } from '${START_PROCESS}';
     const child = await startProcess(${JSON.stringify(plain)});
     console.log('child', child.pid);`,
    );
    const starter = await startProcess(
      server({ run: { script }, args: [], readyWhen: { line: (line) => line.startsWith('child') } }),
    );
    const childPid = Number(starter.output().at(-1)?.split(' ')[1]);
    expect(runs(childPid)).toBe(true);
    starter.kill(signal);
    await starter.exited;
    await waitUntil({ what: 'the child is gone', check: () => !runs(childPid), limitMs: WAIT_MS });
    await waitUntil({ what: 'its folder too', check: () => !existsSync(temporaryFolder), limitMs: WAIT_MS });
  },
);

test('a server whose port was taken meanwhile is tried on another one', async () => {
  const tried: number[] = [];
  const blocker = createServer();
  const port = await onFreePort(async (candidate) => {
    tried.push(candidate);
    if (tried.length === 1) {
      await new Promise<void>((resolve) => blocker.listen(candidate, '127.0.0.1', resolve));
    }
    const listen = `require('node:net').createServer().listen(${candidate}, '127.0.0.1', () => console.log('listening'))`;
    await (await startProcess(server({ args: ['-e', listen] }))).stop();
    return candidate;
  });
  blocker.close();
  expect(tried).toHaveLength(2);
  expect(port).toBe(tried[1]);
});

test('a server that ends with a long story after it has told of a taken port is tried again', async () => {
  let tries = 0;
  const failing = `console.log('listen tcp: address already in use\\n' + 'at\\n'.repeat(100)); process.exit(2)`;
  const started = await unlessPortsAreTaken(() => {
    tries += 1;
    return startProcess(tries === 1 ? server({ args: ['-e', failing] }) : server());
  });
  await started.stop();
  expect(tries).toBe(2);
});

test('what is shared on a machine is made once, however many want it at the same time', async () => {
  const target = join(folder, 'shared');
  const notes: string[] = [];
  let made = 0;
  const want = () =>
    madeOnce({
      target,
      log: (line) => notes.push(line),
      make: async (path) => {
        made += 1;
        await waitUntil({ what: 'the others wait', check: () => notes.length === 2, limitMs: WAIT_MS });
        await writeFile(path, 'made');
      },
    });
  expect(await Promise.all([want(), want(), want()])).toEqual([target, target, target]);
  expect(made).toBe(1);
  expect(await readFile(target, 'utf8')).toBe('made');
  expect(existsSync(`${target}.lock`)).toBe(false);
});

test('the lock of a maker that died is taken over, and a failed making leaves nothing', async () => {
  const target = join(folder, 'abandoned');
  const ended = await startProcess(server());
  await ended.stop();
  await writeFile(`${target}.lock`, `${ended.pid}`);
  const make = async (path: string) => {
    await writeFile(path, 'half');
    throw new Error('no network');
  };
  await expect(madeOnce({ target, log: () => undefined, make })).rejects.toThrow('no network');
  expect(existsSync(`${target}.lock`)).toBe(false);
  expect(existsSync(`${target}.${process.pid}`)).toBe(false);
  expect(existsSync(target)).toBe(false);
});

test('something slow says what it does, that it goes on, and that it is done', async () => {
  const lines: string[] = [];
  const log = (line: string) => lines.push(line);
  const task = () => waitUntil({ what: 'a tick', check: () => lines.length > 1, limitMs: WAIT_MS });
  await withProgress({ log, doing: 'building', everyMs: 20 }, task);
  expect(lines[0]).toBe('building ...');
  expect(lines[1]).toMatch(/^building: \d+\.\d s so far$/);
  expect(lines.at(-1)).toMatch(/^building: done in \d+\.\d s$/);
});
