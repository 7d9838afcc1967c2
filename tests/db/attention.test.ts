import { sql } from 'drizzle-orm';
import { expect, test } from 'vitest';
import {
  eventLateness,
  eventLatenessQuery,
  eventsToLookAt,
  eventsToLookAtQuery,
  failedNotifications,
  openDrift,
} from '../../db/attention.ts';
import { MASTER_BILLING_TENANT_ID, useDatabase } from '../database.ts';
import { billingRows, event } from './billing-rows.ts';

const { database, pool } = await useDatabase();
const rows = billingRows({ database, pool });

test('how late pending events are: by what was planned, and by when they came', async () => {
  expect(await eventLateness(database)).toEqual({ dueRows: 0, dueForMs: 0, oldestMs: 0 });
  const [old = '', putOff = ''] = await rows.receive(event(), event());
  await rows.receive(event({ status: 'ignored', statusReason: 'event_type' }));
  expect(await eventLateness(database)).toMatchObject({ dueRows: 0, dueForMs: 0 });
  await rows.age([old], '90 s');
  await rows.age([putOff], '1 hour');
  await pool.query(
    `update stripe_webhook_events set next_attempt_at = now() + interval '30 s' where stripe_event_id = $1`,
    [putOff],
  );
  const { dueRows, dueForMs, oldestMs } = await eventLateness(database);
  expect(dueRows).toBe(1);
  expect(dueForMs).toBeGreaterThanOrEqual(60_000);
  expect(dueForMs).toBeLessThan(90_000);
  expect(oldestMs).toBeGreaterThanOrEqual(3_600_000);
});

test('failed and parked events by reason, the most first', async () => {
  const parked = event({ status: 'parked', statusReason: 'unknown_customer' });
  await rows.receive(parked, { ...event(), status: 'parked', statusReason: 'livemode_mismatch' });
  const [failed = '', other = ''] = await rows.receive(event(), event());
  await pool.query(
    `update stripe_webhook_events set status = 'failed', status_reason = 'DatabaseRefused' where stripe_event_id = any($1)`,
    [[failed, other]],
  );
  expect(await eventsToLookAt(database)).toEqual([
    { status: 'failed', reason: 'DatabaseRefused', rows: 2 },
    { status: 'parked', reason: 'livemode_mismatch', rows: 1 },
    { status: 'parked', reason: 'unknown_customer', rows: 1 },
  ]);
});

test('both questions are answered by partial indexes, however many events were settled', async () => {
  await pool.query(
    `insert into stripe_webhook_events (stripe_event_id, event_type, subject, payload, status, status_reason)
     select 'evt_explained_' || n, 'customer.updated', 'cus_' || n, '{}',
       case n % 100 when 0 then 'received' when 1 then 'parked' else 'processed' end,
       case n % 100 when 1 then 'unknown_customer' end
     from generate_series(1, 50000) n`,
  );
  await pool.query('vacuum analyze stripe_webhook_events');
  for (const query of [eventLatenessQuery(), eventsToLookAtQuery()]) {
    const { rows: plan } = await database.execute(sql`explain (format json) ${query}`);
    expect(JSON.stringify(plan)).not.toContain('Seq Scan');
  }
});

test('drift that stands, by kind', async () => {
  await pool.query(
    `insert into billing_drift (kind, subject, field, found_by, last_seen_by, repaired_at, repair) values
     ('customer', 'cus_1', 'existence', 'a run', 'a run', null, null),
     ('invoice', 'in_1', 'status', 'a run', 'a run', null, null), ('invoice', 'in_2', 'status', 'a run', 'a run', null, null),
     ('tenant', 'x', 'licensed_user_count', 'a run', 'a run', now(), 'billing_sync')`,
  );
  expect(await openDrift(database)).toEqual([
    { kind: 'invoice', rows: 2 },
    { kind: 'customer', rows: 1 },
  ]);
});

test('mails that failed within the last days, by kind', async () => {
  await pool.query(
    `insert into notifications (tenant, dedupe_key, kind, recipient, status, created_at) values
     ($1, 'a', 'reminder', 'x@example.com', 'failed', now() - interval '6 days'),
     ($1, 'b', 'receipt', 'x@example.com', 'failed', now() - interval '8 days'),
     ($1, 'c', 'receipt', 'x@example.com', 'sent', now())`,
    [MASTER_BILLING_TENANT_ID],
  );
  expect(await failedNotifications(database, 7)).toEqual([{ kind: 'reminder', rows: 1 }]);
});
