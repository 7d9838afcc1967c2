import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { MUTANTS } from './mutants.ts';
import { REPORT, runTests } from './run-tests.ts';
import { patchedSource } from './workspace.ts';

test.each(MUTANTS)('the mutant fits the code: $name', async ({ patches, test: file }) => {
  for (const patch of patches) {
    const source = await readFile(patch.file, 'utf8');
    expect(patchedSource(source, patch)).not.toBe(source);
  }
  expect(existsSync(file)).toBe(true);
});

test('a mutant whose text is gone, or stands there twice, says so', () => {
  const patch = { file: 'a.ts', text: 'b', becomes: 'c' };
  expect(patchedSource('abd', patch)).toBe('acd');
  expect(() => patchedSource('ad', patch)).toThrow('a.ts has this 0 times instead of once: b');
  expect(() => patchedSource('abbd', patch)).toThrow('a.ts has this 2 times instead of once: b');
});

test('the verdict of an earlier run is none of a run that never came to one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tenantry-verdict-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const failed = { fullName: 'of the run before', status: 'failed' };
  await writeFile(join(folder, REPORT), JSON.stringify({ testResults: [{ assertionResults: [failed] }] }));
  // There is no vitest in this folder.
  await expect(runTests({ folder, files: ['a.test.ts'] })).rejects.toThrow('no test ran');
});
