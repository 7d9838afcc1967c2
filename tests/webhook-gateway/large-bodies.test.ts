import { once } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { BodyBudget } from '../../webhook-gateway/body-budget.ts';
import { BODY_BYTES_MAX, LARGE_BODIES_BYTES_MAX, OWN_BODY_BYTES } from '../../webhook-gateway/limits.ts';
import { useDatabase } from '../database.ts';
import { delivery, eventText } from './bad-input/row.ts';
import { useListeningGateway } from './listening-gateway.ts';
import { answersOf, exchange, open, type RawAnswer, rawRequest } from './raw-http.ts';

const { pool, url } = await useDatabase();
const { port, connections } = await useListeningGateway(url);

/** So many bodies of the largest size use the budget up. */
const FILLING = Math.ceil(LARGE_BODIES_BYTES_MAX / (BODY_BYTES_MAX - OWN_BODY_BYTES));

const nowS = () => Math.floor(Date.now() / 1000);
const largeEvent = (id: string) => {
  const text = eventText({ id });
  return delivery(text + ' '.repeat(BODY_BYTES_MAX - text.length))(nowS());
};

async function statusOf(bytes: Buffer): Promise<number | undefined> {
  const [answer] = await exchange(port, bytes);
  return answer?.status;
}

test.each([
  ['none at all', [], 'missing'],
  ['one that is none', [['stripe-signature', 't=1']], 'malformed'],
  ['an old one', [['stripe-signature', `t=1,v1=${'0'.repeat(64)}`]], '300 s'],
] as const)(
  'who sends no signature that could be good is refused before the body comes: %s',
  async (_, headers, detail) => {
    const [answer] = await exchange(
      port,
      rawRequest({ headers: [['content-length', String(BODY_BYTES_MAX)], ...headers] }),
    );
    expect(answer?.status).toBe(400);
    expect(answer?.headers.get('content-type')).toBe('application/problem+json');
    expect(JSON.parse(answer?.body ?? '').detail).toContain(detail);
  },
);

test('large bodies are held up to a limit; beyond it they are sent again later, and usual events come through', async () => {
  const refused: RawAnswer[] = [];
  const senders: Socket[] = [];
  const request = largeEvent('evt_never_whole');
  for (let sender = 0; sender < FILLING + 3; sender += 1) {
    const socket = await open(port);
    senders.push(socket);
    void answersOf(socket).then((answers) => refused.push(...answers));
    // Without its last byte, a body stays under way.
    if (!socket.write(request.subarray(0, -1)))
      await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
  }
  await expect.poll(() => refused.length).toBeGreaterThan(0);
  for (const { status, headers, body } of refused) {
    expect([status, headers.get('content-type')]).toEqual([503, 'application/problem+json']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(JSON.parse(body).detail).toContain('large events');
  }
  expect(refused.length).toBeLessThanOrEqual(4);
  expect(await statusOf(delivery(eventText({ id: 'evt_usual' }))(nowS()))).toBe(200);
  for (const socket of senders) socket.destroy();
  await expect.poll(connections).toBe(0);
  // What was given back can be used again, by one after the other.
  for (let event = 0; event < 3; event += 1)
    expect(await statusOf(largeEvent(`evt_large_${event}`))).toBe(200);
  const { rows } = await pool.query('select stripe_event_id as id from stripe_webhook_events order by id');
  expect(rows.map(({ id }) => id)).toEqual(['evt_large_0', 'evt_large_1', 'evt_large_2', 'evt_usual']);
});

test('a body that is refused for its own size is counted no further: it is dropped as it comes', async () => {
  const budget = new BodyBudget();
  const watch = (headers: Record<string, string>) => {
    const body = new PassThrough();
    const response = new ServerResponse(new IncomingMessage(new Socket()));
    let isExceeded = false;
    budget.watch({ headers, body, response }, () => {
      isExceeded = true;
    });
    return { body, response, isExceeded: () => isExceeded };
  };
  for (const headers of [
    { 'content-length': String(BODY_BYTES_MAX + 1) },
    { 'transfer-encoding': 'chunked' },
  ]) {
    const { body, isExceeded } = watch(headers);
    for (let sent = 0; sent <= LARGE_BODIES_BYTES_MAX; sent += BODY_BYTES_MAX)
      body.write(Buffer.alloc(BODY_BYTES_MAX));
    body.resume();
    await once(body.end(), 'end');
    expect([headers, isExceeded()]).toEqual([headers, false]);
  }
});
