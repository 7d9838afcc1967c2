import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, madeOnce } from '../processes/made-once.ts';
import { programOnPath } from '../processes/program-on-path.ts';
import { type Log, withProgress } from '../processes/progress.ts';
import { runProcess } from '../processes/run-process.ts';
import { downloadedProgram, downloadFolder, downloadTemporal } from './download.ts';

/** A Go module that pins the version of Temporal's command line and all it is built from. */
const BUILD_FOLDER = fileURLToPath(new URL('server-build', import.meta.url));
const CLI = 'github.com/temporalio/cli';
const BUILD_LINE_EVERY_MS = 15_000;

const NO_WAY = `no Temporal server: none of these ways is open
  - set TEMPORAL_ADDRESS to a server that runs (and TEMPORAL_NAMESPACE)
  - install the command line \`temporal\` and have it on PATH (https://docs.temporal.io/cli)
  - let the SDK download it: https://temporal.download must be reachable
  - install Go 1.26.4 or later, to build it from its modules (once, 4 to 5 minutes)`;

/**
 * Finds Temporal's command line, whose development server we run: on PATH, downloaded or built earlier, downloaded now,
 * or built now from Go modules, which takes minutes, once per machine and version.
 *
 * @returns the program's path
 * @throws Error that names every way when none is open, or ProcessFailed when the build fails
 */
export async function findTemporal(log: Log): Promise<string> {
  const found = programOnPath('temporal') ?? downloadedProgram(downloadFolder('cli'));
  if (found) return found;
  const built = join(cacheFolder(), `temporal-${await pinnedVersion()}`);
  if (existsSync(built)) return built;
  return (await downloadTemporal(log)) ?? buildTemporal({ target: built, log });
}

/** @returns the version of the command line that go.mod pins, without the v */
async function pinnedVersion(): Promise<string> {
  const module = await readFile(join(BUILD_FOLDER, 'go.mod'), 'utf8');
  const version = /github\.com\/temporalio\/cli v(\S+)/.exec(module)?.[1];
  if (!version) throw new Error(`${BUILD_FOLDER}/go.mod requires no ${CLI}`);
  return version;
}

async function buildTemporal(options: { target: string; log: Log }): Promise<string> {
  const { target, log } = options;
  const go = programOnPath('go');
  if (!go) throw new Error(NO_WAY);
  const doing = 'temporal: building the server from its Go modules (4 to 5 minutes, once on this machine)';
  return madeOnce({
    target,
    log,
    make: (path) =>
      withProgress({ log, doing, everyMs: BUILD_LINE_EVERY_MS }, () => buildWithGo({ go, path })),
  });
}

function buildWithGo(options: { go: string; path: string }): Promise<void> {
  return runProcess({
    name: 'go build',
    run: { command: options.go },
    args: ['build', '-trimpath', '-ldflags=-s -w', '-o', options.path, `${CLI}/cmd/temporal`],
    cwd: BUILD_FOLDER,
    env: { CGO_ENABLED: '0' },
  });
}
