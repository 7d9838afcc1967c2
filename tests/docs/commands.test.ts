import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { DUNNING_UPDATES, UPDATES } from '../../client/contract.ts';
import { DUNNING_COMMANDS, readDunningCommand } from '../../domain/dunning-command.ts';
import { readAmendCommand, readOperatorCommand } from '../../domain/operator-command.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { findTemporal } from '../../sandbox/temporal/find-temporal.ts';
import { documents, inlineCode, shellCommands } from './documents.ts';

const NPM_SCRIPT = /\bnpm run (?:--silent )?([\w:-]+)/g;
const NPM_WORD = /\bnpm (\w[\w:-]*)/g;
/** What npm does without a script of ours. */
const NPM_OWN = ['run', 'ci', 'test'];
const HELP_LIMIT_MS = 60_000;

test.each(documents)('every npm command in $path exists', ({ text }) => {
  const commands = [...shellCommands(text), ...inlineCode(text)].join('\n');
  const scripts = [...commands.matchAll(NPM_SCRIPT)].map(([, script]) => script);
  for (const script of scripts) expect(Object.keys(packageJson.scripts)).toContain(script);
  for (const [, word] of commands.matchAll(NPM_WORD)) expect(NPM_OWN).toContain(word);
});

const temporalCommands = [...new Set(documents.flatMap(({ text }) => shellCommands(text)))].filter(
  (command) => command.startsWith('temporal '),
);

test('the documents use Temporal’s command line', () => {
  expect(temporalCommands.length).toBeGreaterThan(10);
});

test.each(temporalCommands)('%s: the command and its flags exist', async (command) => {
  const words = command.split(' ');
  const firstFlag = words.findIndex((word) => word.startsWith('-'));
  const subcommand = words.slice(1, firstFlag === -1 ? undefined : firstFlag);
  const flags = [...command.matchAll(/ (--[a-z-]+)/g)].map(([, flag]) => flag);
  const program = await findTemporal(() => undefined);
  const { stdout } = await promisify(execFile)(program, [...subcommand, '--help'], {
    timeout: HELP_LIMIT_MS,
  });
  expect(stdout).toContain(`temporal ${subcommand.join(' ')} [flags]`);
  for (const flag of flags) expect(stdout).toContain(`${flag} `);
});

const updates = temporalCommands.filter((command) => command.includes('update execute'));

const nameOf = (update: string) => / --name (\w+)/.exec(update)?.[1] ?? '';

test('each of the operators’ updates is shown', () => {
  const { tenant: _ofTheStore, ...operators } = UPDATES;
  const known = [...Object.values(operators), ...Object.values(DUNNING_UPDATES)];
  expect([...new Set(updates.map(nameOf))].sort()).toEqual(known.sort());
});

test.each(updates)('the workflow takes %s', (update) => {
  const input: unknown = JSON.parse(/--input '(.*)'/.exec(update)?.[1] ?? '');
  const name = nameOf(update);
  const dunning = DUNNING_COMMANDS.find((command) => command === name);
  if (dunning) expect(readDunningCommand(dunning, input)).toEqual({ name, ...Object(input) });
  else expect((name === 'amend' ? readAmendCommand : readOperatorCommand)(input)).toEqual(input);
});
