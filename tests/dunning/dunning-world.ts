import { Client } from '@temporalio/client';
import type { WorkerOptions } from '@temporalio/worker';
import { afterAll, afterEach, beforeEach, inject } from 'vitest';
import { SEARCH_ATTRIBUTES } from '../../client/contract.ts';
import type { BillingSettings } from '../../sandbox/stripe/billing/billing-settings.ts';
import { startStripeSimulator } from '../../sandbox/stripe/simulator.ts';
import { timeSkippingEnvironment } from '../../sandbox/temporal/time-skipping-environment.ts';
import { createStripe } from '../../stripe/client.ts';
import { useDatabase } from '../database.ts';
import { billingRows, event } from '../db/billing-rows.ts';
import { type RunningWorkers, runWorkers } from '../workflows/start-workflows.ts';
import { ActivityHooks } from './activity-hooks.ts';
import { call, dunningActivities, Settings } from './dunning-activities.ts';
import { DunningRuns } from './dunning-runs.ts';
import { FakeMailServer } from './fake-mail-server.ts';
import { passHeldUp } from './held-up-time.ts';

export type DunningWorld = Awaited<ReturnType<typeof useDunning>>;

/** Stripe retries nothing by itself and ends nothing: what happens is a test's doing. */
const BILLING: Partial<BillingSettings> = {
  retryAfterSeconds: [],
  subscriptionAtEnd: 'past_due',
  draftSeconds: 0,
  upcomingNoticeSeconds: 0,
};

/**
 * Dunning as it is, for one test file: the workflows on a server whose clock skips while `reach` sleeps, with the real
 * activities on a database of the file's own and on Stripe's simulator, which stands still unless a test moves it. The
 * mail server is a fake. Each test has a customer of its own, and its runs end with it.
 */
export async function useDunning() {
  const parts = await startParts();
  const { database, pool, environment, control, stripe, runs, mailServer, hooks, now } = parts;
  const settings = new Settings();
  const wakeDunning = (subscription: string) => runs.wake(subscription);
  const activities = dunningActivities({ database, stripe, mailer: mailServer, wakeDunning, settings });
  const { main, onStripe } = activities;
  const startWorkers = (options: Partial<WorkerOptions>) =>
    runWorkers({
      environment,
      bundle: { codePath: inject('workflowBundlePath') },
      activities: { main: hooks.watch(main), stripe: hooks.watch(onStripe) },
      taskQueue: runs.taskQueue,
      options,
    });
  const running: { options: Partial<WorkerOptions>; workers: RunningWorkers } = {
    options: {},
    workers: await startWorkers({}),
  };
  const rows = billingRows({ database, pool });

  beforeEach(async () => {
    await control.configureBilling(BILLING);
    for (const each of [mailServer, hooks, settings]) each.reset();
  });
  afterEach(() => runs.end());
  afterAll(async () => {
    await running.workers.stop();
    await parts.stop();
  });

  /**
   * What billing sync does for a customer, after events of these invoices.
   *
   * @returns the subscriptions whose dunning it would wake
   */
  const look = async (customer: string, invoices: readonly string[] = []): Promise<string[]> => {
    settings.syncedAt = await now();
    const facts = { eventType: 'invoice.updated', subject: customer };
    await rows.receive(...invoices.map((invoice) => event({ ...facts, objectId: invoice })));
    const { dunned = [] } = await call(onStripe.syncSubject, { subject: customer, only_pending: false });
    return dunned;
  };
  return {
    ...{ pool, stripe, control, mailServer, hooks, settings, runs, main, onStripe, now, look },
    /** The same as `look`, and it wakes them. */
    async sync(customer: string, invoices: readonly string[] = []): Promise<void> {
      for (const subscription of await look(customer, invoices)) await runs.wake(subscription);
      await runs.quiet();
    },
    /** Lets time pass until then; all that was due has happened when it resolves. */
    async reach(at: Date): Promise<void> {
      const restMs = at.getTime() - (await environment.currentTimeMs());
      if (restMs > 0) await environment.sleep(restMs);
      await runs.quiet();
    },
    async restartWorkers(options: Partial<WorkerOptions>): Promise<void> {
      await running.workers.stop();
      running.options = options;
      running.workers = await startWorkers(options);
    },
    /** Lets time pass until then while no worker is there, and starts them again. */
    async withoutWorkers(at: Date): Promise<void> {
      await running.workers.stop();
      await passHeldUp({ environment, at, handles: runs.all() });
      running.workers = await startWorkers(running.options);
      await runs.quiet();
    },
    /** Stripe's own time; what is due there by then happens. */
    stripeReaches: async (at: Date) => void (await control.setTimeOffset(at.getTime())),
  };
}

/** What workers and tests talk to. */
async function startParts() {
  const { database, pool } = await useDatabase();
  const environment = await timeSkippingEnvironment({
    searchAttributes: Object.values(SEARCH_ATTRIBUTES),
    log: () => undefined,
  });
  // Its time is the offset alone.
  const simulator = await startStripeSimulator({ now: () => 0 });
  const now = async () => new Date(await environment.currentTimeMs());
  const hooks = new ActivityHooks();
  return {
    database,
    pool,
    environment,
    control: simulator.control,
    stripe: createStripe({ secretKey: 'sk_test_1', apiBase: simulator.url }),
    // The environment's own client would skip time while a result is awaited.
    runs: new DunningRuns({
      client: new Client({ connection: environment.connection }),
      isIdle: () => hooks.isIdle,
    }),
    hooks,
    mailServer: new FakeMailServer(now),
    now,
    async stop(): Promise<void> {
      await environment.teardown();
      await simulator.close();
    },
  };
}
