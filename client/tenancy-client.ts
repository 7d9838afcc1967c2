import {
  type Client,
  isGrpcServiceError,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { type Checkout, type Purchase, readPurchase } from '../domain/create-tenant-input.ts';
import { Failure } from '../domain/failures.ts';
import { checkoutDigest, sha256Hex } from './checkout-digest.ts';
import {
  CHECKOUT_DIGEST_MEMO,
  type CreateTenantInput,
  type CreateTenantProgress,
  type CreateTenantResult,
  createTenantWorkflowId,
  DEFAULT_TASK_QUEUE,
  QUERIES,
  searchAttributeKey,
  UPDATES,
  WORKFLOW_TYPES,
} from './contract.ts';
import { withinDeadline } from './temporal-unavailable.ts';
import { wakeBillingSync } from './wake-billing-sync.ts';

/** Longer than a healthy server ever takes, shorter than a caller's patience. */
export const CALL_TIMEOUT_MS = 5_000;
/** A query runs in a worker; a replay of a long history takes longer than a call. */
const QUERY_TIMEOUT_MS = 5_000;
/** gRPC status code. */
const INVALID_ARGUMENT = 3;
/** A tenant's row needs Stripe and Postgres; both may have to be waited for. */
const TENANT_TIMEOUT_MS = 60_000;

/** A run of createTenantWorkflow; `joined`: it was there before. */
export type StartedRun = { workflowId: string; runId: string; joined: boolean };
export type CheckoutStart =
  | ({ outcome: 'accepted' } & StartedRun)
  /** The run of this customer began with another checkout. */
  | { outcome: 'conflict'; workflowId: string };
export type RunState = 'running' | 'completed' | 'failed';
export type DescribedRun = { workflowId: string; runId: string; state: RunState };

/** What other services do with tenantry. Every call throws TemporalUnavailable when Temporal is away. */
export type TenancyClient = {
  /**
   * Starts a tenant's creation, or joins the run that the same purchase began. A completed run is joined, a failed
   * one begins anew.
   *
   * @throws Failure InvalidInput, naming every wrong field
   */
  createTenant(input: CreateTenantInput): Promise<StartedRun>;
  /** The same for a checkout over HTTP: its digest is kept, and another checkout of the same customer is a conflict. */
  startCheckout(checkout: Checkout): Promise<CheckoutStart>;
  /**
   * The tenant's id, as soon as its row exists.
   *
   * @throws WorkflowFailedError or WorkflowUpdateFailedError when the run ended without a tenant
   */
  tenantOf(workflowId: string, timeoutMs?: number): Promise<string>;
  /** The steps so far; needs a worker that answers. */
  progressOf(workflowId: string, timeoutMs?: number): Promise<CreateTenantProgress>;
  /** undefined when there is no such run, or when it is of another workflow type. */
  describe(workflowId: string): Promise<DescribedRun | undefined>;
  /** The result of a completed run. */
  resultOf(run: { workflowId: string; runId: string }): Promise<CreateTenantResult>;
  /** Tells a subject's billing sync that there is something in its inbox. */
  wakeBillingSync(subject: string): Promise<void>;
};

/**
 * @param options.client of `@temporalio/client`, with its connection and namespace; stays the caller's to close
 * @param options.taskQueue where the workers listen
 */
export function createTenancyClient(options: { client: Client; taskQueue?: string }): TenancyClient {
  const { client, taskQueue = DEFAULT_TASK_QUEUE } = options;
  const bounded = <Result>(call: () => Promise<Result>, timeoutMs = CALL_TIMEOUT_MS): Promise<Result> =>
    withinDeadline(client, timeoutMs, call);
  return {
    async createTenant(input) {
      const purchase = readPurchase(input);
      const { description, ...run } = await bounded(() => startOrJoin(client, { purchase, taskQueue }));
      if (description && description.type !== WORKFLOW_TYPES.createTenant) {
        throw new Failure('InvalidInput', `${run.workflowId} is the id of another workflow`);
      }
      return run;
    },
    async startCheckout(checkout) {
      const digest = checkoutDigest(checkout);
      const purchase: Purchase = { ...checkout, source: 'nm_store_checkout' };
      const { description, ...run } = await bounded(() =>
        startOrJoin(client, { purchase, taskQueue, digest }),
      );
      return description && !isSameCheckout(description, digest)
        ? { outcome: 'conflict', workflowId: run.workflowId }
        : { outcome: 'accepted', ...run };
    },
    tenantOf: (workflowId, timeoutMs = TENANT_TIMEOUT_MS) =>
      bounded(() => waitForTenant(client, workflowId), timeoutMs),
    progressOf: (workflowId, timeoutMs = QUERY_TIMEOUT_MS) =>
      bounded(
        () => client.workflow.getHandle(workflowId).query<CreateTenantProgress>(QUERIES.progress),
        timeoutMs,
      ),
    async describe(workflowId) {
      const description = await bounded(() => findRun(client, workflowId));
      if (description?.type !== WORKFLOW_TYPES.createTenant) return undefined;
      return { workflowId, runId: description.runId, state: stateOf(description) };
    },
    resultOf: ({ workflowId, runId }) =>
      bounded(
        async () => client.workflow.getHandle(workflowId, runId).result() as Promise<CreateTenantResult>,
      ),
    wakeBillingSync: (subject) => bounded(() => wakeBillingSync(client.workflow, { subject, taskQueue })),
  };
}

type Start = { purchase: Purchase; taskQueue: string; digest?: string };
type Joined = StartedRun & { description?: WorkflowExecutionDescription };

/**
 * Temporal decides between the starters of one id: one starts, the others are refused and look at the run that is
 * there. A run that failed may begin again, because it left nothing behind.
 */
async function startOrJoin(client: Client, { purchase, taskQueue, digest }: Start): Promise<Joined> {
  const workflowId = createTenantWorkflowId(purchase, sha256Hex);
  try {
    const handle = await client.workflow.start(WORKFLOW_TYPES.createTenant, {
      workflowId,
      taskQueue,
      args: [purchase],
      workflowIdConflictPolicy: 'FAIL',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
      // Shown in lists: no name and no e-mail address.
      staticSummary: `Tenant of ${purchase.stripe_customer_id ?? 'a purchase without a Stripe customer'}`,
      typedSearchAttributes: searchAttributesOf(purchase),
      ...(digest !== undefined && { memo: { [CHECKOUT_DIGEST_MEMO]: digest } }),
    });
    return { workflowId, runId: handle.firstExecutionRunId, joined: false };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const description = await client.workflow.getHandle(workflowId).describe();
    return { workflowId, runId: description.runId, joined: true, description };
  }
}

/** A run that a Checkout session or a direct start began has no digest and is joined by any checkout. */
function isSameCheckout(description: WorkflowExecutionDescription, digest: string): boolean {
  const begunBy = description.memo?.[CHECKOUT_DIGEST_MEMO];
  return description.type === WORKFLOW_TYPES.createTenant && (begunBy === undefined || begunBy === digest);
}

/** The update is for a run that goes on; one that is over has its result. */
async function waitForTenant(client: Client, workflowId: string): Promise<string> {
  const handle = client.workflow.getHandle(workflowId);
  try {
    return await handle.executeUpdate<string, []>(UPDATES.tenant);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    const result = (await handle.result()) as CreateTenantResult;
    return result.tenant;
  }
}

async function findRun(
  client: Client,
  workflowId: string,
): Promise<WorkflowExecutionDescription | undefined> {
  try {
    return await client.workflow.getHandle(workflowId).describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError || isRefused(error)) return undefined;
    throw error;
  }
}

/**
 * Temporal answered that it will never do this: an id that is empty or too long, a run that has had all the signals that a
 * run may get.
 */
export function isRefused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return isGrpcServiceError(cause) && cause.code === INVALID_ARGUMENT;
}

function stateOf(description: WorkflowExecutionDescription): RunState {
  switch (description.status.name) {
    case 'COMPLETED':
      return 'completed';
    case 'FAILED':
    case 'CANCELLED':
    case 'TERMINATED':
    case 'TIMED_OUT':
      return 'failed';
    default:
      return 'running';
  }
}

/** Given at the start they cost the history nothing. */
function searchAttributesOf(purchase: Purchase) {
  const { stripe_customer_id: customer, stripe_subscription_id: subscription } = purchase;
  return [
    { key: searchAttributeKey('tenantryState'), value: 'running' },
    ...(customer === undefined ? [] : [{ key: searchAttributeKey('stripeCustomerId'), value: customer }]),
    ...(subscription === undefined
      ? []
      : [{ key: searchAttributeKey('stripeSubscriptionId'), value: subscription }]),
  ];
}
