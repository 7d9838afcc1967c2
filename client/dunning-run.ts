import { type Client, QueryNotRegisteredError, WorkflowNotFoundError } from '@temporalio/client';
import {
  type DUNNING_UPDATES,
  type DunningOrder,
  type DunningProgress,
  dunningWorkflowId,
  QUERIES,
} from './contract.ts';
import { answeredWithin, withinDeadline } from './temporal-unavailable.ts';
import { wakeDunning } from './wake-dunning.ts';

/** A query runs in a worker, which may have to replay the run first. */
const QUERY_TIMEOUT_MS = 5_000;
/** A command reads and writes rows in a worker; a charge also waits for the bank. */
const ORDER_TIMEOUT_MS = 15_000;

/**
 * How a case stands, as its run knows it.
 *
 * @returns null when the run is gone, or has not looked yet
 * @throws TemporalUnavailable when Temporal is away, or no worker answers in time
 */
export async function dunningProgress(client: Client, subscription: string): Promise<DunningProgress | null> {
  const handle = client.workflow.getHandle(dunningWorkflowId(subscription));
  try {
    return await answeredWithin(client, QUERY_TIMEOUT_MS, () =>
      handle.query<DunningProgress | null>(QUERIES.progress),
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError || error instanceof QueryNotRegisteredError) return null;
    throw error;
  }
}

/** What a command came to; the last two of a charge alone. */
export type DunningOrdered = {
  case_id: string;
  invoice: string | null;
  paid?: boolean;
  decline_code?: string | null;
};

export type OrderDunning = {
  subscription: string;
  name: keyof typeof DUNNING_UPDATES;
  order: DunningOrder;
  /** The same id is carried out once. */
  updateId: string;
  taskQueue: string;
};

/**
 * Sends an operator's command to a case's run; one that is gone is started again.
 *
 * @throws WorkflowUpdateFailedError when it is refused; its cause says why
 * @throws TemporalUnavailable when Temporal is away, or no worker answers in time: it may be carried out all the same
 */
export async function orderDunning(client: Client, options: OrderDunning): Promise<DunningOrdered> {
  try {
    return await order(client, options);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    const { subscription: stripeSubscriptionId, taskQueue } = options;
    await withinDeadline(client, ORDER_TIMEOUT_MS, () =>
      wakeDunning(client.workflow, { stripeSubscriptionId, taskQueue }),
    );
    return order(client, options);
  }
}

async function order(client: Client, options: OrderDunning): Promise<DunningOrdered> {
  const { subscription, name, order: given, updateId } = options;
  const handle = client.workflow.getHandle(dunningWorkflowId(subscription));
  return answeredWithin(client, ORDER_TIMEOUT_MS, () =>
    handle.executeUpdate<DunningOrdered, [DunningOrder]>(name, { args: [given], updateId }),
  );
}
