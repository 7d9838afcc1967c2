import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../sandbox/processes/free-port.ts';
import { type ManagedProcess, startProcess } from '../../sandbox/processes/start-process.ts';
import { useDatabase } from '../database.ts';
import { useSetUpTemporal } from '../temporal.ts';
import { delivery, eventText } from './bad-input/row.ts';
import { API_KEY, SNAPSHOT_SECRET, signature, subscriptionEvent } from './fake-gateway.ts';
import { answersOf, open } from './raw-http.ts';

const { pool, url: databaseUrl } = await useDatabase();
const temporal = await useSetUpTemporal();
const NOBODY = '127.0.0.1:1';

let server: ManagedProcess | undefined;
afterEach(async () => void (await server?.stop()));

async function startServer(environment: Record<string, string | undefined>) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  server = await startProcess({
    name: 'gateway',
    run: { script: 'webhook-gateway/server.ts' },
    env: {
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: NOBODY,
      STRIPE_SECRET_KEY: 'sk_test_1',
      STRIPE_WEBHOOK_SECRET: SNAPSHOT_SECRET,
      STRIPE_WEBHOOK_SECRET_THIN: '',
      CHECKOUT_API_KEYS: API_KEY,
      HOST: '127.0.0.1',
      PORT: String(port),
      LOG_LEVEL: 'debug',
      ...environment,
    },
    readyWhen: { url: `${url}/health/live` },
    stopLimitMs: 30_000,
  });
  return { url, server };
}

function deliver(url: string, id: string): Promise<Response> {
  const body = JSON.stringify(subscriptionEvent({ id }));
  const nowS = Math.floor(Date.now() / 1000);
  return fetch(`${url}/webhooks/stripe`, {
    method: 'POST',
    body,
    headers: { 'stripe-signature': signature(body, SNAPSHOT_SECRET, nowS) },
  });
}

function checkOut(url: string): Promise<Response> {
  return fetch(`${url}/checkouts`, {
    method: 'POST',
    body: JSON.stringify({ email: 'ada@example.com', client_name: 'Ada' }),
    headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
    // The gateway's own limit is 5 s.
    signal: AbortSignal.timeout(20_000),
  });
}

/** Stands before a server, and breaks the first connection off. */
async function breakingProxy(address: string) {
  const [host = '', port] = address.split(':');
  const sockets = new Set<Socket>();
  let hasBroken = false;
  const server = createServer((client) => {
    if (!hasBroken) {
      hasBroken = true;
      client.destroy();
      return;
    }
    const upstream = connect(Number(port), host);
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => undefined));
    client.pipe(upstream).pipe(client);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, broken: () => hasBroken };
}

/** Resolves when nobody can connect any more, so the stop is under way. */
async function refusesConnections(url: string): Promise<void> {
  const state = () =>
    fetch(url).then(
      () => 'open',
      () => 'closed',
    );
  await expect.poll(state).toBe('closed');
}

test('I1: SIGTERM finishes what was accepted: the event is committed and answered, then the process ends', async () => {
  const { url, server } = await startServer({});
  const holder = await pool.connect();
  await holder.query('begin; lock table stripe_webhook_events in exclusive mode');
  const answering = deliver(url, 'evt_drain');
  const waiting = async () =>
    (
      await pool.query(`select 1 from pg_stat_activity where datname = current_database()
       and application_name = 'tenantry gateway' and wait_event_type = 'Lock'`)
    ).rowCount;
  await expect.poll(waiting).toBe(1);
  server.kill('SIGTERM');
  await refusesConnections(url);
  await holder.query('commit');
  holder.release();
  const answer = await answering;
  expect([answer.status, await answer.json()]).toEqual([200, { received: true }]);
  expect((await server.exited).code).toBe(0);
  const stored = await pool.query(
    "select subject from stripe_webhook_events where stripe_event_id = 'evt_drain'",
  );
  expect(stored.rows).toEqual([{ subject: 'cus_1' }]);
  expect(server.output().join('\n')).not.toMatch(/whsec_|v1=|store-key|sk_test/);
});

