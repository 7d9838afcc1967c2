import { expect, test } from 'vitest';
import { billingSyncWorkflowId } from '../../client/contract.ts';
import { insertWebhookEvents } from '../../db/inbox.ts';
import { useDatabase } from '../database.ts';
import { billingRows, event, newId } from '../db/billing-rows.ts';
import { useTemporal } from '../temporal.ts';
import { runCli } from './run-cli.ts';

const NOBODY = '127.0.0.1:1';
const { database, pool, url } = await useDatabase();
const rows = billingRows({ database, pool });

const temporal = await useTemporal();
const { client } = temporal;

const events = (args: string[], env: Record<string, string> = {}) =>
  runCli(['events', ...args], {
    DATABASE_URL: url,
    ...temporal.env,
    ...env,
  });

type Settled = {
  status: 'received' | 'processed' | 'ignored' | 'parked' | 'failed';
  reason?: string;
  type?: string;
  subject?: string | null;
  payload?: object;
  age?: string;
};

/** An event of the inbox that came and was settled some time ago. */
async function settled({ status, reason, age = '1 hour', ...more }: Settled): Promise<string> {
  const { type: eventType = 'customer.subscription.updated', payload = {}, subject = newId('cus') } = more;
  const routed = event({ eventType, subject: subject ?? newId('cus') });
  await insertWebhookEvents(pool, [{ ...routed, payload: JSON.stringify(payload) }]);
  await pool.query(
    `update stripe_webhook_events set status = $2, status_reason = $3, subject = $4, created_at = now() - $5::interval,
       attempts = 4, last_error = 'it broke', last_error_at = now(), processed_at = now()
     where stripe_event_id = $1`,
    [routed.stripeEventId, status, reason ?? null, subject, age],
  );
  return routed.stripeEventId;
}

const snapshot = (type: string, object: object, more: object = {}) => ({
  id: 'evt_1',
  object: 'event',
  type,
  livemode: false,
  data: { object },
  ...more,
});

async function row(id: string): Promise<Record<string, unknown> | undefined> {
  const found = await pool.query(
    `select status, status_reason as reason, subject, attempts, last_error, processed_at,
       next_attempt_at <= now() as is_due from stripe_webhook_events where stripe_event_id = $1`,
    [id],
  );
  return found.rows[0];
}
const PENDING = {
  status: 'received',
  reason: null,
  attempts: 0,
  last_error: null,
  processed_at: null,
  is_due: true,
};

const audited = async (subject: string) =>
  (await pool.query('select action, actor, reason, detail from audit_log where subject = $1', [subject]))
    .rows;

const isRunning = async (subject: string) =>
  (await client.workflow.getHandle(billingSyncWorkflowId(subject)).describe()).status.name === 'RUNNING';

const idsOf = (answer: unknown) =>
  (answer as { events: { stripe_event_id: string }[] }).events.map((one) => one.stripe_event_id);

test('events are listed newest first, as a table and as JSON, by every condition, and page by page', async () => {
  const subject = newId('cus');
  const [old, middle, young] = await Promise.all([
    settled({ subject, status: 'failed', reason: 'DatabaseRefused', age: '3 days', type: 'invoice.paid' }),
    settled({ subject, status: 'parked', reason: 'unknown_customer', age: '2 days', type: 'invoice.voided' }),
    settled({ subject, status: 'processed', age: '1 hour' }),
  ]);
  const of = async (...args: string[]) =>
    idsOf((await events(['list', '--json', '--subject', subject, ...args])).json());
  const since = new Date(Date.now() - 2.5 * 86_400_000).toISOString();
  const [table, all, failed, byReason, byType, recent, window, first, second] = await Promise.all([
    events(['list', '--subject', subject]),
    of(),
    of('--status', 'failed'),
    of('--status-reason', 'unknown_customer'),
    of('--type', 'invoice.*'),
    of('--since', 'PT2H'),
    of('--since', since, '--until', 'P1D'),
    events(['list', '--json', '--subject', subject, '--limit', '2']),
    of('--limit', '2', '--before', middle),
  ]);
  const lines = table.stdout.trimEnd().split('\n');
  expect(lines[0]).toMatch(/^EVENT +CAME +TYPE +SUBJECT +STATUS +REASON +ATTEMPTS$/);
  expect(lines.slice(1).map((line) => line.split(' ')[0])).toEqual([young, middle, old]);
  expect(all).toEqual([young, middle, old]);
  expect(failed).toEqual([old]);
  expect(byReason).toEqual([middle]);
  expect(byType).toEqual([middle, old]);
  expect(recent).toEqual([young]);
  expect(window).toEqual([middle]);
  expect(first.json()).toMatchObject({ next_before: middle });
  expect(idsOf(first.json())).toEqual([young, middle]);
  expect(second).toEqual([old]);
});

