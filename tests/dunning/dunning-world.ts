import { Client } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger, type WorkerOptions } from '@temporalio/worker';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeEach, inject } from 'vitest';
import { createActivities, createStripeActivities } from '../../activities/create-activities.ts';
import type { ActivityDependencies } from '../../activities/dependencies.ts';
import { type DunningPolicyFile, readDunningPolicyFile } from '../../activities/dunning-policy-file.ts';
import { createMailRenderer } from '../../activities/mail-templates.ts';
import { createActivityMetrics } from '../../activities/metrics.ts';
import { dunningWorkflowId, SEARCH_ATTRIBUTES } from '../../client/contract.ts';
import { wakeDunning } from '../../client/wake-dunning.ts';
import type { BillingSettings } from '../../sandbox/stripe/billing/billing-settings.ts';
import { startStripeSimulator } from '../../sandbox/stripe/simulator.ts';
import { timeSkippingEnvironment } from '../../sandbox/temporal/time-skipping-environment.ts';
import { createStripe } from '../../stripe/client.ts';
import type { dunningWorkflow } from '../../workflows/dunning.ts';
import { MASTER_BILLING_TENANT_ID, useDatabase } from '../database.ts';
import { billingRows, event } from '../db/billing-rows.ts';
import { runWorkers } from '../workflows/start-workflows.ts';
import { ActivityHooks } from './activity-hooks.ts';
import { FakeMailServer } from './fake-mail-server.ts';
import { passHeldUp } from './held-up-time.ts';
import { untilQuiet } from './quiet-runs.ts';

export type DunningWorld = Awaited<ReturnType<typeof useDunning>>;

const QUIET = new DefaultLogger('ERROR');

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
export async function useDunning({ workerOptions = {} }: { workerOptions?: Partial<WorkerOptions> } = {}) {
  const { database, pool } = await useDatabase();
  const environment = await timeSkippingEnvironment({
    searchAttributes: Object.values(SEARCH_ATTRIBUTES),
    log: () => undefined,
  });
  // Its time is the offset alone.
  const simulator = await startStripeSimulator({ now: () => 0 });
  const { control } = simulator;
  // The environment's own client would skip time while a result is awaited.
  const client = new Client({ connection: environment.connection });
  const now = async () => new Date(await environment.currentTimeMs());
  const mailServer = new FakeMailServer(now);
  const hooks = new ActivityHooks();
  const taskQueue = crypto.randomUUID();
  const runs = new Set<string>();
  const run = (subscription: string) =>
    client.workflow.getHandle<typeof dunningWorkflow>(dunningWorkflowId(subscription));
  const wake = async (subscription: string) => {
    runs.add(subscription);
    await wakeDunning(client.workflow, { stripeSubscriptionId: subscription, taskQueue });
  };
  const builtIn = readDunningPolicyFile();
  /** What changes from test to test. */
  const settings: { policy: DunningPolicyFile; syncedAt: Date } = { policy: builtIn, syncedAt: new Date(0) };
  const dependencies: ActivityDependencies = {
    database,
    stripe: createStripe({ secretKey: 'sk_test_1', apiBase: simulator.url }),
    mailer: mailServer,
    mailRenderer: createMailRenderer(),
    wakeBillingSync: async () => undefined,
    wakeDunning: wake,
    get dunningPolicy() {
      return settings.policy;
    },
    licensePrices: 'any',
    billingTenant: MASTER_BILLING_TENANT_ID,
    appUrl: 'https://app.example.com',
    now: () => settings.syncedAt,
    randomBytes: (count) => Buffer.alloc(count, 7),
    log: pino({ level: 'silent' }),
    metrics: createActivityMetrics(new Registry()),
  };
  const main = createActivities(dependencies);
  const onStripe = createStripeActivities(dependencies);
  const startWorkers = () =>
    runWorkers({
      environment,
      bundle: { codePath: inject('workflowBundlePath') },
      activities: { main: hooks.watch(main), stripe: hooks.watch(onStripe) },
      taskQueue,
      options: workerOptions,
    });
  const running = { workers: await startWorkers() };
  const rows = billingRows({ database, pool });

  beforeEach(async () => {
    await control.configureBilling(BILLING);
    mailServer.reset();
    hooks.reset();
    settings.policy = builtIn;
  });
  afterEach(async () => {
    for (const subscription of runs) await end(run(subscription));
    runs.clear();
  });
  afterAll(async () => {
    await running.workers.stop();
    await environment.teardown();
    await simulator.close();
  });

  return {
    environment,
    client,
    pool,
    stripe: dependencies.stripe,
    control,
    mailServer,
    hooks,
    settings,
    main,
    onStripe,
    now,
    run,
    wake,
    /** Resolves when no run has anything to do but to wait. */
    quiet: () => untilQuiet([...runs].map(run)),
    /** Lets time pass until then; all that was due has happened when it resolves. */
    async reach(at: Date): Promise<void> {
      const restMs = at.getTime() - (await environment.currentTimeMs());
      if (restMs > 0) await environment.sleep(restMs);
      await untilQuiet([...runs].map(run));
    },
    /** Stripe's own time; what is due there by then happens. */
    stripeReaches: async (at: Date) => void (await control.setTimeOffset(at.getTime())),
    /** Runs an activity as the workers do, but now and here. */
    call: <Input, Result>(activity: (input: Input) => Promise<Result>, input: Input): Promise<Result> =>
      new MockActivityEnvironment({}, { logger: QUIET }).run(activity, input),
    /**
     * What billing sync does for a customer, after events of these invoices.
     *
     * @returns the subscriptions whose dunning it would wake
     */
    async look(customer: string, invoices: readonly string[] = []): Promise<string[]> {
      settings.syncedAt = await now();
      const facts = { eventType: 'invoice.updated', subject: customer };
      await rows.receive(...invoices.map((invoice) => event({ ...facts, objectId: invoice })));
      const { dunned = [] } = await this.call(onStripe.syncSubject, {
        subject: customer,
        only_pending: false,
      });
      return dunned;
    },
    /** The same, and wakes them as it does. */
    async sync(customer: string, invoices: readonly string[] = []): Promise<void> {
      for (const subscription of await this.look(customer, invoices)) await wake(subscription);
      await this.quiet();
    },
    /** Lets time pass until then while no worker is there. */
    async withoutWorkers(at: Date): Promise<void> {
      await running.workers.stop();
      await passHeldUp({ environment, at, handles: [...runs].map(run) });
      running.workers = await startWorkers();
    },
  };
}

/** Ends a run that a test leaves, so that no later one waits for its timers. */
async function end(handle: {
  describe: () => Promise<{ status: { name: string } }>;
  terminate: () => Promise<unknown>;
}) {
  const { status } = await handle.describe();
  if (status.name === 'RUNNING') await handle.terminate();
}
