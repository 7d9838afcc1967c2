import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  bundleWorkflowCode,
  DefaultLogger,
  Runtime,
  Worker,
  type WorkerOptions,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { afterAll } from 'vitest';
import { SEARCH_ATTRIBUTES, stripeTaskQueue } from '../../client/contract.ts';
import { timeSkippingEnvironment } from '../../sandbox/temporal/time-skipping-environment.ts';
import { nameFailures } from '../../worker/failure-interceptor.ts';
import { fakeActivities } from './fake-activities.ts';
import type { FakeWorld } from './fake-world.ts';

const WORKFLOWS_PATH = fileURLToPath(new URL('../../workflows/index.ts', import.meta.url));
/** Failures are what is tested here, they would fill the output. */
const logger = new DefaultLogger('ERROR');

/** Workers of one task queue: workflows with the main activities, and the activities that call Stripe. */
export type RunningWorkers = { taskQueue: string; stop: () => Promise<void> };

export type Workflows = {
  environment: TestWorkflowEnvironment;
  client: Client;
  bundle: WorkflowBundleWithSourceMap;
  /** The queue whose workers run as long as the file's tests. */
  taskQueue: string;
  /** Has the activities of a run happen in the world. */
  place: (workflowId: string, world: FakeWorld) => void;
  startWorkers: (taskQueue: string, options?: Partial<WorkerOptions>) => Promise<RunningWorkers>;
};

/** @returns the workflow code as a worker loads it */
export async function bundleWorkflows(workflowsPath = WORKFLOWS_PATH): Promise<WorkflowBundleWithSourceMap> {
  Runtime.install({
    logger,
    telemetryOptions: { logging: { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } },
  });
  return bundleWorkflowCode({ workflowsPath, logger });
}

/**
 * A test server and workers with fake activities for one test file; all of it ends after the file.
 *
 * @param options.clock `skips`: while a result is awaited the clock jumps from timer to timer, and past the end of the
 * run by 10 years, so nothing else may be under way then; `ticks`: an ordinary clock
 */
export async function useWorkflows({ clock }: { clock: 'skips' | 'ticks' }): Promise<Workflows> {
  const bundling = bundleWorkflows();
  const environment = await timeSkippingEnvironment({
    searchAttributes: Object.values(SEARCH_ATTRIBUTES),
    log: () => undefined,
  });
  const bundle = await bundling;
  const worlds = new Map<string, FakeWorld>();
  const worldOf = (workflowId: string): FakeWorld => {
    const world = worlds.get(workflowId);
    if (!world) throw new Error(`no world for ${workflowId}`);
    return world;
  };
  const startWorkers = (taskQueue: string, options: Partial<WorkerOptions> = {}) =>
    runWorkers({ environment, bundle, worldOf, taskQueue, options });
  const shared = await startWorkers(crypto.randomUUID());
  afterAll(async () => {
    await shared.stop();
    await environment.teardown();
  });
  return {
    environment,
    client: clock === 'skips' ? environment.client : new Client({ connection: environment.connection }),
    bundle,
    taskQueue: shared.taskQueue,
    place: (workflowId, world) => worlds.set(workflowId, world),
    startWorkers,
  };
}

async function runWorkers(setting: {
  environment: TestWorkflowEnvironment;
  bundle: WorkflowBundleWithSourceMap;
  worldOf: (workflowId: string) => FakeWorld;
  taskQueue: string;
  options: Partial<WorkerOptions>;
}): Promise<RunningWorkers> {
  const { environment, bundle, worldOf, taskQueue, options } = setting;
  const { main, stripe } = fakeActivities(worldOf);
  const shared = {
    connection: environment.nativeConnection,
    // Only a test that failed leaves something that runs.
    shutdownForceTime: '5 s',
    interceptors: { activity: [(context) => ({ inbound: nameFailures(context) })] },
    ...options,
  } satisfies Partial<WorkerOptions>;
  const workers = await Promise.all([
    Worker.create({ ...shared, taskQueue, workflowBundle: bundle, activities: main }),
    Worker.create({ ...shared, taskQueue: stripeTaskQueue(taskQueue), activities: stripe }),
  ]);
  const running = Promise.allSettled(workers.map((worker) => worker.run()));
  return {
    taskQueue,
    async stop() {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await running;
    },
  };
}
