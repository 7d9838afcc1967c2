import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

/** Exists on every Unix; Postgres asks only that its user is not root and has a name. */
const USER = 'nobody';
const EXECUTABLE_BY_OTHERS = 0o001;

const run = promisify(execFile);

/** @returns whom Postgres runs as when we are root, which it refuses to run as; undefined: as ourselves */
export async function unprivilegedUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = await Promise.all([run('id', ['-u', USER]), run('id', ['-g', USER])]);
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

/** @returns whether every user can get to this file or folder; root's home and folders of `mktemp -d` are closed */
export async function isOpenToOthers(path: string): Promise<boolean> {
  const { mode } = await stat(path);
  if ((mode & EXECUTABLE_BY_OTHERS) === 0) return false;
  return path === dirname(path) || isOpenToOthers(dirname(path));
}
