import { readFile } from 'node:fs/promises';
import { expect, inject, test } from 'vitest';

test('zod is loaded once for all runs of a worker: the bundler has not left it out', async () => {
  const code = await readFile(inject('workflowBundlePath'), 'utf8');
  const [, preloaded] = /exports\.preloadModules = function preloadModules\(\) \{\n(.*)\n/.exec(code) ?? [];
  expect(preloaded).toContain('preloaded-modules.ts');
});
