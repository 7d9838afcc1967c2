import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import {
  type BillingSyncInput,
  type BillingSyncResult,
  billingSyncWorkflowId,
  WORKFLOW_TYPES,
} from './contract.ts';
import { withinDeadline } from './temporal-unavailable.ts';

const START_TIMEOUT_MS = 5_000;
/** Live events may begin another run whenever one has ended. */
const STARTS_MAX = 10;

/**
 * Has a subject brought in line with Stripe whatever its inbox says, and waits for it. A start without a signal asks for
 * that; a run that is there already may be past its look, so its end is waited for.
 *
 * @param options.onRunning is told when a run is there already
 * @throws WorkflowFailedError when the sync failed for good
 */
export async function runBillingSync(
  client: Client,
  options: { subject: string; taskQueue: string; onRunning: () => void },
): Promise<BillingSyncResult> {
  const { subject, taskQueue, onRunning } = options;
  const workflowId = billingSyncWorkflowId(subject);
  const input: BillingSyncInput = { subject };
  for (let start = 0; start < STARTS_MAX; start += 1) {
    try {
      const handle = await withinDeadline(client, START_TIMEOUT_MS, () =>
        client.workflow.start(WORKFLOW_TYPES.billingSync, {
          workflowId,
          taskQueue,
          args: [input],
          workflowIdConflictPolicy: 'FAIL',
          staticSummary: `Billing of ${subject}`,
        }),
      );
      return (await handle.result()) as BillingSyncResult;
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      onRunning();
      await untilEnded(client, workflowId);
    }
  }
  throw new Error(`${workflowId} was running each of ${STARTS_MAX} times`);
}

/** However it ends. */
async function untilEnded(client: Client, workflowId: string): Promise<void> {
  try {
    await client.workflow.getHandle(workflowId).result();
  } catch (error) {
    if (!(error instanceof WorkflowFailedError || error instanceof WorkflowNotFoundError)) throw error;
  }
}
