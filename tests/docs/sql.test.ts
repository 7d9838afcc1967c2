import { expect, test } from 'vitest';
import { useDatabase } from '../database.ts';
import { codeBlocks, documents } from './documents.ts';

const database = await useDatabase();
const statements = documents.flatMap(({ path, text }) =>
  codeBlocks(text)
    .filter((block) => block.language === 'sql')
    .map((block) => [path, block.code.trim()] as const),
);

test('the documents show SQL', () => {
  expect(statements.length).toBeGreaterThan(5);
});

test.each(statements)('%s: the database takes %s', async (_path, statement) => {
  await expect(database.pool.query(statement)).resolves.toMatchObject({ rowCount: 0 });
});

test('a failed event that is made pending again has nothing left of its failure', async () => {
  const [, statement = ''] =
    statements.find(([, sql]) => sql.startsWith('update stripe_webhook_events')) ?? [];
  await database.pool.query(`
    insert into stripe_webhook_events
      (stripe_event_id, event_type, subject, payload, status, status_reason, processed_at, attempts, last_error, last_error_at)
    values ('evt_1PgafmB7WZ01zgkW6dKueIc5', 'customer.updated', 'cus_1', '{}', 'failed', 'DatabaseRefused', now(), 4, 'x', now())`);
  await database.pool.query(statement);
  // The column keeps milliseconds and rounds, so what is due now may be due half of one later.
  const { rows } = await database.pool.query(
    `select status, status_reason, processed_at, attempts, last_error, last_error_at,
       next_attempt_at <= now() + interval '1 millisecond' as is_due
     from stripe_webhook_events`,
  );
  expect(rows).toEqual([
    {
      status: 'received',
      status_reason: null,
      processed_at: null,
      attempts: 0,
      last_error: null,
      last_error_at: null,
      is_due: true,
    },
  ]);
});
