import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setInterval } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { useDatabase } from '../database.ts';
import { delivery, eventText } from './bad-input/row.ts';
import { useListeningGateway } from './listening-gateway.ts';
import { answersOf, exchange, open } from './raw-http.ts';

const { pool, url } = await useDatabase();
const { port, connections } = await useListeningGateway(url);

/** The gateway's own limits are 10 s for headers and 15 s for a whole request, looked at each second. */
const NOT_CUT_BEFORE_MS = { headers: 9_500, request: 14_500 };
const BYTE_INTERVAL_MS = 100;
/** Who sends so many at the end a byte at a time is through after this time, or later, unless they are cut before. */
const bytesFor = (ms: number) => ms / BYTE_INTERVAL_MS;

const request = (id: string) => delivery(eventText({ id }))(Math.floor(Date.now() / 1000));
const bodyStart = (bytes: Buffer) => bytes.indexOf('\r\n\r\n') + 4;

async function storedIds(pattern: string): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    'select stripe_event_id as id from stripe_webhook_events where stripe_event_id like $1 order by id',
    [pattern],
  );
  return rows.map(({ id }) => id);
}

/** A byte at a time, for as long as the other side listens. */
async function trickle(socket: Socket, bytes: Buffer, intervalMs = BYTE_INTERVAL_MS): Promise<void> {
  let sent = 0;
  for await (const _ of setInterval(intervalMs)) {
    if (!socket.writable || sent === bytes.length) return;
    socket.write(bytes.subarray(sent, sent + 1));
    sent += 1;
  }
}

/** What a sender gets who sends so much at once and the rest a byte at a time, and after how long. */
async function slowly(bytes: Buffer, atOnce: number): Promise<{ answer: string; afterMs: number }> {
  const socket = await open(port);
  const begun = performance.now();
  const answering = answersOf(socket);
  socket.write(bytes.subarray(0, atOnce));
  const [answers] = await Promise.all([answering, trickle(socket, bytes.subarray(atOnce))]);
  const answer = answers.map(({ status, body }) => `${status} ${JSON.parse(body).detail ?? ''}`).join();
  return { answer, afterMs: performance.now() - begun };
}

const TOO_SLOW = '408 The request took too long to arrive.';

test.concurrent('headers a byte at a time are cut after ten seconds, and nothing is stored', async () => {
  const bytes = request('evt_slow_headers');
  const { answer, afterMs } = await slowly(bytes, bodyStart(bytes) - bytesFor(13_000));
  expect(answer).toBe(TOO_SLOW);
  expect(afterMs).toBeGreaterThan(NOT_CUT_BEFORE_MS.headers);
  expect(await storedIds('evt_slow_headers')).toEqual([]);
});

test.concurrent('a body a byte at a time is cut after fifteen seconds, and nothing is stored', async () => {
  const bytes = request('evt_slow_body');
  const { answer, afterMs } = await slowly(bytes, bytes.length - bytesFor(18_000));
  expect(answer).toBe(TOO_SLOW);
  expect(afterMs).toBeGreaterThan(NOT_CUT_BEFORE_MS.request);
  expect(await storedIds('evt_slow_body')).toEqual([]);
});

test.concurrent('a connection on which nothing comes is cut after ten seconds', async () => {
  const socket = await open(port);
  const begun = performance.now();
  const body = request('evt_slow_beside_nothing');
  const first = await Promise.race([
    answersOf(socket).then(() => 'nothing'),
    slowly(body, body.length - bytesFor(18_000)).then(() => 'a whole request'),
  ]);
  expect(first).toBe('nothing');
  expect(performance.now() - begun).toBeGreaterThan(NOT_CUT_BEFORE_MS.headers);
});

test.concurrent('the second request of a connection has the same time, and the first one its answer', async () => {
  const second = request('evt_slow_second');
  const first = delivery(eventText({ id: 'evt_slow_first' }), { headers: [['connection', 'keep-alive']] });
  const bytes = Buffer.concat([first(Math.floor(Date.now() / 1000)), second]);
  const firstBytes = bytes.length - second.length;
  const { answer, afterMs } = await slowly(bytes, firstBytes + bodyStart(second) - bytesFor(13_000));
  expect(answer).toBe(`200 ,${TOO_SLOW}`);
  expect(afterMs).toBeGreaterThan(NOT_CUT_BEFORE_MS.headers);
  expect(await storedIds('evt_slow_%')).toContain('evt_slow_first');
});

test.concurrent('a sender who is slow but in time is acknowledged', async () => {
  const bytes = request('evt_slow_enough');
  const { answer } = await slowly(bytes, bytes.length - 20);
  expect([answer, await storedIds('evt_slow_enough')]).toEqual(['200 ', ['evt_slow_enough']]);
});

test.concurrent('a hundred slow senders do not keep others from their answers', async () => {
  const slow = await Promise.all(Array.from({ length: 100 }, () => open(port)));
  const bytes = request('evt_slow_beside');
  for (const socket of slow) socket.write(bytes.subarray(0, bodyStart(bytes)));
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => exchange(port, request(`evt_beside_${index}`))),
  );
  expect(answers.flat().map(({ status }) => status)).toEqual(Array(20).fill(200));
  for (const socket of slow) socket.destroy();
});

/** Where a request is cut: within its line, a header's name, a value, before and in the body, before its last byte. */
function cuts(bytes: Buffer): number[] {
  const start = bodyStart(bytes);
  return [1, 10, 33, 60, start - 3, start, start + 1, start + 100, bytes.length - 1];
}

test('I1: a connection that breaks off within a request leaves nothing behind', async () => {
  const bytes = request('evt_cut');
  for (const sent of cuts(bytes)) {
    const socket = await open(port);
    await new Promise((resolve) => socket.write(bytes.subarray(0, sent), resolve));
    socket.resetAndDestroy();
    await once(socket, 'close');
  }
  const [answer] = await exchange(port, request('evt_after_cuts'));
  expect(answer?.status).toBe(200);
  expect(await storedIds('evt_%cut%')).toEqual(['evt_after_cuts']);
});

test('I1: a sender who ends within a request is told that it was none, and nothing is stored', async () => {
  const bytes = request('evt_ended');
  for (const sent of cuts(bytes)) {
    const socket = await open(port);
    const answering = answersOf(socket);
    socket.end(bytes.subarray(0, sent));
    expect((await answering).map(({ status }) => status)).toEqual([400]);
  }
  expect(await storedIds('evt_ended')).toEqual([]);
});

test('connections that broke off are given up', async () => {
  await expect.poll(connections).toBe(0);
});
