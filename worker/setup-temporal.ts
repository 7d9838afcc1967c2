import {
  type Client,
  type Connection,
  ScheduleAlreadyRunning,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import {
  type ReconcileBillingInput,
  SCHEDULE_NAMES,
  type ScheduleName,
  SEARCH_ATTRIBUTES,
  scheduleId,
  WORKFLOW_TYPES,
} from '../client/contract.ts';

/** `INDEXED_VALUE_TYPE_KEYWORD` of Temporal's API. */
const KEYWORD = 2;
/** gRPC status codes. */
const ALREADY_EXISTS = 6;

/** Together with the 30 s that a row waits for its own wake: within a minute nothing is left lying. */
const SWEEP_INTERVAL = '30 s';

/** Of the day in UTC: while little else is going on. */
const RECONCILE_AT = '3 hours';

/** Registers our search attributes in the namespace; what is registered already is left alone. */
export async function registerSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const { operatorService } = connection;
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  const missing = Object.values(SEARCH_ATTRIBUTES).filter((name) => !(name in (customAttributes ?? {})));
  if (missing.length === 0) return;
  const searchAttributes = Object.fromEntries(missing.map((name) => [name, KEYWORD]));
  try {
    await operatorService.addSearchAttributes({ namespace, searchAttributes });
  } catch (error) {
    // Another set-up was faster.
    if (!(error instanceof Error && 'code' in error && error.code === ALREADY_EXISTS)) throw error;
  }
}

/** When a schedule starts what. */
type Schedule = Pick<ScheduleOptions, 'spec' | 'policies'> & {
  workflowType: (typeof WORKFLOW_TYPES)[keyof typeof WORKFLOW_TYPES];
  args: unknown[];
  summary: string;
};

const SCHEDULES: Record<ScheduleName, Schedule> = {
  sweepWebhookEvents: {
    spec: { intervals: [{ every: SWEEP_INTERVAL }] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
    workflowType: WORKFLOW_TYPES.sweepWebhookEvents,
    args: [],
    summary: 'Wakes the billing syncs whose events are due',
  },
  reconcileEvents: {
    spec: { intervals: [{ every: '1 hour' }] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 hour' },
    workflowType: WORKFLOW_TYPES.reconcileBilling,
    args: [{ only: 'events' } satisfies ReconcileBillingInput],
    summary: 'Stripe’s events against the inbox',
  },
  reconcileBilling: {
    spec: { intervals: [{ every: '1 day', offset: RECONCILE_AT }] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 day' },
    workflowType: WORKFLOW_TYPES.reconcileBilling,
    args: [{} satisfies ReconcileBillingInput],
    summary: 'Stripe’s subscriptions, open invoices and prices against ours',
  },
};

/**
 * Creates the schedules, or brings those that are there to what this version says. One that somebody paused stays paused.
 */
export async function ensureSchedules(client: Client, taskQueue: string): Promise<void> {
  for (const name of SCHEDULE_NAMES) await ensureSchedule(client, scheduleOptions(name, taskQueue));
}

async function ensureSchedule(client: Client, schedule: ScheduleOptions): Promise<void> {
  try {
    await client.schedule.create(schedule);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const { scheduleId: id, ...wanted } = schedule;
    await client.schedule.getHandle(id).update((previous) => ({ ...wanted, state: previous.state }));
  }
}

function scheduleOptions(name: ScheduleName, taskQueue: string): ScheduleOptions {
  const { spec, policies, workflowType, args, summary } = SCHEDULES[name];
  const id = scheduleId(name, taskQueue);
  return {
    scheduleId: id,
    spec,
    ...(policies && { policies }),
    action: {
      type: 'startWorkflow',
      workflowType,
      // The server adds the time; two queues of one namespace are swept at the same one.
      workflowId: id,
      taskQueue,
      args,
      staticSummary: summary,
    },
  };
}
