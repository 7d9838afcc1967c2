import { existsSync } from 'node:fs';
import { madeOnce } from './made-once.ts';
import { programOnPath } from './program-on-path.ts';
import { type Log, withProgress } from './progress.ts';
import { runProcess } from './run-process.ts';

const BUILD_LINE_EVERY_MS = 15_000;

/**
 * Builds a program from Go modules, once per machine: when two processes want it, one builds and the other waits.
 *
 * @param options.moduleFolder a Go module that pins the program's version and all it is built from
 * @param options.target where the program is to stand; its name has the version
 * @param options.withoutGo the error where no Go is installed
 * @returns the target
 * @throws Error without Go, or ProcessFailed when the build fails
 */
export async function buildFromGoModules(options: {
  moduleFolder: string;
  packagePath: string;
  target: string;
  doing: string;
  withoutGo: string;
  log: Log;
}): Promise<string> {
  const { moduleFolder, packagePath, target, doing, log } = options;
  if (existsSync(target)) return target;
  const go = programOnPath('go');
  if (!go) throw new Error(options.withoutGo);
  const build = (path: string) =>
    runProcess({
      name: 'go build',
      run: { command: go },
      args: ['build', '-trimpath', '-ldflags=-s -w', '-o', path, packagePath],
      cwd: moduleFolder,
      env: { CGO_ENABLED: '0' },
    });
  return madeOnce({
    target,
    log,
    make: (path) => withProgress({ log, doing, everyMs: BUILD_LINE_EVERY_MS }, () => build(path)),
  });
}
