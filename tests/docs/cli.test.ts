import type { Command } from 'commander';
import { expect, test } from 'vitest';
import type { Cli } from '../../cli/cli.ts';
import { createProgram } from '../../cli/program.ts';
import { runCli } from '../cli/run-cli.ts';
import { codeBlocks, documents, readText, section, shellCommands, tableRows } from './documents.ts';

const DOCUMENT = readText('docs/cli.md');
const SCRIPT = 'npm run --silent tenantry -- ';
/** Actions that do nothing: it is about the line, not about what it does. */
const IDLE = { action: () => async () => undefined } as unknown as Cli;

/** The commands that do something, by the words that call them. */
function commandsOf(command: Command, before: string[] = []): [words: string, command: Command][] {
  const words = [...before, command.name()];
  return command.commands.length === 0
    ? [[words.join(' '), command]]
    : command.commands.flatMap((one) => commandsOf(one, words));
}
const commands = commandsOf(createProgram(IDLE));

/** Arguments and options as `--help` names and explains them. */
function explained(command: Command): [name: string, meaning: string][] {
  const help = command.createHelp();
  const argument = (one: (typeof command.registeredArguments)[number]) => {
    const called = `${one.name()}${one.variadic ? '...' : ''}`;
    return one.required ? `<${called}>` : `[${called}]`;
  };
  return [
    ...command.registeredArguments.map((one): [string, string] => [argument(one), one.description]),
    ...command.options.map((one): [string, string] => [one.flags, help.optionDescription(one)]),
  ];
}

test.each(commands)(
  '%s is documented with all of its arguments and options, as --help explains them',
  (words, command) => {
    const text = section(DOCUMENT, `### \`${words}\``);
    expect(text.trim().split('\n')[0]).toBe(command.description());
    expect(tableRows(text)).toEqual(explained(command).map(([name, meaning]) => [`\`${name}\``, meaning]));
    const shown = shellCommands(text).filter((line) => line.startsWith(words.replace(/^tenantry /, SCRIPT)));
    expect(shown.length).toBeGreaterThan(0);
  },
);

test.each(commands)(
  'the help of %s explains everything, and names an option that must be given as such',
  (_, command) => {
    expect(command.description()).toMatch(/^[A-Z].*\.$/);
    for (const [name, meaning] of explained(command)) expect(meaning, name).not.toBe('');
    const help = command.helpInformation();
    for (const option of command.options.filter((one) => one.mandatory))
      expect(help.replaceAll(/\s+/g, ' ')).toMatch(new RegExp(`${option.long} .*?\\(required\\)`));
  },
);

test('no command is documented that is none', () => {
  const headings = [...DOCUMENT.matchAll(/^### `(tenantry .*)`$/gm)].map(([, words]) => words);
  expect(headings).toEqual(commands.map(([words]) => words));
});

const lines = documents.flatMap(({ path, text }) =>
  shellCommands(text)
    .filter((line) => line.startsWith(SCRIPT))
    .map((line): [string, string] => [path, line]),
);

test.each(lines)('%s: the command line takes %s', async (_, line) => {
  const words = [...line.slice(SCRIPT.length).matchAll(/"([^"]*)"|(\S+)/g)].map(
    ([, quoted, bare]) => quoted ?? bare ?? '',
  );
  const silent = createProgram(IDLE);
  silent.configureOutput({ writeOut: () => undefined });
  const parsed = silent.parseAsync(words, { from: 'user' });
  if (words.includes('--help')) await expect(parsed).rejects.toMatchObject({ exitCode: 0 });
  else await parsed;
});

test('the documents show no command in another way', () => {
  const shown = documents.flatMap(({ text }) => codeBlocks(text)).filter(({ language }) => language === 'sh');
  for (const { code } of shown) expect(code).not.toMatch(/^(npx )?tenantry /m);
});

test('every exit code is documented', () => {
  const rows = tableRows(section(DOCUMENT, '## What holds for every command'));
  expect(rows.map(([code]) => code)).toEqual(['0', '1', '2', '3']);
});

test('--help names every group, without any variable, and a word that is no command is wrong usage', async () => {
  const [help, alone, unknown] = await Promise.all([
    runCli(['--help']),
    runCli([]),
    runCli(['tenant', 'list']),
  ]);
  expect(help.code).toBe(0);
  for (const [words] of commands) expect(help.stdout).toContain(`  ${words.split(' ')[1]}`);
  expect(alone).toMatchObject({ code: 2, stdout: '' });
  expect(unknown).toMatchObject({ code: 2, stdout: '' });
  expect(unknown.stderr).toContain('Usage: tenantry');
});

test('I9: without DATABASE_URL, or with a database that is away, a command ends with 1 and a sentence without secret and address', async () => {
  const [missing, away] = await Promise.all([
    runCli(['events', 'list', '--json']),
    runCli(['tenants', 'list', '--email', 'ada@example.com'], {
      DATABASE_URL: 'postgres://someone:secret@127.0.0.1:1/x',
    }),
  ]);
  expect(missing).toMatchObject({ code: 1, stdout: '' });
  expect(missing.stderr).toContain('DATABASE_URL is missing');
  expect(away).toMatchObject({ code: 1, stdout: '', stderr: 'error: Postgres is away (ECONNREFUSED)\n' });
});
