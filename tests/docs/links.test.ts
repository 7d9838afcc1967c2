import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { codeBlocks, documents, inlineCode, readText, section, tableRows } from './documents.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Folders that git ignores; what is in them comes into being by commands of ours. */
const MADE = ['dist/', '.sandbox/'];
/** A path of the project: a file or folder in one of its folders, or a file beside package.json. */
const IN_FOLDER = new RegExp(
  `^(${readdirSync(ROOT, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name.replaceAll('.', '\\.'))
    .join('|')})/[\\w./-]*$`,
);
const AT_TOP = /^\.?[\w.-]+\.(ts|md|json|yml|cjs|example)$/;

test.each(documents)('every link in $path leads somewhere', ({ path, text }) => {
  for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^https?:/.test(target)) continue;
    const [file = '', anchor] = target.split('#');
    const linked = file === '' ? path : normalize(join(dirname(path), file));
    expect(existsSync(join(ROOT, linked)), target).toBe(true);
    if (anchor !== undefined) expect(anchors(linked), target).toContain(anchor);
  }
});

test.each(documents)('every path in $path exists', ({ text }) => {
  const paths = inlineCode(text)
    .filter((code) => IN_FOLDER.test(code) || AT_TOP.test(code))
    .filter((code) => !MADE.some((folder) => code.startsWith(folder)));
  for (const path of paths) expect(existsSync(join(ROOT, path)), path).toBe(true);
});

test('the examples in the documents are the files that are checked and run', () => {
  const examples = documents
    .flatMap(({ text }) => codeBlocks(text))
    .filter((block) => block.language === 'ts');
  expect(examples).toHaveLength(2);
  for (const { code } of examples) {
    const [, path = '', example] = /^\/\/ (\S+)\n([\s\S]*)$/.exec(code) ?? [];
    expect(example).toBe(readText(path));
  }
});

const invariants = tableRows(section(readText('ARCHITECTURE.md'), '## Invariants'));

test('the architecture lists every invariant once', () => {
  expect(invariants.map(([number]) => number)).toEqual(Array.from({ length: 12 }, (_, i) => `I${i + 1}`));
});

test.each(invariants)('%s: the test files that hold it name it', (number = '', _rule, heldBy = '') => {
  for (const path of inlineCode(heldBy).filter((code) => code.endsWith('.test.ts'))) {
    const isNamed = new RegExp(`['\`][^'\`\\n]*\\b${number}\\b`).test(readText(path));
    expect(isNamed, path).toBe(true);
  }
});

/** As GitHub makes them of headings. */
function anchors(path: string): string[] {
  return [...readText(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
