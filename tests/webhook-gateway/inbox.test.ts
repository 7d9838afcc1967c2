import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectDatabase, type DatabaseConnection } from '../../db/connect.ts';
import { type InboxRow, insertWebhookEvents } from '../../db/inbox.ts';
import { setUpDatabase } from '../../db/migrate.ts';
import { routeEvent } from '../../domain/webhook-event.ts';
import { type Postgres, startPostgres } from '../../sandbox/postgres/start-postgres.ts';
import { InboxWriter } from '../../webhook-gateway/inbox-writer.ts';

const MASTER = '00000000-0000-4000-8000-000000000001';
let postgres: Postgres;
let connection: DatabaseConnection;
let pool: Pool;

beforeAll(async () => {
  postgres = await startPostgres({ log: () => undefined });
  await setUpDatabase({ url: postgres.url, masterBillingTenantId: MASTER });
  connection = connectDatabase({ url: postgres.url, applicationName: 'test', onError: () => undefined });
  pool = connection.pool;
});
afterAll(async () => {
  await connection.close();
  await postgres.close();
});

function row(text: string): InboxRow {
  const routed = routeEvent(JSON.parse(text), false);
  if (routed === undefined) throw new Error('no event');
  return { ...routed, payload: text };
}
const event = (id: string, more: Record<string, unknown> = {}) =>
  JSON.stringify({ id, type: 'customer.updated', data: { object: { id: 'cus_1' } }, ...more });

function newWriter(): InboxWriter {
  return new InboxWriter({
    insert: (rows) => insertWebhookEvents(pool, rows),
    onGroup: () => undefined,
    onError: () => undefined,
  });
}
const count = async (pattern: string) =>
  (
    await pool.query('select count(*)::int as n from stripe_webhook_events where stripe_event_id like $1', [
      pattern,
    ])
  ).rows[0].n;

test('every column is what was decided at the door, and the payload the exact text', async () => {
  const text = `{ "id":"evt_full", "type":"customer.subscription.updated","created":1800000000,"livemode":false,
    "api_version":"2026-01-28", "n":1.0, "n":2, "s":"\\u0000 \\ud800 \\\\ \\" {},é😀",
    "data":{"object":{"id":"sub_1","customer":"cus_9"}}}`;
  expect(await insertWebhookEvents(pool, [row(text)])).toEqual(['stored']);
  const stored = await pool.query(
    `select event_type, stripe_account, subject, object_id, livemode, api_version, payload::text, status,
       status_reason, attempts, event_created_at, processed_at
     from stripe_webhook_events where stripe_event_id = 'evt_full'`,
  );
  expect(stored.rows).toEqual([
    {
      event_type: 'customer.subscription.updated',
      stripe_account: null,
      subject: 'cus_9',
      object_id: 'sub_1',
      livemode: false,
      api_version: '2026-01-28',
      payload: text,
      status: 'received',
      status_reason: null,
      attempts: 0,
      event_created_at: new Date('2027-01-15T08:00:00Z'),
      processed_at: null,
    },
  ]);
});

test('in a group every row keeps its own text, whatever stands in it and in whatever order it came', async () => {
  const notes = ['{a,b}', '", "', '\u001e', '\\', 'NULL', '\n'];
  const group = notes.map((note, index) => row(event(`evt_own_${9 - index}`, { note })));
  await insertWebhookEvents(pool, group);
  const stored = await pool.query<{ id: string; payload: string }>(
    `select stripe_event_id as id, payload::text from stripe_webhook_events
     where stripe_event_id like 'evt_own_%' order by id desc`,
  );
  expect(stored.rows).toEqual(group.map((each) => ({ id: each.stripeEventId, payload: each.payload })));
});

test('a text that no JSON is never gets into the place of another row’s: the whole group is refused', async () => {
  for (const payload of ['{}\u001e{}', '\u001e', '\u001e{}', '']) {
    const group = ['evt_parted_1', 'evt_parted_2', 'evt_parted_3'].map((id) => row(event(id)));
    const parted = group.with(1, { ...row(event('evt_parted_2')), payload });
    await expect(insertWebhookEvents(pool, parted)).rejects.toThrow();
  }
  expect(await count('evt_parted_%')).toBe(0);
});

test('I2: an id is stored once, within a group, between groups, and from many writers at once', async () => {
  const group = ['evt_two_a', 'evt_two_b', 'evt_two_a'].map((id) => row(event(id)));
  expect(await insertWebhookEvents(pool, group)).toEqual(['stored', 'stored', 'duplicate']);
  expect(await insertWebhookEvents(pool, group)).toEqual(['duplicate', 'duplicate', 'duplicate']);
  const writers = Array.from({ length: 4 }, newWriter);
  const ids = Array.from({ length: 50 }, (_, index) => `evt_many_${index}`);
  const answers = await Promise.all(
    writers.flatMap((writer) => ids.map((id) => writer.store(row(event(id)), 100))),
  );
  expect(answers.filter(({ outcome }) => outcome === 'stored')).toHaveLength(50);
  expect(answers.filter(({ outcome }) => outcome === 'duplicate')).toHaveLength(150);
  expect(await count('evt_many_%')).toBe(50);
});

test('I1: groups that share ids in any order never wait for each other in a circle', async () => {
  for (let round = 0; round < 10; round += 1) {
    const rows = Array.from({ length: 200 }, (_, index) => row(event(`evt_circle_${round}_${index}`)));
    const groups = [rows, rows.toReversed(), rows, rows.toReversed()];
    const outcomes = (await Promise.all(groups.map((group) => insertWebhookEvents(pool, group)))).flat();
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(rows.length);
  }
});

test('a row that Postgres refuses is refused alone, with why; the others of its group are stored', async () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const rows = [
    row(event('evt_bad_1')),
    { ...row(event('evt_bad_2')), apiVersion: 'a\u0000b' },
    row(event('evt_bad_3')),
    row(`{"id":"evt_bad_4","type":"x","deep":${deep}}`),
    row(event('evt_bad_5')),
  ];
  const writer = newWriter();
  expect(await Promise.all(rows.map((each) => writer.store(each, each.payload.length)))).toEqual([
    { outcome: 'stored' },
    { outcome: 'refused', sqlState: '22021' },
    { outcome: 'stored' },
    { outcome: 'refused', sqlState: '54001' },
    { outcome: 'stored' },
  ]);
  expect(await count('evt_bad_%')).toBe(3);
});

test('I1: an outage of Postgres is never acknowledged; afterwards the same writer goes on', async () => {
  const writer = newWriter();
  const store = (id: string) => writer.store(row(event(id)), 100);
  expect(await store('evt_out_1')).toEqual({ outcome: 'stored' });
  await postgres.crash();
  const during = await Promise.all(['evt_out_2', 'evt_out_3'].map(store));
  expect(during).toEqual(Array(2).fill({ outcome: 'unavailable', reason: 'database_away' }));
  await postgres.start();
  expect(await store('evt_out_2')).toEqual({ outcome: 'stored' });
  expect(await count('evt_out_%')).toBe(2);
});
