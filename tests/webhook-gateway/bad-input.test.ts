import { expect, test } from 'vitest';
import { useDatabase } from '../database.ts';
import { delivery, eventText } from './bad-input/row.ts';
import { ROWS } from './bad-input/rows.ts';
import { useListeningGateway } from './listening-gateway.ts';
import { exchange, type RawAnswer, rawRequest } from './raw-http.ts';

const { pool, url } = await useDatabase();
const { port } = await useListeningGateway(url);
/** What Node itself answers, before it asks anybody, and answers without a body. */
const WITHOUT_BODY: readonly string[] = ['no host', 'HTTP that expects something else', 'HEAD'];
const METRICS = rawRequest({ requestLine: 'GET /metrics HTTP/1.1' });
const REFUSED = /^tenantry_webhook_refused_total\{reason="(\w+)"\} (\d+)$/gm;

const nowS = () => Math.floor(Date.now() / 1000);

async function refusals(): Promise<ReadonlyMap<string, number>> {
  const [answer] = await exchange(port, METRICS);
  return new Map(
    [...(answer?.body ?? '').matchAll(REFUSED)].map(([, reason = '', count]) => [reason, Number(count)]),
  );
}

async function stored(): Promise<string> {
  const { rows } = await pool.query<{ row: string }>(
    `select stripe_event_id || ' ' || status || ' ' || coalesce(status_reason, subject) as row
       from stripe_webhook_events order by stripe_event_id`,
  );
  return rows.map(({ row }) => row).join(', ') || 'nothing';
}

function expectProblem({ status, headers, body }: RawAnswer): void {
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(JSON.parse(body)).toMatchObject({
    type: 'about:blank',
    status,
    request_id: headers.get('x-request-id'),
  });
  expect(JSON.parse(body).detail).toMatch(/\w/);
}

test('the table has what was promised', () => {
  expect(ROWS.length).toBeGreaterThanOrEqual(150);
  expect(new Set(ROWS.map(({ input }) => input)).size).toBe(ROWS.length);
});

test.each(ROWS)('$input: $answer, stored: $stored', async (row) => {
  await pool.query('delete from stripe_webhook_events');
  const before = await refusals();
  const sent = row.send(nowS());
  const answers = await exchange(port, sent);
  const reasons = [...(await refusals())].flatMap(([reason, count]) =>
    Array(count - (before.get(reason) ?? 0)).fill(reason),
  );
  expect([...answers.map(({ status }) => status), ...reasons].join(' ')).toBe(row.answer);
  expect(await stored()).toBe(row.stored);
  for (const answer of answers.filter(({ status }) => status >= 400)) {
    if (WITHOUT_BODY.includes(row.input)) expect(answer.body).toBe('');
    else expectProblem(answer);
  }
  const [afterwards] = await exchange(port, delivery(eventText({ id: 'evt_afterwards' }))(nowS()));
  expect(afterwards?.status).toBe(200);
  expect(await stored()).toContain('evt_afterwards received cus_1');
});
