import type { WorkflowClient } from '@temporalio/client';
import { type BillingSyncInput, billingSyncWorkflowId, SIGNALS, WORKFLOW_TYPES } from './contract.ts';

/** Tells a subject's billing sync that there is something in its inbox, starting it when it isn't running. */
export async function wakeBillingSync(
  client: WorkflowClient,
  options: { subject: string; taskQueue: string },
): Promise<void> {
  const input: BillingSyncInput = { subject: options.subject };
  await client.signalWithStart(WORKFLOW_TYPES.billingSync, {
    workflowId: billingSyncWorkflowId(options.subject),
    taskQueue: options.taskQueue,
    args: [input],
    signal: SIGNALS.wake,
    signalArgs: [],
    staticSummary: `Billing of ${options.subject}`,
  });
}