test('an event is shown with all columns, and with its payload in JSON alone', async () => {
  const id = await settled({ status: 'failed', reason: 'DatabaseRefused', payload: { secretive: 'text' } });
  const [table, json] = await Promise.all([events(['show', id]), events(['show', id, '--json'])]);
  expect(table.stdout).toMatch(/^last_error +it broke$/m);
  expect(table.stdout).not.toContain('secretive');
  expect(json.json()).toMatchObject({
    stripe_event_id: id,
    status: 'failed',
    status_reason: 'DatabaseRefused',
    source: 'webhook',
    payload: { secretive: 'text' },
  });
  const { rows: columns } = await pool.query<{ column_name: string }>(
    "select column_name from information_schema.columns where table_name = 'stripe_webhook_events'",
  );
  expect(Object.keys(json.json() as object).sort()).toEqual(columns.map((one) => one.column_name).sort());
});

test('a failed event that is replayed is as if it had just come, its customer is woken, and the audit log says who did it', async () => {
  const subject = newId('cus');
  const id = await settled({ subject, status: 'failed', reason: 'DatabaseRefused' });
  const run = await events([
    'replay',
    id,
    '--json',
    '--actor',
    'grace',
    '--reason',
    'the migration is there',
  ]);
  expect(run).toMatchObject({ code: 0 });
  expect(run.json()).toEqual({
    dry_run: false,
    more: false,
    not_woken: [],
    events: [
      {
        stripe_event_id: id,
        event_type: 'customer.subscription.updated',
        subject,
        status: 'failed',
        status_reason: 'DatabaseRefused',
        outcome: 'replay',
        why: null,
      },
    ],
  });
  expect(await row(id)).toEqual({ ...PENDING, subject });
  expect(await isRunning(subject)).toBe(true);
  expect(await audited(id)).toEqual([
    { action: 'events replay', actor: 'grace', reason: 'the migration is there', detail: { events: [id] } },
  ]);
});

test('a dry run shows what would be replayed and changes nothing', async () => {
  const type = `dry.${newId('run')}`;
  const ids = await Promise.all(
    ['failed', 'parked', 'processed'].map((status) =>
      settled({
        type,
        status: status as 'failed',
        ...(status !== 'processed' && { reason: 'unknown_customer' }),
      }),
    ),
  );
  const run = await events(['replay', '--type', type, '--dry-run']);
  expect(run.code).toBe(0);
  expect(run.stdout).toContain(ids[0]);
  expect(run.stdout).toContain(ids[1]);
  expect(run.stdout).not.toContain(ids[2]);
  expect(run.stderr).toContain('2 would be replayed');
  expect((await row(ids[0] ?? ''))?.status).toBe('failed');
});

test('no more events are replayed at once than asked for, the oldest first, and one entry of the audit log names them', async () => {
  const type = `many.${newId('run')}`;
  const ages = ['3 days', '2 days', '1 day'];
  const ids = await Promise.all(ages.map((age) => settled({ type, status: 'failed', reason: 'X', age })));
  const run = await events(['replay', '--type', type, '--limit', '2', '--json', '--reason', type]);
  expect(run.json()).toMatchObject({ more: true });
  expect(idsOf(run.json())).toEqual(ids.slice(0, 2));
  expect((await row(ids[2] ?? ''))?.status).toBe('failed');
  const { rows: entries } = await pool.query('select subject, detail from audit_log where reason = $1', [
    type,
  ]);
  expect(entries).toEqual([
    { subject: '2 events', detail: { events: expect.arrayContaining(ids.slice(0, 2)) } },
  ]);
});

