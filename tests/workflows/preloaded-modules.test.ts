import { AsyncLocalStorage } from 'node:async_hooks';
import { readFile } from 'node:fs/promises';
import { createContext, Script } from 'node:vm';
import { expect, inject, test } from 'vitest';

const ZOD = /node_modules\/zod\//;

/** Paths of modules that are loaded in the sandbox of all runs, before there is any run. */
async function preloaded(): Promise<string[]> {
  const code = await readFile(inject('workflowBundlePath'), 'utf8');
  const loaded: Record<string, unknown> = {};
  const sandbox = createContext({ AsyncLocalStorage, __webpack_module_cache__: loaded });
  new Script(`${code}\n;__TEMPORAL__.preloadModules();`).runInContext(sandbox);
  return Object.keys(loaded);
}

test('zod is loaded once for all runs of a worker, not by each of them', async () => {
  expect((await preloaded()).filter((path) => ZOD.test(path)).length).toBeGreaterThan(5);
});
