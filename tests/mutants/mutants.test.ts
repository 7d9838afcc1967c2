import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { MUTANTS } from './mutants.ts';
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
