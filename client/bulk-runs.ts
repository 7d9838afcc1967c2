import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowHandleWithFirstExecutionRunId,
  WorkflowIdReusePolicy,
} from '@temporalio/client';
import {
  type ImportCustomersInput,
  importCustomersWorkflowId,
  importSubscriptionWorkflowId,
  type ReconcileBillingInput,
  reconcileBillingWorkflowId,
  searchAttributeKey,
  WORKFLOW_TYPES,
} from './contract.ts';

/** A run that was started, or that was under way already; then it goes on with what it was started with. */
export type BulkRun = { workflowId: string; runId: string; joined: boolean };

/** Starts an import of all customers; one of a task queue runs at a time. */
export function startImport(
  client: Client,
  options: { input: ImportCustomersInput; taskQueue: string },
): Promise<BulkRun> {
  return startOne(client, {
    type: WORKFLOW_TYPES.importCustomers,
    workflowId: importCustomersWorkflowId(options.taskQueue),
    summary: 'Import of customers',
    ...options,
  });
}

/** Starts the import of one subscription for a tenant. */
export function startSubscriptionImport(
  client: Client,
  options: { subscription: string; tenant: string; taskQueue: string },
): Promise<BulkRun> {
  const { subscription, tenant, taskQueue } = options;
  const input: ImportCustomersInput = { one: { subscription, tenant } };
  return startOne(client, {
    type: WORKFLOW_TYPES.importCustomers,
    workflowId: importSubscriptionWorkflowId(subscription),
    summary: 'Import of one subscription',
    input,
    taskQueue,
  });
}

/** Starts a look at whether ours and Stripe's agree; one of a task queue that was asked for by hand runs at a time. */
export function startReconcile(
  client: Client,
  options: { input: ReconcileBillingInput; taskQueue: string },
): Promise<BulkRun> {
  return startOne(client, {
    type: WORKFLOW_TYPES.reconcileBilling,
    workflowId: reconcileBillingWorkflowId(options.taskQueue),
    summary: 'Reconciliation with Stripe',
    ...options,
  });
}

async function startOne(
  client: Client,
  options: { type: string; workflowId: string; summary: string; input: object; taskQueue: string },
): Promise<BulkRun> {
  const { workflowId } = options;
  try {
    const handle: WorkflowHandleWithFirstExecutionRunId = await client.workflow.start(options.type, {
      workflowId,
      taskQueue: options.taskQueue,
      args: [options.input],
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      typedSearchAttributes: [{ key: searchAttributeKey('tenantryState'), value: 'running' }],
      staticSummary: options.summary,
    });
    return { workflowId, runId: handle.firstExecutionRunId, joined: false };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const { runId } = await client.workflow.getHandle(workflowId).describe();
    return { workflowId, runId, joined: true };
  }
}