test('what is processed is replayed only when that is forced with a reason; of several events none is then', async () => {
  const [processed, failed] = await Promise.all([
    settled({ status: 'processed' }),
    settled({ status: 'failed', reason: 'X' }),
  ]);
  const [refused, filtered, unreasoned] = await Promise.all([
    events(['replay', processed, failed]),
    events(['replay', '--status', 'processed', '--since', 'P1D']),
    events(['replay', processed, '--force']),
  ]);
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toContain(`${processed}: it is processed`);
  expect((await row(failed))?.status).toBe('failed');
  expect(filtered).toMatchObject({ code: 1, stdout: '' });
  expect(unreasoned).toMatchObject({ code: 2, stdout: '' });
  expect(unreasoned.stderr).toContain('Usage: tenantry events replay');
  const forced = await events(['replay', processed, '--force', '--reason', 'the row was changed by hand']);
  expect(forced.code).toBe(0);
  expect(await row(processed)).toMatchObject(PENDING);
});

test('an event that waits is not changed, its customer is woken', async () => {
  const subject = newId('cus');
  const [id = ''] = await rows.receive(event({ subject }));
  const run = await events(['replay', id, '--json']);
  expect(run.json()).toMatchObject({ events: [{ stripe_event_id: id, outcome: 'pending' }] });
  expect(await isRunning(subject)).toBe(true);
  expect(await audited(id)).toEqual([]);
});

test('what the door turned away passes it once more: by its payload, for today’s types and the mode of the key', async () => {
  const customer = newId('cus');
  const unpaid = snapshot('invoice.payment_failed', { id: 'in_1', customer });
  const door = (reason: string, payload: object, subject: string | null = null) =>
    settled({ status: reason === 'livemode_mismatch' ? 'parked' : 'ignored', reason, payload, subject });
  const [concerns, stranger, connected, otherMode] = await Promise.all([
    door('event_type', unpaid),
    door('event_type', snapshot('tax_rate.created', { id: 'txr_1' })),
    door('connected_account', { ...unpaid, account: 'acct_1' }, newId('cus')),
    door('livemode_mismatch', unpaid, customer),
  ]);
  const key = { STRIPE_SECRET_KEY: 'sk_live_1' };
  const [keyless, unfit, unknownType, foreign] = await Promise.all([
    events(['replay', otherMode]),
    events(['replay', otherMode], key),
    events(['replay', stranger], key),
    events(['replay', connected], key),
  ]);
  expect([keyless, unfit, unknownType, foreign].map((run) => run.code)).toEqual([1, 1, 1, 1]);
  expect(keyless.stderr).toContain('STRIPE_SECRET_KEY is missing');
  expect(unfit.stderr).toContain('it is of test mode and the key of live mode');
  expect(unknownType.stderr).toContain('events of the type tax_rate.created concern nobody here');
  expect(foreign.stderr).toContain('it is of the connected account acct_1');
  expect((await row(otherMode))?.status).toBe('parked');
  const fits = { STRIPE_SECRET_KEY: 'sk_test_1' };
  expect((await events(['replay', concerns, otherMode], fits)).code).toBe(0);
  expect(await row(concerns)).toEqual({ ...PENDING, subject: customer });
  expect(await row(otherMode)).toEqual({ ...PENDING, subject: customer });
});

test('of events that were chosen by options those that can’t be replayed are shown, with exit code 3', async () => {
  const type = `mixed.${newId('run')}`;
  const [fits, doesNot] = await Promise.all([
    settled({ type, status: 'failed', reason: 'X' }),
    settled({
      type,
      status: 'parked',
      reason: 'unknown_customer',
      subject: null,
      payload: snapshot('customer.updated', {}),
    }),
  ]);
  const run = await events(['replay', '--type', type, '--json'], { STRIPE_SECRET_KEY: 'sk_test_1' });
  expect(run.code).toBe(3);
  const outcomes = (run.json() as { events: { stripe_event_id: string; outcome: string }[] }).events;
  expect(Object.fromEntries(outcomes.map((one) => [one.stripe_event_id, one.outcome]))).toEqual({
    [fits]: 'replay',
    [doesNot]: 'refused',
  });
});

