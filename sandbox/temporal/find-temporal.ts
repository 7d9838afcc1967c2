import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildFromGoModules } from '../processes/go-build.ts';
import { cacheFolder } from '../processes/made-once.ts';
import { programOnPath } from '../processes/program-on-path.ts';
import type { Log } from '../processes/progress.ts';
import { downloadedProgram, downloadFolder, downloadTemporal } from './download.ts';

/** A Go module that pins the version of Temporal's command line and all it is built from. */
const BUILD_FOLDER = fileURLToPath(new URL('server-build', import.meta.url));
const CLI = 'github.com/temporalio/cli';

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
  return (
    (await downloadTemporal(log)) ??
    buildFromGoModules({
      moduleFolder: BUILD_FOLDER,
      packagePath: `${CLI}/cmd/temporal`,
      target: built,
      doing: 'temporal: building the server from its Go modules (4 to 5 minutes, once on this machine)',
      withoutGo: NO_WAY,
      log,
    })
  );
}

/** @returns the version of the command line that go.mod pins, without the v */
async function pinnedVersion(): Promise<string> {
  const module = await readFile(join(BUILD_FOLDER, 'go.mod'), 'utf8');
  const version = /github\.com\/temporalio\/cli v(\S+)/.exec(module)?.[1];
  if (!version) throw new Error(`${BUILD_FOLDER}/go.mod requires no ${CLI}`);
  return version;
}
