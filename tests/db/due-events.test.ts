import { sql } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import {
  claimEventsOfKnownCustomers,
  type DueSubject,
  dueSubjects,
  dueSubjectsQuery,
  postponeWakes,
} from '../../db/due-events.ts';
import { recordFailedAttempt } from '../../db/webhook-events.ts';
import { useDatabase } from '../database.ts';
import { billingRows, event, newId } from './billing-rows.ts';

const { database, pool } = await useDatabase();
const rows = billingRows({ database, pool });
const due = (limit = 1_000) => dueSubjects(database, { limit });
const unknownCustomer = { status: 'parked', statusReason: 'unknown_customer' } as const;

const ofSubject = async (subject: string): Promise<DueSubject | undefined> => {
  const found = (await due()).filter((one) => one.subject === subject);
  expect(found.length).toBeLessThanOrEqual(1);
  return found[0];
};

describe('a row is due', () => {
  test('I3 30 s after it was stored, as long as it is received', async () => {
    const subject = newId('cus');
    const ids = await rows.receive(event({ subject }), event({ subject }));
    expect(await rows.dueInSeconds(ids[0] ?? '')).toBeCloseTo(30, -1);
    await rows.age(ids, '29 seconds');
    expect(await ofSubject(subject)).toBeUndefined();
    await rows.age(ids, '1 second');
    expect(await ofSubject(subject)).toMatchObject({ subject, retriedEvents: 0 });
    await pool.query("update stripe_webhook_events set status = 'processed' where subject = $1", [subject]);
    expect(await ofSubject(subject)).toBeUndefined();
  });

  test('I3 after the pause of its failure, and counts as tried again', async () => {
    const subject = newId('cus');
    const [id = ''] = await rows.receive(event({ subject }));
    const attempts = [
      { stripeEventId: id, failedAttempts: 0, status: 'received', retryInMs: 60_000 },
    ] as const;
    await recordFailedAttempt(database, { attempts, reason: 'DatabaseRefused', error: 'no' });
    await rows.age([id], '59 seconds');
    expect(await ofSubject(subject)).toBeUndefined();
    await rows.age([id], '2 seconds');
    expect(await ofSubject(subject)).toMatchObject({ retriedEvents: 1 });
  });

  test('its subject has waited since its oldest pending row came, due or not', async () => {
    const subject = newId('cus');
    const [old = '', fresh = ''] = await rows.receive(event({ subject }), event({ subject }));
    await rows.age([old], '1 hour');
    await rows.age([fresh], '40 seconds');
    await pool.query(
      "update stripe_webhook_events set next_attempt_at = now() + interval '9 minutes' where stripe_event_id = $1",
      [old],
    );
    expect((await ofSubject(subject))?.waitedMs).toBeGreaterThanOrEqual(3_600_000);
  });
});

test('I12 a sweep takes a bounded number of subjects, those first that have been due for longest', async () => {
  const subjects = [newId('cus'), newId('cus'), newId('cus')];
  const ids = await rows.receive(...subjects.map((subject) => event({ subject })));
  for (const [index, id] of ids.entries()) await rows.age([id], `${index + 1} years`);
  expect((await due(2)).map(({ subject }) => subject)).toEqual(subjects.reverse().slice(0, 2));
});

describe('putting off', () => {
  test('moves due rows only: one that came later or failed meanwhile keeps its time', async () => {
    const subject = newId('cus');
    const [late = '', failed = '', fresh = '', foreign = ''] = await rows.receive(
      ...[subject, subject, subject, newId('cus')].map((one) => event({ subject: one })),
    );
    await rows.age([late, failed, foreign], '1 hour');
    await recordFailedAttempt(database, {
      attempts: [{ stripeEventId: failed, failedAttempts: 0, status: 'received', retryInMs: 60_000 }],
      reason: 'Unexpected',
      error: 'no',
    });
    await postponeWakes(database, [{ subject, byMs: 900_000 }]);
    expect(await rows.dueInSeconds(late)).toBeCloseTo(900, -1);
    expect(await rows.dueInSeconds(failed)).toBeCloseTo(60, -1);
    expect(await rows.dueInSeconds(fresh)).toBeCloseTo(30, -1);
    expect(await rows.dueInSeconds(foreign)).toBeLessThan(0);
    expect(await ofSubject(subject)).toBeUndefined();
  });

  test('by nothing leaves a row due, behind all others', async () => {
    const [first, second] = [newId('cus'), newId('cus')];
    const [a = '', b = ''] = await rows.receive(event({ subject: first }), event({ subject: second }));
    await rows.age([a], '2 hours');
    await rows.age([b], '1 hour');
    await postponeWakes(database, [{ subject: first, byMs: 0 }]);
    const order = (await due()).map(({ subject }) => subject);
    expect(order.indexOf(first)).toBeGreaterThan(order.indexOf(second));
    expect(order).toContain(second);
  });
});

describe('a claim over all', () => {
  test('I3 makes parked events of customers that are known by now pending and due, and no others', async () => {
    const { tenant, customer } = await rows.tenantWithCustomer();
    const [mine = '', mode = '', nobody = ''] = await rows.receive(
      event({ subject: customer, ...unknownCustomer }),
      event({ subject: customer, status: 'parked', statusReason: 'livemode_mismatch' }),
      event(unknownCustomer),
    );
    expect(await claimEventsOfKnownCustomers(database, { limit: 100 })).toBe(1);
    expect(await rows.eventRow(mine)).toMatchObject({ status: 'received', status_reason: null, tenant });
    expect(await ofSubject(customer)).toBeDefined();
    expect(await rows.eventRow(mode)).toMatchObject({ status: 'parked' });
    expect(await rows.eventRow(nobody)).toMatchObject({ status: 'parked' });
    expect(await claimEventsOfKnownCustomers(database, { limit: 100 })).toBe(0);
  });

  test('I12 takes a bounded number', async () => {
    const { customer } = await rows.tenantWithCustomer();
    await rows.receive(...Array.from({ length: 5 }, () => event({ subject: customer, ...unknownCustomer })));
    expect(await claimEventsOfKnownCustomers(database, { limit: 3 })).toBe(3);
    expect(await claimEventsOfKnownCustomers(database, { limit: 3 })).toBe(2);
  });
});

test('the sweep’s question is answered by its index, however many events were settled', async () => {
  await pool.query(
    `insert into stripe_webhook_events (stripe_event_id, event_type, subject, payload, status, next_attempt_at)
     select 'evt_explained_' || n, 'customer.updated', 'cus_' || n, '{}',
       case when n % 100 = 0 then 'received' else 'processed' end,
       now() + (n - 25000) * interval '1 second'
     from generate_series(1, 50000) n`,
  );
  await pool.query('vacuum analyze stripe_webhook_events');
  const { rows: plan } = await database.execute(
    sql`explain (format json) ${dueSubjectsQuery({ limit: 1_000 })}`,
  );
  const text = JSON.stringify(plan);
  expect(text).toContain('stripe_webhook_events_due');
  expect(text).toContain('stripe_webhook_events_pending');
  expect(text).not.toContain('Seq Scan');
  await pool.query("delete from stripe_webhook_events where stripe_event_id like 'evt_explained_%'");
});
