import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, madeOnce } from '../processes/made-once.ts';
import { programOnPath } from '../processes/program-on-path.ts';
import { type Log, withProgress } from '../processes/progress.ts';
import { startProcess } from '../processes/start-process.ts';

/** A Maven project that pins the test server's version, which stands in the cache folder's name too. */
const POM = fileURLToPath(new URL('test-server-build/pom.xml', import.meta.url));
const VERSION = '1.38.0';
const FETCH_LINE_EVERY_MS = 15_000;

const NO_WAY = `no time-skipping Temporal test server: none of these ways is open
  - let the SDK download it: https://temporal.download must be reachable
  - install Java 11 or later, and Maven to fetch the server from its repository (once)`;

/** The SDK starts it with a port and kills it by its process id; the loop ends it when the SDK's process is gone. */
const START_SCRIPT = `#!/bin/sh
(while kill -0 "$PPID" && kill -0 "$$"; do sleep 1; done; kill "$$") </dev/null >/dev/null 2>&1 &
exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "\${0%/*}/lib/*" io.temporal.testserver.TestServer "$@"
`;

/**
 * The time-skipping test server from Maven, for where the SDK can't download it (offline, or on ARM).
 *
 * @returns a script that starts it on the port it is given
 * @throws Error that names every way when Java or Maven is missing
 */
export async function mavenTestServer(log: Log): Promise<string> {
  const folder = join(cacheFolder(), `temporal-test-server-${VERSION}`);
  if (!programOnPath('java')) throw new Error(NO_WAY);
  const doing = 'temporal: fetching the time-skipping test server with Maven (once on this machine)';
  await madeOnce({
    target: join(folder, 'lib'),
    log,
    make: (path) => withProgress({ log, doing, everyMs: FETCH_LINE_EVERY_MS }, () => copyDependencies(path)),
  });
  return startScript(folder);
}

async function copyDependencies(path: string): Promise<void> {
  const maven = programOnPath('mvn');
  if (!maven) throw new Error(NO_WAY);
  await mkdir(path);
  const copy = await startProcess({
    name: 'mvn',
    run: { command: maven },
    args: [
      '-q',
      '-B',
      '-f',
      POM,
      'dependency:copy-dependencies',
      '-DincludeScope=runtime',
      `-DoutputDirectory=${path}`,
    ],
  });
  const { code } = await copy.exited;
  if (code !== 0) throw new Error(['Maven could not fetch the test server', ...copy.output()].join('\n  '));
}

/** Written anew each time, whole, by a rename: it is as old as this file, not as the cache. */
async function startScript(folder: string): Promise<string> {
  const script = join(folder, 'start.sh');
  const temporary = `${script}.${process.pid}`;
  await writeFile(temporary, START_SCRIPT, { mode: 0o755 });
  await rename(temporary, script);
  return script;
}
