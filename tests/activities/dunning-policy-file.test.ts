import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { dunningPolicyFile, readDunningPolicyFile } from '../../activities/dunning-policy-file.ts';
import { DEFAULT_DUNNING_POLICY_SOURCE } from '../../domain/dunning-policy.ts';
import { Failure } from '../../domain/failures.ts';

const folder = mkdtempSync(join(tmpdir(), 'dunning-policy-'));
afterAll(() => rmSync(folder, { recursive: true }));

const SOURCE = {
  version: 'file-1',
  stages: [
    { name: 'failed', after: 'PT0S', state: 'retrying', notice: 'payment_failed' },
    { name: 'end', after: 'P90D', state: 'written_off', effect: 'write_off' },
  ],
};

function written(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function failureOf(act: () => unknown): Failure {
  try {
    act();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

test('without a file it is the built-in policy', () => {
  expect(readDunningPolicyFile()).toMatchObject({
    version: 'built-in-1',
    source: DEFAULT_DUNNING_POLICY_SOURCE,
    policy: { version: 'built-in-1', time_zone: 'UTC' },
  });
});

test('a file is read with its version, its source as it stands there, and what it means', () => {
  const file = readDunningPolicyFile(written('valid.json', JSON.stringify(SOURCE)));
  expect(file).toMatchObject({ version: 'file-1', source: SOURCE });
  expect(file.policy.stages[1]?.after.days).toBe(90);
  expect(file.policy.variants).toEqual([]);
});

test('the digest tells two policies of one version apart, and not how the file is indented', () => {
  const indented = written('indented.json', JSON.stringify(SOURCE, null, 4));
  expect(readDunningPolicyFile(indented).digest).toBe(dunningPolicyFile(SOURCE).digest);
  const [failed, end] = SOURCE.stages;
  const changed = { ...SOURCE, stages: [failed, { ...end, after: 'P91D' }] };
  expect(dunningPolicyFile(changed).digest).not.toBe(dunningPolicyFile(SOURCE).digest);
  expect(dunningPolicyFile(SOURCE).digest).toMatch(/^[0-9a-f]{64}$/);
});

test.each([
  ['that is not there', () => join(folder, 'missing.json')],
  ['that is no JSON', () => written('broken.json', '{"version":')],
  ['that is a folder', () => folder],
])('a file %s is refused by its path', (_name, pathOf) => {
  const path = pathOf();
  const failure = failureOf(() => readDunningPolicyFile(path));
  expect(failure.name).toBe('InvalidInput');
  expect(failure.message).toContain(`The dunning policy ${path} can’t be read: `);
});

test('a file that can’t be followed is refused, naming the stage', () => {
  const [failed] = SOURCE.stages;
  const path = written('endless.json', JSON.stringify({ ...SOURCE, stages: [failed] }));
  const failure = failureOf(() => readDunningPolicyFile(path));
  expect(failure.name).toBe('InvalidInput');
  expect(failure.message).toContain('stage "failed" is the last one and ends nothing');
});
