import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { expect, inject, test } from 'vitest';
import { WORKFLOW_TYPES } from '../../client/contract.ts';
import { keptHistories } from './histories.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });

const kept = await keptHistories();
const today = { codePath: inject('workflowBundlePath') };
const altered = await bundleWorkflowCode({
  workflowsPath: fileURLToPath(new URL('./altered-workflows.ts', import.meta.url)),
  logger: new DefaultLogger('ERROR'),
});

test.each(kept)('I10: $version/$scenario replays on today’s code', async ({ workflowId, history }) => {
  await Worker.runReplayHistory({ workflowBundle: today }, history, workflowId);
});

test('I10: a change of the order of steps is noticed', async () => {
  const plain = kept.find(({ scenario }) => scenario === 'create-tenant');
  const replay = Worker.runReplayHistory({ workflowBundle: altered }, plain?.history, plain?.workflowId);
  await expect(replay).rejects.toMatchObject({ name: 'DeterminismViolationError' });
});

test('every workflow type has a kept history', () => {
  const types = kept.map(
    ({ history }) => JSON.stringify(history).match(/"workflowType":\{"name":"(\w+)"/)?.[1],
  );
  expect(new Set(types)).toEqual(new Set(Object.values(WORKFLOW_TYPES)));
});
