import { setTimeout as delay } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { hasTask } from './quiet-runs.ts';

const POLL_MS = 20;

/**
 * Lets time pass while nobody takes tasks. On the test server each task that waits for a worker holds the clock, so that
 * is let go for each, and taken back when the time has passed.
 */
export async function passHeldUp(options: {
  environment: TestWorkflowEnvironment;
  at: Date;
  handles: readonly WorkflowHandle[];
}): Promise<void> {
  const { environment, at, handles } = options;
  const { testService } = environment.connection;
  const held = new Set<string>();
  const passing = { isOver: false };
  const sleeping = environment.sleep(at.getTime() - (await environment.currentTimeMs())).then(() => {
    passing.isOver = true;
  });
  while (!passing.isOver) {
    for (const handle of handles) {
      if (held.has(handle.workflowId) || !(await hasTask(handle))) continue;
      held.add(handle.workflowId);
      await testService?.unlockTimeSkipping({});
    }
    await delay(POLL_MS);
  }
  await sleeping;
  for (const _ of held) await testService?.lockTimeSkipping({});
}
