import type { Client } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  DefaultLogger,
  Runtime,
  Worker,
  type WorkerOptions,
  type WorkflowBundlePath,
} from '@temporalio/worker';
import { stripeTaskQueue } from '../../client/contract.ts';
import { nameFailures } from '../../worker/failure-interceptor.ts';
import { fakeActivities } from './fake-activities.ts';
import type { FakeWorld } from './fake-world.ts';

/** Failures are what is tested here, they would fill the output. */
const logger = new DefaultLogger('ERROR');

Runtime.install({
  logger,
  telemetryOptions: { logging: { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } },
});

/** Workers of one task queue: workflows with the main activities, and the activities that call Stripe. */
export type RunningWorkers = { taskQueue: string; stop: () => Promise<void> };

export type Workflows = {
  environment: TestWorkflowEnvironment;
  client: Client;
  /** The queue whose workers run as long as the file's tests. */
  taskQueue: string;
  /** Has the activities of a run happen in the world. */
  place: (workflowId: string, world: FakeWorld) => void;
  startWorkers: (taskQueue: string, options?: Partial<WorkerOptions>) => Promise<RunningWorkers>;
};

/**
 * Workers with fake activities on the environment's server.
 *
 * @param options.client what starts and asks; with one of its own a test decides whether time skips
 */
export async function startWorkflows(options: {
  environment: TestWorkflowEnvironment;
  client: Client;
  bundle: WorkflowBundlePath;
  workerOptions?: Partial<WorkerOptions>;
}): Promise<Workflows & { stop: () => Promise<void> }> {
  const { environment, bundle } = options;
  const worlds = new Map<string, FakeWorld>();
  const worldOf = (workflowId: string): FakeWorld => {
    const world = worlds.get(workflowId);
    if (!world) throw new Error(`no world for ${workflowId}`);
    return world;
  };
  const startWorkers = (taskQueue: string, workerOptions: Partial<WorkerOptions> = {}) =>
    runWorkers({
      environment,
      bundle,
      activities: fakeActivities(worldOf),
      taskQueue,
      options: { ...options.workerOptions, ...workerOptions },
    });
  const { taskQueue, stop } = await startWorkers(crypto.randomUUID());
  const place = (workflowId: string, world: FakeWorld) => worlds.set(workflowId, world);
  return { environment, client: options.client, taskQueue, place, startWorkers, stop };
}

/** Starts the workers of a task queue, as the product has them. */
export async function runWorkers(setting: {
  environment: TestWorkflowEnvironment;
  bundle: WorkflowBundlePath;
  activities: { main: object; stripe: object };
  taskQueue: string;
  options: Partial<WorkerOptions>;
}): Promise<RunningWorkers> {
  const { environment, bundle, activities, taskQueue, options } = setting;
  const shared = {
    connection: environment.nativeConnection,
    // Only a test that failed leaves something that runs.
    shutdownForceTime: '5 s',
    interceptors: { activity: [(context) => ({ inbound: nameFailures(context) })] },
    ...options,
  } satisfies Partial<WorkerOptions>;
  const workers = await Promise.all([
    Worker.create({ ...shared, taskQueue, workflowBundle: bundle, activities: activities.main }),
    Worker.create({ ...shared, taskQueue: stripeTaskQueue(taskQueue), activities: activities.stripe }),
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
