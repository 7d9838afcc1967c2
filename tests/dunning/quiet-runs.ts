import type { WorkflowHandle } from '@temporalio/client';
import { waitUntil } from '../../sandbox/processes/wait-until.ts';

const LIMIT_MS = 60_000;
const POLL_MS = 10;

/**
 * Resolves when none of the runs has anything to do but to wait.
 *
 * @param options.isIdle the workers' own answer, which spares the server the question while an activity runs
 */
export async function untilQuiet(options: {
  handles: readonly WorkflowHandle[];
  isIdle: () => boolean;
}): Promise<void> {
  const { handles, isIdle } = options;
  for (const handle of handles) {
    await waitUntil({
      what: `${handle.workflowId} only waits`,
      limitMs: LIMIT_MS,
      pollMs: POLL_MS,
      check: async () => isIdle() && (await isQuiet(handle)),
    });
  }
}

async function isQuiet(handle: WorkflowHandle): Promise<boolean> {
  const { activities, hasWorkflowTask } = await openTasks(handle);
  return activities === 0 && !hasWorkflowTask;
}

/** Is there something for a worker to take on? */
export async function hasTask(handle: WorkflowHandle): Promise<boolean> {
  return !(await isQuiet(handle));
}

async function openTasks(handle: WorkflowHandle): Promise<{ activities: number; hasWorkflowTask: boolean }> {
  const { events } = await handle.fetchHistory();
  const activities = new Set<string>();
  let hasWorkflowTask = false;
  for (const event of events ?? []) {
    if (event.activityTaskScheduledEventAttributes) activities.add(String(event.eventId));
    const closed =
      event.activityTaskCompletedEventAttributes ??
      event.activityTaskFailedEventAttributes ??
      event.activityTaskTimedOutEventAttributes ??
      event.activityTaskCanceledEventAttributes;
    if (closed) activities.delete(String(closed.scheduledEventId));
    if (event.workflowTaskScheduledEventAttributes) hasWorkflowTask = true;
    if (event.workflowTaskCompletedEventAttributes) hasWorkflowTask = false;
  }
  return { activities: activities.size, hasWorkflowTask };
}
