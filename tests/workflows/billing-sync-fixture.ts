import { type WorkflowHandle, WorkflowNotFoundError } from '@temporalio/client';
import { billingSyncWorkflowId, WORKFLOW_TYPES } from '../../client/contract.ts';
import { wakeBillingSync } from '../../client/wake-billing-sync.ts';
import type { billingSyncWorkflow } from '../../workflows/billing-sync.ts';
import { FakeWorld } from './fake-world.ts';
import type { Workflows } from './start-workflows.ts';

export type SyncFixture = {
  world: FakeWorld;
  subject: string;
  /** As a sweep or an operator starts it, without a signal. */
  start: () => Promise<WorkflowHandle<typeof billingSyncWorkflow>>;
  /** As a webhook does: starts it or signals the run that is there. */
  wake: () => Promise<void>;
  handle: WorkflowHandle<typeof billingSyncWorkflow>;
};

/** The billing sync of a subject of its own; without a name it is a customer. */
export function newSync(
  { client, place, taskQueue }: Workflows,
  subject = `cus_${crypto.randomUUID().replaceAll('-', '')}`,
): SyncFixture {
  const world = new FakeWorld();
  const workflowId = billingSyncWorkflowId(subject);
  place(workflowId, world);
  return {
    world,
    subject,
    start: () =>
      client.workflow.start<typeof billingSyncWorkflow>(WORKFLOW_TYPES.billingSync, {
        workflowId,
        taskQueue,
        args: [{ subject }],
      }),
    async wake() {
      for (;;) {
        try {
          return await wakeBillingSync(client.workflow, { subject, taskQueue });
        } catch (error) {
          // The test server finds the run and signals it in two steps, between which it may end; others do both in one.
          if (!(error instanceof WorkflowNotFoundError)) throw error;
        }
      }
    },
    handle: client.workflow.getHandle<typeof billingSyncWorkflow>(workflowId),
  };
}
