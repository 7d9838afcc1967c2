import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { DunningProgress } from '../../client/contract.ts';
import { DUNNING_EVENT_KINDS, DUNNING_OUTCOMES } from '../../domain/dunning.ts';
import { DUNNING_COMMANDS } from '../../domain/dunning-command.ts';
import {
  DUNNING_EFFECTS,
  DUNNING_STATES,
  type DunningPolicy,
  type DunningStage,
  readDunningPolicy,
  STAGE_NOTICES,
} from '../../domain/dunning-policy.ts';
import { NOTIFICATION_STATUSES } from '../../domain/notification.ts';
import { codeBlocks, readText, section, shellCommands } from './documents.ts';

const DUNNING = readText('docs/dunning.md');
const PREVIEW = 'npm run dunning:preview -- ';

/** Compiled only as long as every field stands there. */
const POLICY_FIELDS: Record<keyof DunningPolicy, true> = {
  version: true,
  stages: true,
  variants: true,
  quiet_hours: true,
  weekdays: true,
  time_zone: true,
  renewal_reminder: true,
  trial_ending: true,
};
const STAGE_FIELDS: Record<keyof DunningStage, true> = {
  name: true,
  after: true,
  state: true,
  notice: true,
  effect: true,
};
const CONDITIONS: Record<keyof DunningPolicy['variants'][number]['when'], true> = {
  decline: true,
  collection_method: true,
  amount_below: true,
  plans: true,
};
const WAITS: Record<NonNullable<DunningProgress['waiting']>, true> = {
  next_stage: true,
  mail_server: true,
  paused: true,
  processing: true,
  unreachable: true,
};

/** The tables of the document: the heading of their first column, and the first cells below it. */
const tables = [...DUNNING.matchAll(/^\| (.*?) \|.*\n\|[-|]+\|\n((?:\|.*\n)+)/gm)].map(
  ([, heading = '', rows = '']) => ({
    heading: heading.replaceAll('`', ''),
    cells: [...rows.matchAll(/^\| `(\w+)` \|/gm)].map(([, cell]) => cell),
  }),
);
const cellsUnder = (heading: string) =>
  tables.filter((table) => table.heading === heading).map(({ cells }) => cells);

test.each([
  ['state', [DUNNING_STATES]],
  ['outcome', [DUNNING_OUTCOMES]],
  ['effect', [DUNNING_EFFECTS]],
  ['notice', [STAGE_NOTICES]],
  ['kind', [DUNNING_EVENT_KINDS]],
  ['status', [NOTIFICATION_STATUSES]],
  ['update', [DUNNING_COMMANDS]],
  ['waiting', [Object.keys(WAITS)]],
  ['field', [POLICY_FIELDS, STAGE_FIELDS, CONDITIONS].map((fields) => Object.keys(fields))],
])('every %s is explained, and no other', (heading, lists) => {
  expect(cellsUnder(heading)).toEqual(lists);
});

const examples = codeBlocks(DUNNING).filter(({ language }) => language === 'json');

test('the complete example is a policy that can be followed, and has every field there is', () => {
  expect(examples).toHaveLength(1);
  const source = JSON.parse(examples[0]?.code ?? '');
  const policy = readDunningPolicy(source);
  expect(Object.keys(source).sort()).toEqual(Object.keys(POLICY_FIELDS).sort());
  const stages = [policy, ...policy.variants].flatMap((list) => list.stages);
  for (const field of Object.keys(STAGE_FIELDS) as (keyof DunningStage)[])
    expect(stages.some((stage) => stage[field] !== undefined)).toBe(true);
  const conditions = policy.variants.flatMap(({ when }) => Object.keys(when));
  expect([...new Set(conditions)].sort()).toEqual(Object.keys(CONDITIONS).sort());
});

const previews = shellCommands(DUNNING).filter((command) => command.startsWith(PREVIEW));

test('the calendar of the built-in policy is the one that the preview prints', async () => {
  const shown = section(DUNNING, '## Stages, notices, effects');
  const [command = ''] = shellCommands(shown);
  const [text] = codeBlocks(shown).filter(({ language }) => language === 'text');
  expect(await preview(command)).toBe(text?.code);
});

test.each(previews)('%s: the preview has these flags', async (command) => {
  const withoutFile = command.replace('--policy my-policy.json', '');
  expect(await preview(withoutFile)).toContain('Policy built-in-1');
});

async function preview(command: string): Promise<string> {
  const flags = command.slice(PREVIEW.length).split(' ').filter(Boolean);
  const args = ['--import', 'tsx', 'worker/dunning-preview.ts', ...flags];
  return (await promisify(execFile)(process.execPath, args)).stdout;
}
