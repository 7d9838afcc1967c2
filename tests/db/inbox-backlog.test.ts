import { sql } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { inboxBacklog, inboxBacklogQuery } from '../../db/inbox-backlog.ts';
import { useDatabase } from '../database.ts';
import { billingRows, event } from './billing-rows.ts';

const { database, pool } = await useDatabase();
const rows = billingRows({ database, pool });

test('pending rows, the age of the oldest, and what is parked and failed now', async () => {
  expect(await inboxBacklog(database)).toEqual({ rows: 0, oldestMs: 0, parkedRows: 0, failedRows: 0 });
  const [old = ''] = await rows.receive(
    event(),
    event(),
    event({ status: 'parked', statusReason: 'unknown_customer' }),
    event({ status: 'ignored', statusReason: 'event_type' }),
  );
  const [failed = ''] = await rows.receive(event());
  const fail = (status: string, reason: string | null) =>
    pool.query(
      'update stripe_webhook_events set status = $2, status_reason = $3 where stripe_event_id = $1',
      [failed, status, reason],
    );
  await fail('failed', 'StripeRequestRefused');
  await rows.age([old], '1 hour');
  const backlog = await inboxBacklog(database);
  expect(backlog).toMatchObject({ rows: 2, parkedRows: 1, failedRows: 1 });
  expect(backlog.oldestMs).toBeGreaterThanOrEqual(3_600_000);
  expect(backlog.oldestMs).toBeLessThan(3_700_000);
  await fail('received', null);
  expect(await inboxBacklog(database)).toMatchObject({ rows: 3, failedRows: 0 });
});

test('the question is answered by partial indexes, however many events were settled', async () => {
  await pool.query(
    `insert into stripe_webhook_events (stripe_event_id, event_type, subject, payload, status, status_reason)
     select 'evt_explained_' || n, 'customer.updated', 'cus_' || n, '{}',
       case n % 100 when 0 then 'received' when 1 then 'parked' when 2 then 'failed' else 'processed' end,
       case n % 100 when 1 then 'unknown_customer' when 2 then 'DatabaseRefused' end
     from generate_series(1, 50000) n`,
  );
  await pool.query('vacuum analyze stripe_webhook_events');
  const { rows: plan } = await database.execute(sql`explain (format json) ${inboxBacklogQuery()}`);
  const text = JSON.stringify(plan);
  for (const index of ['parked', 'failed']) expect(text).toContain(`stripe_webhook_events_${index}`);
  expect(text).not.toContain('Seq Scan');
  expect(await inboxBacklog(database)).toMatchObject({ rows: 503, parkedRows: 501, failedRows: 500 });
});
