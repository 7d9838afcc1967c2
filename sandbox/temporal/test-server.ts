import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, madeOnce } from '../processes/made-once.ts';
import { programOnPath } from '../processes/program-on-path.ts';
import { type Log, withProgress } from '../processes/progress.ts';
import { runProcess } from '../processes/run-process.ts';

/** A Maven project that pins the test server's version, which stands in the cache folder's name too. */
const POM = fileURLToPath(new URL('test-server-build/pom.xml', import.meta.url));
const START_SCRIPT = fileURLToPath(new URL('test-server.sh', import.meta.url));
const VERSION = '1.38.0';
const FETCH_LINE_EVERY_MS = 15_000;

const NO_WAY = `no time-skipping Temporal test server: none of these ways is open
  - let the SDK download it: https://temporal.download must be reachable
  - install Java 11 or later, and Maven to fetch the server from its repository (once)`;

/**
 * The time-skipping test server from Maven, for where the SDK can't download it (offline, or on ARM).
 *
 * @returns a script that starts it, and what the script needs to know after the port
 * @throws Error that names every way when Java or Maven is missing
 */
export async function mavenTestServer(log: Log): Promise<{ script: string; args: string[] }> {
  if (!programOnPath('java')) throw new Error(NO_WAY);
  const doing = 'temporal: fetching the time-skipping test server with Maven (once on this machine)';
  const jars = await madeOnce({
    target: join(cacheFolder(), `temporal-test-server-${VERSION}`, 'lib'),
    log,
    make: (path) => withProgress({ log, doing, everyMs: FETCH_LINE_EVERY_MS }, () => copyDependencies(path)),
  });
  return { script: START_SCRIPT, args: [jars] };
}

async function copyDependencies(path: string): Promise<void> {
  const maven = programOnPath('mvn');
  if (!maven) throw new Error(NO_WAY);
  await mkdir(path);
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${path}`];
  await runProcess({ name: 'mvn', run: { command: maven }, args: ['-q', '-B', '-f', POM, ...goal] });
}