test('while Temporal is away events are replayed all the same, and the sweep is named', async () => {
  const subject = newId('cus');
  const id = await settled({ subject, status: 'failed', reason: 'X' });
  const run = await events(['replay', id, '--json'], { TEMPORAL_ADDRESS: NOBODY });
  expect(run.code).toBe(0);
  expect(run.json()).toMatchObject({ not_woken: [subject] });
  expect(run.stderr).toMatch(/Temporal does not answer.*\n.*the sweep/);
  expect(await row(id)).toMatchObject(PENDING);
});

test('an operator ignores what failed, is parked or waits, for a reason that the audit log keeps', async () => {
  const [failed, parked, processed] = await Promise.all([
    settled({ status: 'failed', reason: 'X' }),
    settled({ status: 'parked', reason: 'unknown_customer' }),
    settled({ status: 'processed' }),
  ]);
  const [waiting = ''] = await rows.receive(event());
  const why = ['--reason', 'a test of theirs', '--actor', 'grace'];
  const [unreasoned, refused, dry] = await Promise.all([
    events(['ignore', failed]),
    events(['ignore', failed, processed, ...why]),
    events(['ignore', failed, ...why, '--dry-run']),
  ]);
  expect(unreasoned).toMatchObject({ code: 2, stdout: '' });
  expect(unreasoned.stderr).toContain('--reason');
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(dry.stdout).toContain('ignore');
  expect((await row(failed))?.status).toBe('failed');
  const run = await events(['ignore', failed, parked, waiting, ...why, '--json']);
  expect(run.code).toBe(0);
  for (const id of [failed, parked, waiting])
    expect(await row(id)).toMatchObject({ status: 'ignored', reason: 'operator' });
  const { rows: entries } = await pool.query(
    "select actor, reason from audit_log where action = 'events ignore'",
  );
  expect(entries).toEqual([{ actor: 'grace', reason: 'a test of theirs' }]);
  expect((await events(['replay', failed], { STRIPE_SECRET_KEY: 'sk_test_1' })).stderr).toContain(
    'its payload names nobody',
  );
});

test.each<[string, string[], string]>([
  ['an unknown status', ['list', '--status', 'lost'], "'lost' is invalid"],
  ['a limit beyond the greatest', ['list', '--limit', '5000'], 'whole number from 1 to 1000'],
  ['a time that is none', ['list', '--since', 'yesterday'], 'It must be an instant such as'],
  ['an id that is none', ['show', 'cus_1'], 'begins with evt_'],
  ['no event at all', ['replay'], 'name events, or choose them by'],
  ['both ids and options', ['replay', 'evt_1', '--status', 'failed'], 'named or chosen by options, not both'],
  [
    'a status reason in the place of the reason',
    ['replay', '--status', 'parked', '--reason', 'unknown_customer'],
    '--status-reason',
  ],
  ['an empty reason', ['ignore', 'evt_1', '--reason', ' '], '1 to 2000 characters'],
])('%s is wrong usage: exit code 2, with the usage and nothing on standard output', async (_, args, says) => {
  const run = await events(args);
  expect(run).toMatchObject({ code: 2, stdout: '' });
  expect(run.stderr).toContain(says);
  expect(run.stderr).toContain(`Usage: tenantry events ${args[0]}`);
});

test('an unknown event is told in a sentence, with exit code 1', async () => {
  const runs = await Promise.all([
    events(['show', 'evt_none', '--json']),
    events(['replay', 'evt_none']),
    events(['list', '--before', 'evt_none']),
  ]);
  for (const run of runs)
    expect(run).toMatchObject({ code: 1, stdout: '', stderr: 'error: The inbox has no event evt_none\n' });
});
