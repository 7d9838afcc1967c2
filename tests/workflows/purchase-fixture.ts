import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import {
  billingSyncWorkflowId,
  type CreateTenantInput,
  type CreateTenantProgress,
  type CreateTenantStep,
  createTenantWorkflowIdOf,
  QUERIES,
  type StepProgress,
  UPDATES,
  WORKFLOW_TYPES,
} from '../../client/contract.ts';
import { waitUntil } from '../../sandbox/processes/wait-until.ts';
import type { createTenantWorkflow } from '../../workflows/create-tenant.ts';
import { FakeWorld } from './fake-world.ts';
import type { Workflows } from './start-workflows.ts';

const WAITING_LIMIT_MS = 40_000;

export type CreateTenantHandle = WorkflowHandleWithFirstExecutionRunId<typeof createTenantWorkflow>;

/** A customer who bought 10 licences, in a world of its own. */
export type PurchaseFixture = {
  world: FakeWorld;
  input: CreateTenantInput & { stripe_customer_id: string; stripe_subscription_id: string };
  workflowId: string;
  start: (
    input?: CreateTenantInput,
    options?: { taskQueue: string; workflowTaskTimeout: '1 s' },
  ) => Promise<CreateTenantHandle>;
};

export function newPurchase(workflows: Workflows): PurchaseFixture {
  const { client, place } = workflows;
  const id = crypto.randomUUID().replaceAll('-', '');
  const input = {
    email: `${id}@customer.example`,
    client_name: 'Customer',
    stripe_customer_id: `cus_${id}`,
    stripe_subscription_id: `sub_${id}`,
  };
  const world = new FakeWorld();
  world.subscriptions.set(input.stripe_subscription_id, 10);
  const workflowId = createTenantWorkflowIdOf(input.stripe_customer_id);
  place(workflowId, world);
  place(billingSyncWorkflowId(input.stripe_customer_id), world);
  return {
    world,
    input,
    workflowId,
    start: (startInput = input, options) =>
      client.workflow.start<typeof createTenantWorkflow>(WORKFLOW_TYPES.createTenant, {
        workflowId,
        taskQueue: workflows.taskQueue,
        args: [startInput],
        ...options,
      }),
  };
}

export async function stepsOf(handle: CreateTenantHandle): Promise<StepProgress[]> {
  return (await handle.query<CreateTenantProgress>(QUERIES.progress)).steps;
}

export async function stepOf(
  handle: CreateTenantHandle,
  name: CreateTenantStep,
): Promise<StepProgress | undefined> {
  return (await stepsOf(handle)).find((step) => step.name === name);
}

/** Resolves when exactly these steps wait for an operator and nothing runs. */
export async function untilWaiting(handle: CreateTenantHandle, ...names: CreateTenantStep[]): Promise<void> {
  await waitUntil({
    what: `${names.join(', ')} wait, all else is over`,
    limitMs: WAITING_LIMIT_MS,
    check: async () => {
      const steps = await stepsOf(handle);
      const waiting = steps.filter((step) => step.state === 'waiting').map((step) => step.name);
      return waiting.join() === names.join() && !steps.some((step) => step.state === 'running');
    },
  });
}

/** What an operator says who has a name and a reason. */
export function command(step: CreateTenantStep) {
  return { step, actor: 'ada', reason: 'looked into it' };
}

/** Sends an operator's update, with whatever is in it. */
export function send(
  handle: CreateTenantHandle,
  update: 'retry' | 'amend' | 'abandon',
  value: object,
): Promise<void> {
  return handle.executeUpdate<void, [object]>(UPDATES[update], { args: [value] });
}
