import { expect, test } from 'vitest';
import { reportOf } from '../../cli/commands/import-report.ts';
import { useDatabase } from '../database.ts';

const { database } = await useDatabase();

test('a plan that the next import replaced before it was read is told, not shown as lists with nothing in them', async () => {
  const listing = 'import/replaced';
  const run = { workflowId: 'import-customers-test', runId: 'replaced', joined: false, input: {} };
  const counts = {
    pages: 1,
    subscriptions: 4,
    customers: 4,
    known: 0,
    linked: 1,
    created: 0,
    written: 0,
    tagged: 0,
  };
  const result = { listing, ...counts, conflicts: 3, left: 0, applied: false, proof: null };
  await expect(reportOf(database, { run, result })).rejects.toMatchObject({
    name: 'Refused',
    message: expect.stringMatching(/3 conflicts.*replaced its plan/),
  });
});
