import { expect, test } from 'vitest';
import { deliverChaotically } from './chaos/chaotic-delivery.ts';
import {
  acknowledgedEvents,
  deliverUntilAcknowledged,
  lastEventsThatNeverArrived,
} from './chaos/last-events.ts';
import { fallDown, kill, type Outages } from './chaos/outages.ts';
import { projection } from './chaos/projection.ts';
import { Store } from './chaos/store.ts';
import { answerBadly } from './chaos/stripe-faults.ts';
import { stripesTruth } from './chaos/stripes-truth.ts';
import { PATIENCE_MS, useSystem } from './system.ts';

const CUSTOMERS = 60;
/** How long it goes on; longer by a variable, at least until each kind of outage has happened. */
const CHAOS_S = Number(process.env.CHAOS_SECONDS ?? 20);
/** The same decisions again by a variable; printed by a failure, because it is part of the test's name. */
const SEED = Number(process.env.SEED ?? 20_270_114);
const REST_MS = 400_000;

const system = await useSystem();

test(
  `I1 I2 I3 I4 I6: after ${CHAOS_S} s in which everything falls down the projection of ${CUSTOMERS} customers equals Stripe (seed ${SEED})`,
  async ({ onTestFailed }) => {
    const story: string[] = [];
    onTestFailed(() => void process.stderr.write(`${['What fell down:', ...story].join('\n  ')}\n`));
    const store = await Store.open({ system, seed: SEED, customers: CUSTOMERS });
    const workers = [system.worker, await system.startWorker()];
    await chaos({ store, workers, story });
    await system.simulator.control.waitUntilIdle({ timeoutMs: PATIENCE_MS });
    expect(await fatesOfDeliveries()).toEqual(['delivered', 'dropped', 'failed']);
    await store.comeToRest();
    await lastOutage(store);

    await expect.poll(unsettled, { timeout: PATIENCE_MS, interval: 200 }).toEqual([]);
    const ours = await projection(system);
    expect(ours).toEqual(await stripesTruth(system, store.customers, ours.invoices));
    expect(await lostEvents()).toEqual([]);
    expect((await projection(system)).tenants).toHaveLength(store.tenants);
  },
  CHAOS_S * 1_000 + REST_MS,
);

/** Resolves when it is over and everything is up. */
async function chaos({
  store,
  ...outages
}: { store: Store } & Pick<Outages, 'workers' | 'story'>): Promise<void> {
  const over = new AbortController();
  const options = { system, seed: SEED, signal: over.signal };
  const parts = await Promise.allSettled([
    fallDown({ ...outages, system, seed: SEED, atLeastMs: CHAOS_S * 1_000 }).finally(() => over.abort()),
    store.live(over.signal),
    deliverChaotically(options),
    answerBadly(options),
  ]);
  for (const part of parts) if (part.status === 'rejected') throw part.reason;
}

/** The last of the changes and events come while Temporal is away, and the gateway dies before it is back. */
async function lastOutage(store: Store): Promise<void> {
  await system.temporal.stop();
  await store.changeOnceMore();
  await system.simulator.control.waitUntilIdle({ timeoutMs: PATIENCE_MS });
  await deliverUntilAcknowledged(system, await lastEventsThatNeverArrived(system));
  await kill(system.gateway);
  await Promise.all([system.temporal.start(), system.gateway.restart()]);
}

/** A run in which nothing went wrong would prove nothing. */
async function fatesOfDeliveries(): Promise<string[]> {
  const attempts = await system.simulator.control.deliveries();
  return [...new Set(attempts.map(({ outcome }) => outcome))].sort();
}

function unsettled(): Promise<object[]> {
  return system.query(
    `select stripe_event_id, event_type, subject, status, status_reason, attempts, last_error
     from stripe_webhook_events where status <> 'processed' limit 20`,
  );
}

/** Acknowledged, but not there, or there twice. */
async function lostEvents(): Promise<string[]> {
  const rows = await system.query<{ id: string }>('select stripe_event_id as id from stripe_webhook_events');
  const stored = new Set<string>();
  const twice = rows
    .filter(({ id }) => stored.size === stored.add(id).size)
    .map(({ id }) => `${id} is there twice`);
  const lost = [...(await acknowledgedEvents(system))].filter((id) => !stored.has(id));
  return [...lost.map((id) => `${id} is lost`), ...twice];
}