test('a request whose headers were under way when SIGTERM came is served, and is its connection’s last', async () => {
  const { url, server } = await startServer({});
  const request = delivery(eventText({ id: 'evt_under_way' }), { headers: [['connection', 'keep-alive']] });
  const bytes = request(Math.floor(Date.now() / 1000));
  const withinHeaders = bytes.indexOf('\r\n') + 5;
  const socket = await open(Number(new URL(url).port));
  const answering = answersOf(socket);
  socket.write(bytes.subarray(0, withinHeaders));
  // Connections are accepted in order: when this is answered, the gateway has the other one.
  await fetch(`${url}/health/live`);
  server.kill('SIGTERM');
  await refusesConnections(url);
  socket.write(bytes.subarray(withinHeaders));
  const [answer] = await answering;
  expect([answer?.status, answer?.headers.get('connection')]).toEqual([200, 'close']);
  expect(await server.exited).toEqual({ code: 0, signal: null });
});

test('a request that never comes whole does not keep the process from stopping in good order', async () => {
  const { url, server } = await startServer({});
  const socket = await open(Number(new URL(url).port));
  const bytes = delivery(eventText({ id: 'evt_never_whole' }))(Math.floor(Date.now() / 1000));
  socket.write(bytes.subarray(0, -1));
  // Connections are accepted in order: when this is answered, the gateway has the other one.
  await fetch(`${url}/health/live`);
  server.kill('SIGTERM');
  expect(await server.exited).toEqual({ code: 0, signal: null });
});

test('a Postgres that hangs does not keep the process from stopping', async () => {
  const { url, server } = await startServer({});
  expect((await deliver(url, 'evt_before_hang')).status).toBe(200);
  const { rows: backends } = await pool.query<{ pid: number }>(
    "select pid from pg_stat_activity where datname = current_database() and application_name = 'tenantry gateway'",
  );
  expect(backends).not.toHaveLength(0);
  for (const { pid } of backends) process.kill(pid, 'SIGSTOP');
  try {
    server.kill('SIGTERM');
    expect(await server.exited).toEqual({ code: 0, signal: null });
  } finally {
    for (const { pid } of backends) process.kill(pid, 'SIGCONT');
  }
});

test('it starts without Temporal and takes events; checkouts get 503 with Retry-After', async () => {
  const { url } = await startServer({});
  expect((await deliver(url, 'evt_no_temporal')).status).toBe(200);
  const ready = await fetch(`${url}/health/ready`);
  expect([ready.status, await ready.json()]).toEqual([
    200,
    { status: 'ready', checks: { postgres: 'up', temporal: 'down' } },
  ]);
  const answer = await checkOut(url);
  expect([answer.status, Number(answer.headers.get('retry-after'))]).toEqual([503, 5]);
});

test('a checkout outlives a connection to Temporal that breaks', async () => {
  const breaking = await breakingProxy(temporal.address);
  const { url } = await startServer({ ...temporal.env, TEMPORAL_ADDRESS: breaking.address });
  expect((await checkOut(url)).status).toBe(202);
  expect(breaking.broken()).toBe(true);
});

test('it starts without Postgres, is not ready, and answers events with 503 and Retry-After', async () => {
  const { url } = await startServer({ DATABASE_URL: `postgres://nobody:x@${NOBODY}/none` });
  expect((await fetch(`${url}/health/ready`)).status).toBe(503);
  const answer = await deliver(url, 'evt_no_postgres');
  expect([answer.status, Number(answer.headers.get('retry-after'))]).toEqual([503, 5]);
});

test('an environment that is not usable is told in one message, with exit code 1', async () => {
  const starting = startServer({
    DATABASE_URL: 'mysql://x',
    STRIPE_WEBHOOK_SECRET: '',
    CHECKOUT_API_KEYS: 'short',
  });
  await expect(starting).rejects.toThrow(/"code":1/);
  await expect(starting).rejects.toThrow(
    /DATABASE_URL must[\s\S]*STRIPE_WEBHOOK_SECRET is missing[\s\S]*CHECKOUT_API_KEYS/,
  );
});
