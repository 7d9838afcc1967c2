import { sql } from 'drizzle-orm';
import { beforeAll, expect, test } from 'vitest';
import { type EventFilter, lastEventsOf, listEvents, listEventsQuery } from '../../db/event-list.ts';
import { eventsMatchingQuery } from '../../db/replay-events.ts';
import { useDatabase } from '../database.ts';

const { database, pool } = await useDatabase();

/** A customer has as many events as a year brings, a hundredth of all failed. */
const YEARS = `
  insert into stripe_webhook_events (stripe_event_id, event_type, subject, payload, status, status_reason, created_at)
  select 'evt_' || n, 'customer.updated', 'cus_' || n % 1000, '{}',
    case when n % 100 = 0 then 'failed' else 'processed' end, case when n % 100 = 0 then 'X' end,
    now() - n * interval '1 second'
  from generate_series(1, 50000) n`;

beforeAll(async () => {
  await pool.query(YEARS);
  await pool.query('vacuum analyze stripe_webhook_events');
});

test.each<[string, EventFilter, string | undefined, string]>([
  ['all events', {}, undefined, 'stripe_webhook_events_newest'],
  ['the next page', {}, 'evt_30000', 'stripe_webhook_events_newest'],
  ['what failed', { statuses: ['failed'] }, undefined, 'stripe_webhook_events_failed'],
  ['what is parked', { statuses: ['parked'] }, undefined, 'stripe_webhook_events_parked'],
  ['those of a customer', { subject: 'cus_7' }, undefined, 'stripe_webhook_events_of_subject'],
])('%s are listed by an index, however many there are', async (_, filter, before, index) => {
  const query = listEventsQuery(database, { filter, limit: 50, before });
  const { rows } = await database.execute(sql`explain (format json) ${query}`);
  expect(JSON.stringify(rows)).toContain(index);
  expect(JSON.stringify(rows)).not.toContain('Seq Scan');
});

test('what waits for somebody is chosen by the indexes of what waits, however much was settled', async () => {
  const filter: EventFilter = { statuses: ['failed', 'parked'] };
  const query = eventsMatchingQuery(database, { filter, limit: 1_000 });
  const { rows } = await database.execute(sql`explain (format json) ${query}`);
  for (const index of ['stripe_webhook_events_failed', 'stripe_webhook_events_parked'])
    expect(JSON.stringify(rows)).toContain(index);
  expect(JSON.stringify(rows)).not.toContain('Seq Scan');
});

test('pages follow each other without a gap, also where many events came in the same instant', async () => {
  await pool.query("update stripe_webhook_events set created_at = '2020-01-01' where subject = 'cus_9'");
  const filter: EventFilter = { subject: 'cus_9' };
  const seen: string[] = [];
  for (let before: string | undefined; ; before = seen.at(-1)) {
    const page = await listEvents(database, { filter, limit: 20, before });
    seen.push(...page.map((event) => event.stripe_event_id));
    if (page.length < 20) break;
  }
  expect(seen).toHaveLength(50);
  expect(new Set(seen).size).toBe(50);
});

test('a percent sign or an underscore in a type stands for itself', async () => {
  const types = async (type: string) => (await listEvents(database, { filter: { type }, limit: 1 })).length;
  expect(await types('customer.*')).toBe(1);
  expect(await types('customer_*')).toBe(0);
  expect(await types('%*')).toBe(0);
});

test('the last events of several subjects are mixed by their arrival', async () => {
  const last = await lastEventsOf(database, { subjects: ['cus_1', 'cus_2'], limit: 3 });
  expect(last.map((event) => event.stripe_event_id)).toEqual(['evt_1', 'evt_2', 'evt_1001']);
});
