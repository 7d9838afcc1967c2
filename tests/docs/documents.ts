import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const DOCS = fileURLToPath(new URL('../../docs', import.meta.url));

/** A Markdown file of the project. */
export type Document = { path: string; text: string };
export type CodeBlock = { language: string; code: string };

const PATHS = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync(DOCS)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  'docs/monitoring/README.md',
];

export const documents: readonly Document[] = PATHS.map((path) => ({ path, text: readText(path) }));

/** @param path from the project's root */
export function readText(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

/** Fenced blocks, also those of list items, without their indentation. */
export function codeBlocks(text: string): CodeBlock[] {
  return [...text.matchAll(/^( *)```(\w+)\n([\s\S]*?)^ *```$/gm)].map(
    ([, indent = '', language = '', code = '']) => ({
      language,
      code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    }),
  );
}

/** What stands between single backticks outside of fenced blocks. */
export function inlineCode(text: string): string[] {
  const prose = text.replaceAll(/^ *```\w+\n[\s\S]*?^ *```$/gm, '');
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
}

/** A command per entry: lines of shell blocks, those that end with a backslash joined to the next. */
export function shellCommands(text: string): string[] {
  return codeBlocks(text)
    .filter((block) => block.language === 'sh')
    .flatMap((block) => block.code.replaceAll('\\\n', ' ').split('\n'))
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** The rows of all tables as cells without their backticks and spaces; heads and rulers are left out. */
export function tableRows(text: string): string[][] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(
      (line, index, lines) => line.startsWith('|') && !isRuler(line) && !isRuler(lines[index + 1] ?? ''),
    )
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}

/** The text from a heading to the next one of the same or a higher level. */
export function section(text: string, heading: string): string {
  const level = /^#+/.exec(heading)?.[0].length ?? 0;
  const start = text.indexOf(`\n${heading}\n`);
  if (start === -1) throw new Error(`there is no heading ${heading}`);
  const rest = text.slice(start + heading.length + 2);
  const end = rest.search(new RegExp(`^#{1,${level}} `, 'm'));
  return end === -1 ? rest : rest.slice(0, end);
}

function isRuler(line: string): boolean {
  return /^\|[-| ]+\|$/.test(line);
}
