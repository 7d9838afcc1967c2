import { readFileSync } from 'node:fs';
import { type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { createActivities, createStripeActivities } from '../activities/create-activities.ts';
import type { ActivityDependencies } from '../activities/dependencies.ts';
import { stripeTaskQueue } from '../client/contract.ts';
import type { Config } from '../config.ts';
import { nameFailures } from './failure-interceptor.ts';
import { beatHearts } from './heartbeat-interceptor.ts';
import { WORKFLOW_SOURCE } from './workflow-source.ts';

/** Activities under way at a stop may finish for this long; what is left is cut and tried again elsewhere. */
const SHUTDOWN_GRACE_TIME = '20 s';
const SHUTDOWN_FORCE_TIME = '25 s';
/** How long a workflow waits for the worker that knew it last before any other may take it. */
const STICKY_TIMEOUT = '5 s';
const ACTIVITIES_AT_ONCE_MAX = 40;
/** Requests wait for Stripe, not for us; the rate is limited by the server. */
const STRIPE_ACTIVITIES_AT_ONCE_MAX = 20;

/**
 * The worker of workflows and of the activities on Postgres, mail and Temporal, and the one of the activities that call
 * Stripe, whose task queue the server limits over all processes. One process runs both unless `WORKER_ROLES` says
 * otherwise.
 */
export async function createWorkers(options: {
  connection: NativeConnection;
  config: Config<'worker'>;
  dependencies: ActivityDependencies;
}): Promise<Worker[]> {
  const { connection, config, dependencies } = options;
  const shared: Omit<WorkerOptions, 'taskQueue'> = {
    connection,
    ...(config.temporal.namespace !== undefined && { namespace: config.temporal.namespace }),
    shutdownGraceTime: SHUTDOWN_GRACE_TIME,
    shutdownForceTime: SHUTDOWN_FORCE_TIME,
    stickyQueueScheduleToStartTimeout: STICKY_TIMEOUT,
    interceptors: {
      activity: [
        (context) => ({ inbound: beatHearts(context) }),
        (context) => ({ inbound: nameFailures(context) }),
      ],
    },
    ...versioning(config),
  };
  const workers: Promise<Worker>[] = [];
  if (config.WORKER_ROLES.includes('workflows')) {
    workers.push(
      Worker.create({
        ...shared,
        ...WORKFLOW_SOURCE,
        taskQueue: config.TASK_QUEUE,
        activities: createActivities(dependencies),
        maxConcurrentActivityTaskExecutions: ACTIVITIES_AT_ONCE_MAX,
      }),
    );
  }
  if (config.WORKER_ROLES.includes('stripe')) {
    workers.push(
      Worker.create({
        ...shared,
        taskQueue: stripeTaskQueue(config.TASK_QUEUE),
        activities: createStripeActivities(dependencies),
        maxConcurrentActivityTaskExecutions: STRIPE_ACTIVITIES_AT_ONCE_MAX,
        maxTaskQueueActivitiesPerSecond: config.STRIPE_MAX_REQUESTS_PER_SECOND,
      }),
    );
  }
  return Promise.all(workers);
}

/** With versioning on, running workflows move to the new version at their next task; `patched` guards what differs. */
function versioning(config: Config<'worker'>): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  if (!config.WORKER_VERSIONING) return {};
  const version = { deploymentName: config.TASK_QUEUE, buildId: packageVersion() };
  return {
    workerDeploymentOptions: {
      version,
      useWorkerVersioning: true,
      defaultVersioningBehavior: 'AUTO_UPGRADE',
    },
  };
}

function packageVersion(): string {
  // Beside the sources and beside dist/ alike.
  for (const candidate of ['../package.json', '../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(candidate, import.meta.url), 'utf8'));
      if (name === 'tenantry') return version;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  throw new Error('package.json was not found beside the worker');
}
