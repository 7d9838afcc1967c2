import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import type { Patch } from './mutants.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** Made again, or not needed to test the rooms. */
const LEFT_OUT = new Set(['node_modules', 'dist', '.git', '.sandbox', 'coverage']);

/** A copy of the project: whatever happens, the checkout itself is never changed. */
export type Workspace = {
  folder: string;
  /** Applies the patches, lets something be done, and takes them back. */
  patched: <Result>(patches: readonly Patch[], action: () => Promise<Result>) => Promise<Result>;
  remove: () => Promise<void>;
};

/** Copies the checkout as it is, with what isn't committed, into a temporary folder that borrows its packages. */
export async function openWorkspace(): Promise<Workspace> {
  const folder = await mkdtemp(join(tmpdir(), 'tenantry-mutants-'));
  await cp(ROOT, folder, { recursive: true, filter: (path) => !LEFT_OUT.has(basename(path)) });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return {
    folder,
    async patched(patches, action) {
      const originals = new Map<string, string>();
      try {
        for (const patch of patches) {
          const path = join(folder, patch.file);
          const source = await readFile(path, 'utf8');
          if (!originals.has(path)) originals.set(path, source);
          await writeFile(path, patchedSource(source, patch));
        }
        return await action();
      } finally {
        for (const [path, source] of originals) await writeFile(path, source);
      }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** @throws Error when the text does not stand in the source exactly once: then the mutant has to follow the code */
export function patchedSource(source: string, { file, text, becomes }: Patch): string {
  const times = source.split(text).length - 1;
  if (times !== 1) throw new Error(`${file} has this ${times} times instead of once: ${text.trim()}`);
  return source.replace(text, () => becomes);
}
