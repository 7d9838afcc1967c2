import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CHECK_NAMES } from '../../cli/doctor/finding.ts';
import { CREATE_TENANT_STEPS, SEARCH_ATTRIBUTES, WORKFLOW_TYPES } from '../../client/contract.ts';
import { FAILED_REASONS } from '../../domain/event-attempts.ts';
import { FAILURES } from '../../domain/failures.ts';
import { ALL_STRIPE_EVENT_TYPES } from '../../domain/stripe-event-types.ts';
import { IGNORED_REASONS, PARKED_REASONS, WEBHOOK_EVENT_STATUSES } from '../../domain/webhook-event.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { inlineCode, readText, section, tableRows } from './documents.ts';
import { metricNames } from './metric-names.ts';

const OPERATING = readText('docs/operating.md');
const DEPENDENCIES = readText('docs/dependencies.md');

/** The first cells of a table's rows, without backticks. */
function firstCells(text: string): string[] {
  return tableRows(text).map(([first = '']) => first.replaceAll('`', ''));
}

test('the Stripe event types to select are those that are handled', () => {
  const listed = section(readText('docs/setup-stripe.md'), '### Events').matchAll(/^- `(.*)`$/gm);
  expect([...listed].map(([, type]) => type)).toEqual(ALL_STRIPE_EVENT_TYPES);
});

test('every status and reason of an event is explained, and no other', () => {
  const reasons = [...IGNORED_REASONS, ...PARKED_REASONS, ...FAILED_REASONS];
  const explained = firstCells(section(OPERATING, '## Events').split('### Replay')[0] ?? '');
  expect(explained).toEqual([...WEBHOOK_EVENT_STATUSES, ...reasons]);
});

test('every failure stands with what follows from it and its advice, and no other', () => {
  const rows = tableRows(section(OPERATING, '### Failures'));
  expect(rows).toEqual(
    Object.entries(FAILURES).map(([name, { after, advice }]) => [`\`${name}\``, after, advice]),
  );
});

test('every step of a tenant’s creation is explained, in order', () => {
  expect(firstCells(section(OPERATING, "## A tenant's creation that waits"))).toEqual(CREATE_TENANT_STEPS);
});

test('every workflow type and every search attribute is named', () => {
  const named = inlineCode(OPERATING);
  for (const name of [...Object.values(WORKFLOW_TYPES), ...Object.values(SEARCH_ATTRIBUTES)])
    expect(named).toContain(name);
});

test('every metric of gateway and worker is explained, and no other', async () => {
  const ours = (await metricNames()).filter((name) => name.startsWith('tenantry_'));
  expect(firstCells(section(OPERATING, '### Metrics')).sort()).toEqual(ours.sort());
});

test('every check of doctor is explained, in the order in which it is shown', () => {
  expect(firstCells(section(readText('docs/troubleshooting.md'), '## Doctor'))).toEqual(CHECK_NAMES);
});

test.each([
  ['## At run time', packageJson.dependencies],
  ['## For development', packageJson.devDependencies],
  ['## Overrides', packageJson.overrides],
])('%s: every package has its reason, and no other', (heading, packages) => {
  expect(firstCells(section(DEPENDENCIES, heading))).toEqual(Object.keys(packages));
});

test('the version of the package is in the changelog', () => {
  const changelog = readFileSync(new URL('../../CHANGELOG.md', import.meta.url), 'utf8');
  expect(changelog).toContain(`\n## [${packageJson.version}]`);
});
