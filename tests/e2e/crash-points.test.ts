import { afterAll, expect, test } from 'vitest';
import type { ManagedProcess } from '../../sandbox/processes/start-process.ts';
import { HTTP, POSTGRES, POSTGRES_FLUSH, type Point, startStoppingProxy } from './stopping-proxy.ts';
import {
  changeLicenses,
  creationOf,
  deliver,
  executedWrites,
  expectSettled,
  latestSync,
  licensesChanged,
  licensesOf,
  statusOf,
  sweep,
  syncOf,
  syncVersionOf,
} from './stripe-change.ts';
import { until, useSystem } from './system.ts';

/**
 * The system's gateway and worker are replaced by ones that reach Postgres, Temporal and Stripe through proxies, which
 * stop a conversation at a message; then the process is killed, or overtaken. Stripe's events are delivered here, so that
 * each answer is seen.
 */
const system = await useSystem();
const portOf = (url = '') => Number(new URL(url).port);
const between = async (port: number, protocol: typeof HTTP) => {
  const proxy = await startStoppingProxy({ port, protocol });
  afterAll(proxy.close);
  return proxy;
};
const throughPort = (url = '', port: number) => Object.assign(new URL(url), { port: String(port) }).href;

const gatewaysPostgres = await between(system.postgres.port, POSTGRES);
const gatewaysTemporal = await between(portOf(`http://${system.temporal.address}`), HTTP);
const workersPostgres = await between(system.postgres.port, POSTGRES);
const workersStripe = await between(system.simulator.port, HTTP);
await system.simulator.control.holdDeliveries();
await Promise.all([system.gateway.stop(), system.worker.stop()]);
const [gateway, worker] = await Promise.all([
  system.startGateway({
    DATABASE_URL: throughPort(system.env.DATABASE_URL, gatewaysPostgres.port),
    TEMPORAL_ADDRESS: `127.0.0.1:${gatewaysTemporal.port}`,
  }),
  system.startWorker({
    DATABASE_URL: throughPort(system.env.DATABASE_URL, workersPostgres.port),
    STRIPE_API_BASE: throughPort(system.env.STRIPE_API_BASE, workersStripe.port),
  }),
]);

/** The gateway's one statement, by the name of its plan. */
const INSERT = 'insert_webhook_events';
const isInserted: Point['holdFrom'] = ({ from, type, text }) =>
  from === 'server' && type === 'C' && text.startsWith('INSERT');
/** In the transaction that writes a customer's subscriptions. */
const isApplying = (asked: string) => asked.includes('"stripe_subscriptions"');
const isAnswerEnd: Point['holdFrom'] = ({ from, type }) => from === 'server' && type === 'Z';

test('I1: after verify: nothing is stored, nothing was acknowledged, and the next delivery arrives', async () => {
  const change = await licensesChanged(system, 5, 6);
  const reached = gatewaysPostgres.stopAt({
    holdFrom: ({ from, text }) => from === 'client' && text.includes(INSERT),
  });
  const answer = deliver(system, change.event);
  await reached;
  await kill(gateway);
  expect([await answer, await statusOf(system, change.event)]).toEqual(['no answer', 'not stored']);
  gatewaysPostgres.release();
  await gateway.restart();
  expect(await deliver(system, change.event)).toBe(200);
  await expectSettled(system, change);
});

test('I1: after insert, before commit: Postgres undoes it, nothing was acknowledged, and the next delivery arrives', async () => {
  const change = await licensesChanged(system, 5, 7);
  const reached = gatewaysPostgres.stopAt({
    // Sync, which would commit.
    holdFrom: ({ from, type }, asked) => from === 'client' && type === 'S' && asked.includes(INSERT),
    instead: POSTGRES_FLUSH,
    reachedWith: isInserted,
  });
  const answer = deliver(system, change.event);
  await reached;
  await kill(gateway);
  expect([await answer, await statusOf(system, change.event)]).toEqual(['no answer', 'not stored']);
  gatewaysPostgres.release();
  await gateway.restart();
  expect(await deliver(system, change.event)).toBe(200);
  await expectSettled(system, change);
});

test('I1, I2, I3: after commit, before the answer: the row is there once, and the sweep settles it', async () => {
  const change = await licensesChanged(system, 5, 8);
  const reached = gatewaysPostgres.stopAt({
    holdFrom: isInserted,
    reachedWith: (message, asked) => isAnswerEnd(message, asked) && asked.includes(INSERT),
  });
  const answer = deliver(system, change.event);
  await reached;
  await kill(gateway);
  expect([await answer, await statusOf(system, change.event)]).toEqual(['no answer', 'received']);
  gatewaysPostgres.release();
  await gateway.restart();
  expect(await deliver(system, change.event)).toBe(200);
  await sweep(system);
  await expectSettled(system, change);
});

