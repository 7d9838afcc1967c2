import {
  type Client,
  type Connection,
  ScheduleAlreadyRunning,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import { SEARCH_ATTRIBUTES, WORKFLOW_TYPES } from '../client/contract.ts';

/** `INDEXED_VALUE_TYPE_KEYWORD` of Temporal's API. */
const KEYWORD = 2;
/** gRPC status codes. */
const ALREADY_EXISTS = 6;

/** Together with the 30 s that a row waits for its own wake: within a minute nothing is left lying. */
const SWEEP_INTERVAL = '30 s';

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

/**
 * Creates the schedules, or brings those that are there to what this version says. One that somebody paused stays paused.
 */
export async function ensureSchedules(client: Client, taskQueue: string): Promise<void> {
  const sweep: ScheduleOptions = {
    scheduleId: `sweep-webhook-events-${taskQueue}`,
    spec: { intervals: [{ every: SWEEP_INTERVAL }] },
    action: {
      type: 'startWorkflow',
      workflowType: WORKFLOW_TYPES.sweepWebhookEvents,
      // The server adds the time; two queues of one namespace are swept at the same one.
      workflowId: `sweep-webhook-events-${taskQueue}`,
      taskQueue,
      args: [],
      staticSummary: 'Wakes the billing syncs whose events are due',
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
  };
  try {
    await client.schedule.create(sweep);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const { scheduleId, ...wanted } = sweep;
    await client.schedule.getHandle(scheduleId).update((previous) => ({ ...wanted, state: previous.state }));
  }
}
