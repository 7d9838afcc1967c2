import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowHandleWithFirstExecutionRunId,
  WorkflowIdReusePolicy,
} from '@temporalio/client';
import {
  IMPORT_UPDATES,
  type ImportCustomersInput,
  type ImportProgress,
  importCustomersWorkflowId,
  importSubscriptionWorkflowId,
  QUERIES,
  type ReconcileBillingInput,
  reconcileBillingWorkflowId,
  searchAttributeKey,
  WORKFLOW_TYPES,
} from './contract.ts';
import { answeredWithin } from './temporal-unavailable.ts';

/** A query runs in a worker, which may have to replay the run first. */
const QUERY_TIMEOUT_MS = 5_000;
/** An order is recorded by an activity before it is answered. */
const ORDER_TIMEOUT_MS = 15_000;
/** In a run's memo: what it was started with. */
const INPUT_MEMO = 'input';

/** A run that was started, or that was under way already; then it goes on with what it was started with. */
export type BulkRun<Input> = {
  workflowId: string;
  runId: string;
  joined: boolean;
  /** What it was started with; undefined for one that was started by other means. */
  input: Input | undefined;
};

/** Starts an import of all customers; one of a task queue runs at a time. */
export function startImport(
  client: Client,
  options: { input: ImportCustomersInput; taskQueue: string },
): Promise<BulkRun<ImportCustomersInput>> {
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
): Promise<BulkRun<ImportCustomersInput>> {
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

/**
 * How far the import is that was started last.
 *
 * @throws WorkflowNotFoundError when there never was one
 * @throws TemporalUnavailable when Temporal is away, or no worker answers in time
 */
export function importProgress(client: Client, workflowId: string): Promise<ImportProgress> {
  const handle = client.workflow.getHandle(workflowId);
  return answeredWithin(client, QUERY_TIMEOUT_MS, () => handle.query<ImportProgress>(QUERIES.progress));
}

/**
 * Pauses an import that is under way, or lets it go on.
 *
 * @throws WorkflowNotFoundError when none is
 * @throws WorkflowUpdateFailedError when it is refused; its cause says why
 * @throws TemporalUnavailable when Temporal is away, or no worker answers in time: it may be carried out all the same
 */
export function orderImport(
  client: Client,
  options: {
    workflowId: string;
    name: keyof typeof IMPORT_UPDATES;
    order: { actor: string; reason: string };
  },
): Promise<ImportProgress> {
  const { workflowId, name, order } = options;
  const handle = client.workflow.getHandle(workflowId);
  return answeredWithin(client, ORDER_TIMEOUT_MS, () =>
    handle.executeUpdate<ImportProgress, [typeof order]>(IMPORT_UPDATES[name], { args: [order] }),
  );
}

/** Starts a look at whether ours and Stripe's agree; one of a task queue that was asked for by hand runs at a time. */
export function startReconcile(
  client: Client,
  options: { input: ReconcileBillingInput; taskQueue: string },
): Promise<BulkRun<ReconcileBillingInput>> {
  return startOne(client, {
    type: WORKFLOW_TYPES.reconcileBilling,
    workflowId: reconcileBillingWorkflowId(options.taskQueue),
    summary: 'Reconciliation with Stripe',
    ...options,
  });
}

async function startOne<Input extends object>(
  client: Client,
  options: { type: string; workflowId: string; summary: string; input: Input; taskQueue: string },
): Promise<BulkRun<Input>> {
  const { workflowId } = options;
  try {
    const handle: WorkflowHandleWithFirstExecutionRunId = await client.workflow.start(options.type, {
      workflowId,
      taskQueue: options.taskQueue,
      args: [options.input],
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      typedSearchAttributes: [{ key: searchAttributeKey('tenantryState'), value: 'running' }],
      staticSummary: options.summary,
      memo: { [INPUT_MEMO]: options.input },
    });
    return { workflowId, runId: handle.firstExecutionRunId, joined: false, input: options.input };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const { runId, memo } = await client.workflow.getHandle(workflowId).describe();
    return { workflowId, runId, joined: true, input: memo?.[INPUT_MEMO] as Input | undefined };
  }
}