test('I3: after the answer, before the wake: the acknowledged event is found by the sweep', async () => {
  const change = await licensesChanged(system, 5, 9);
  const runBefore = await latestSync(system, change);
  const reached = gatewaysTemporal.stopAt({ holdFrom: ({ from }) => from === 'client' });
  expect(await deliver(system, change.event)).toBe(200);
  await reached;
  await kill(gateway);
  gatewaysTemporal.release();
  expect([await statusOf(system, change.event), await latestSync(system, change)]).toEqual([
    'received',
    runBefore,
  ]);
  await sweep(system);
  await expectSettled(system, change);
  await gateway.restart();
});

test('I3, I4: after the wake, before the apply: gateway and worker die, and the run goes on', async () => {
  const change = await licensesChanged(system, 5, 10);
  const asks = `GET /v1/subscriptions?customer=${change.purchase.stripe_customer_id}`;
  const reached = workersStripe.stopAt({
    holdFrom: ({ from, text }) => from === 'client' && text.includes(asks),
  });
  expect(await deliver(system, change.event)).toBe(200);
  await reached;
  await Promise.all([kill(worker), kill(gateway)]);
  expect([await statusOf(system, change.event), await licensesOf(system, change.purchase)]).toEqual([
    'received',
    5,
  ]);
  workersStripe.release();
  await Promise.all([worker.restart(), gateway.restart()]);
  await expectSettled(system, change);
});

test('I6, I7: Stripe executed, but the answer is lost: one write under one key, and one tenant', async () => {
  const purchase = await system.buy(4);
  const write = `POST /v1/customers/${purchase.stripe_customer_id}`;
  const reached = workersStripe.stopAt({
    holdFrom: ({ from }, asked) => from === 'server' && asked.includes(write),
  });
  expect((await system.checkOut(purchase)).status).toBe(202);
  await reached;
  await kill(worker);
  workersStripe.release();
  await worker.restart();
  const { tenant } = await creationOf(system, purchase).result();
  expect(await executedWrites(system, purchase)).toEqual([expect.any(String)]);
  const customer = await system.stripe.customers.retrieve(purchase.stripe_customer_id);
  expect(customer).toMatchObject({ metadata: { tenant_id: tenant } });
  const tenants = await system.query('select tenant from tenants where email = $1', [purchase.email]);
  expect(tenants).toEqual([{ tenant }]);
});

test('I4: Stripe’s answer received, before the database commit: nothing is half written, and the retry writes it whole', async () => {
  const change = await licensesChanged(system, 5, 11);
  const reached = workersPostgres.stopAt({
    holdFrom: ({ type, text }, asked) => type === 'Q' && text.startsWith('commit') && isApplying(asked),
  });
  expect(await deliver(system, change.event)).toBe(200);
  await reached;
  await kill(worker);
  expect([await statusOf(system, change.event), await licensesOf(system, change.purchase)]).toEqual([
    'received',
    5,
  ]);
  workersPostgres.release();
  await worker.restart();
  await expectSettled(system, change);
});

test('I4: committed, before the activity completes: its retry finds nothing to do, and the run ends', async () => {
  const change = await licensesChanged(system, 5, 12);
  const reached = workersPostgres.stopAt({
    holdFrom: ({ from, text }, asked) => from === 'server' && text.startsWith('COMMIT') && isApplying(asked),
    reachedWith: (message, asked) =>
      isAnswerEnd(message, asked) && isApplying(asked) && asked.includes('commit'),
  });
  expect(await deliver(system, change.event)).toBe(200);
  await reached;
  await kill(worker);
  const version = await syncVersionOf(system, change.purchase);
  expect([await statusOf(system, change.event), await licensesOf(system, change.purchase)]).toEqual([
    'processed',
    12,
  ]);
  workersPostgres.release();
  await worker.restart();
  await syncOf(system, change).result();
  expect(await syncVersionOf(system, change.purchase)).toBe(version);
  await expectSettled(system, change);
});

test('I4: an import that a billing sync overtook writes nothing of what it had read, and reads again', async () => {
  const purchase = await system.buy(5);
  const reached = workersPostgres.stopAt({
    holdFrom: ({ from, text }) => from === 'client' && text.includes('for no key update'),
  });
  expect((await system.checkOut(purchase)).status).toBe(202);
  await reached;
  workersPostgres.release();
  const change = await changeLicenses(system, purchase, 13);
  expect(await deliver(system, change.event)).toBe(200);
  await until('the sync has written', async () => (await statusOf(system, change.event)) === 'processed');
  expect(await licensesOf(system, purchase)).toBe(13);
  workersPostgres.resume();
  expect(await creationOf(system, purchase).result()).toMatchObject({ licensed_user_count: 13 });
  await expectSettled(system, change);
});

async function kill(process: ManagedProcess): Promise<void> {
  process.kill('SIGKILL');
  await process.exited;
}
