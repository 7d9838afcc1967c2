import type { WorkflowClient } from '@temporalio/client';
import { type DunningInput, dunningWorkflowId, SIGNALS, WORKFLOW_TYPES } from './contract.ts';

/** Tells a subscription's dunning that something changed, starting it when it isn't running. */
export async function wakeDunning(
  client: WorkflowClient,
  options: { stripeSubscriptionId: string; taskQueue: string },
): Promise<void> {
  const input: DunningInput = { stripe_subscription_id: options.stripeSubscriptionId };
  await client.signalWithStart(WORKFLOW_TYPES.dunning, {
    workflowId: dunningWorkflowId(options.stripeSubscriptionId),
    taskQueue: options.taskQueue,
    args: [input],
    signal: SIGNALS.wake,
    signalArgs: [],
    staticSummary: `Dunning of ${options.stripeSubscriptionId}`,
  });
}
