import { type ActivityOptions, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Activities, StripeActivities } from '../activities/create-activities.ts';
import { stripeTaskQueue } from '../client/contract.ts';

/**
 * Tried again without end: what passes by itself is waited for, visibly, as a pending activity with its last error;
 * what can't pass is told by the failure's name (`domain/failures.ts`) and ends at once.
 */
const RETRY = { initialInterval: '500 ms', backoffCoefficient: 2, maximumInterval: '30 s' } as const;

/** A worker that was silent for this long is dead, and another one does its work. The worker beats every 3 s. */
const HEARTBEAT_TIMEOUT = '10 s';

/** Above the statement limit of the database and the silence limit of the mail server. */
const OPTIONS: ActivityOptions = {
  startToCloseTimeout: '45 s',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  retry: RETRY,
};

/** A customer with many subscriptions takes several requests of up to 15 s each. */
const STRIPE_OPTIONS: ActivityOptions = { ...OPTIONS, startToCloseTimeout: '2 min' };

/** Most urgent first on the rate-limited queue: live events and provisioning come before everything else. */
const LIVE_PRIORITY = { priorityKey: 1 };

/**
 * Activities on the workflow's own queue: Postgres, mail, Temporal.
 *
 * @param summary one line for the Temporal UI, without personal data
 */
export function activities(summary: string) {
  return proxyActivities<Activities>({ ...OPTIONS, summary });
}

/** Activities on the queue of those that call Stripe. */
export function stripeActivities(summary: string, priority: ActivityOptions['priority'] = LIVE_PRIORITY) {
  return proxyActivities<StripeActivities>({
    ...STRIPE_OPTIONS,
    summary,
    taskQueue: stripeTaskQueue(workflowInfo().taskQueue),
    priority,
  });
}

/** Dunning has days; whatever a customer waits for goes first. */
export const DUNNING_PRIORITY = { priorityKey: 3 };

/** Imports and reconciles ask for much, and nobody waits for the single answer. */
export const BULK_PRIORITY = { priorityKey: 5 };
