import { parseEnv } from 'node:util';
import { expect, test } from 'vitest';
import { type ProcessName, readConfig, VARIABLES, VARIABLES_OF } from '../../config.ts';
import { documents, inlineCode, readText, section, tableRows } from './documents.ts';

const CONFIGURATION = readText('docs/configuration.md');
const EXAMPLE = readText('.env.example');
const PROCESSES = Object.keys(VARIABLES_OF) as ProcessName[];
const ours = tableRows(section(CONFIGURATION, '## Ours')).map(([name = '', ...cells]) => ({
  name: name.replaceAll('`', ''),
  cells,
}));

test('every variable of ours is documented, and no other', () => {
  expect(ours.map(({ name }) => name)).toEqual(Object.keys(VARIABLES));
});

test.each(ours)('$name: processes, default and meaning are those of the code', ({ name, cells }) => {
  const [processes, byDefault, meaning] = cells;
  const variable = VARIABLES[name as keyof typeof VARIABLES];
  const users = PROCESSES.filter((one) => (VARIABLES_OF[one] as readonly string[]).includes(name));
  // Doctor looks at every variable; it is named where it is the only one.
  const named = users.length === 1 ? users : users.filter((one) => one !== 'doctor');
  expect(processes).toBe(named.join(', '));
  expect(byDefault).toBe(defaultOf(variable));
  expect(meaning?.startsWith(variable.description ?? 'unreachable')).toBe(true);
});

test('the example names every variable', () => {
  const named = [...EXAMPLE.matchAll(/^(?:# )?([A-Z_]+)=/gm)].map(([, name = '']) => name);
  expect(named.filter((name) => !name.startsWith('TEMPORAL_')).sort()).toEqual(Object.keys(VARIABLES).sort());
  const documented = inlineCode(CONFIGURATION);
  for (const name of named) expect(documented).toContain(name);
});

test.each(PROCESSES)('the example is good enough to start the %s', (process) => {
  const given = Object.fromEntries(
    Object.entries(parseEnv(EXAMPLE)).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );
  expect(readConfig(process, given).DATABASE_URL).toBe(given.DATABASE_URL);
});

test('what the example shows as a default is the default', () => {
  for (const [, name = '', value = ''] of EXAMPLE.matchAll(/^# ([A-Z_]+)=(.*)$/gm)) {
    const variable = VARIABLES[name as keyof typeof VARIABLES];
    if (variable) expect(value === '' ? 'unset' : `\`${value}\``).toBe(defaultOf(variable));
  }
});

test.each(documents)('$path names no variable that is not documented', ({ text }) => {
  const known = inlineCode(CONFIGURATION);
  const named = inlineCode(text).flatMap(
    (code) => /^([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=.*)?$/.exec(code)?.[1] ?? [],
  );
  for (const name of named) expect(known).toContain(name);
});

function defaultOf(variable: (typeof VARIABLES)[keyof typeof VARIABLES]): string {
  const parsed = variable.safeParse(undefined);
  if (!parsed.success) return 'required';
  return parsed.data === undefined ? 'unset' : `\`${String(parsed.data)}\``;
}
