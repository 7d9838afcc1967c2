import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ChildWorkflowCancellationType,
  ContinueAsNew,
  continueAsNew,
  defineSignal,
  isCancellation,
  ParentClosePolicy,
  patched,
  setCurrentDetails,
  setHandler,
  startChild,
  WorkflowIdReusePolicy,
  workflowInfo,
} from '@temporalio/workflow';
import type { SyncRound } from '../activities/sync-round.ts';
import {
  type BillingSyncInput,
  type BillingSyncResult,
  createTenantWorkflowIdOf,
  SIGNALS,
} from '../client/contract.ts';
import { stripeCustomerIdSchema } from '../domain/ids.ts';
import { activities, stripeActivities } from './activities.ts';
import { createTenantWorkflow } from './create-tenant.ts';
import { rootFailure } from './operated-steps.ts';
import { showRunState } from './run-state.ts';

/** A signal, because its sender only tells that there is something in the inbox and waits for nothing. */
const wakeSignal = defineSignal(SIGNALS.wake);

/**
 * Brings one subject's billing in line with Stripe, round by round, until its inbox is drained, and ends. A signal that
 * comes while a round runs makes one more round if anything is left; one that comes in the instant of completion is
 * delivered to the same run by the server, so nothing is guarded here.
 *
 * @throws ApplicationFailure the name of what failed for good; the noted events carry it too
 */
export async function billingSyncWorkflow({ subject }: BillingSyncInput): Promise<BillingSyncResult> {
  let woken = false;
  setHandler(wakeSignal, () => {
    woken = true;
  });
  // A start without a signal asks for a look at Stripe in any case; a signal only tells that the inbox has something.
  let isRequested = !woken;
  const total: BillingSyncResult = {
    rounds: 0,
    processed: 0,
    ignored: 0,
    parked: 0,
    licensed_user_count: null,
  };
  const customer = stripeCustomerIdSchema.safeParse(subject);
  const about = customer.success ? { stripeCustomerId: customer.data } : {};
  try {
    while (woken || isRequested) {
      const isFirst = total.rounds === 0;
      if (!isFirst && workflowInfo().continueAsNewSuggested)
        await continueAsNew<typeof billingSyncWorkflow>({ subject });
      const only_pending = !isRequested;
      woken = false;
      isRequested = false;
      if (!isFirst && !(await hasPending(subject))) continue;
      const stripe = stripeActivities('What Stripe says now, against what we hold');
      const round = await stripe.syncSubject({ subject, only_pending });
      add(total, round);
      setCurrentDetails(describeSync(total));
      if (round.tenant !== null) Object.assign(about, { tenantId: round.tenant });
      if (round.purchase) await beginTenant(round.purchase);
      await passOn(round);
      if (round.more) woken = true;
    }
  } catch (error) {
    if (isCancellation(error) || error instanceof ContinueAsNew) throw error;
    showRunState({ ...about, tenantryState: 'failed' });
    throw rootFailure(error);
  }
  showRunState({ ...about, tenantryState: 'completed' });
  return total;
}

/**
 * Each round takes its turn from Stripe's budget, though it may find nothing and ask nothing. Who was woken while its turn
 * was awaited often has nothing left afterwards: in a long queue (the sweep wakes all that wait in it) that would be every
 * second turn. So a run asks before another round, not before the first, which a customer waits for.
 */
async function hasPending(subject: string): Promise<boolean> {
  // Runs of before made the round in any case.
  if (!patched('ask-before-another-round')) return true;
  return activities('Is anything left in the inbox?').hasPendingEvents({ subject });
}

/** Wakes whom a round found to have something to do. */
async function passOn({ dunned, customer, product }: SyncRound): Promise<void> {
  if (dunned !== undefined)
    await activities('Dunning of what is unpaid').wakeDunning({ subscriptions: dunned });
  const filedUnder = customer ?? product;
  if (filedUnder !== undefined)
    await activities(`Sync of ${filedUnder}, to which it led`).wakeBillingSync({ subject: filedUnder });
}

/**
 * Begins the creation of a tenant that a Checkout session calls for, and only then settles the events that said so: a run
 * that ends in between leaves them to the next one. Where somebody else began it they stay pending: that run claims them
 * once the tenant exists, and should it fail (its input may be wrong), the sweep finds them, and they begin the tenant.
 */
async function beginTenant({ input, stripe_event_ids }: NonNullable<SyncRound['purchase']>): Promise<void> {
  try {
    await startChild(createTenantWorkflow, {
      workflowId: createTenantWorkflowIdOf(input.stripe_customer_id ?? ''),
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      // Whoever cancels a sync must not take a paying customer's tenant with it.
      cancellationType: ChildWorkflowCancellationType.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
      staticSummary: `Tenant for ${input.stripe_customer_id}`,
    });
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return;
    throw error;
  }
  await activities('Events that began the tenant').settlePurchaseEvents({ stripe_event_ids });
}

function add(total: BillingSyncResult, round: SyncRound): void {
  total.rounds += 1;
  total.processed += round.processed;
  total.ignored += round.ignored;
  total.parked += round.parked;
  total.licensed_user_count = round.licensed_user_count ?? total.licensed_user_count;
}

function describeSync(total: BillingSyncResult): string {
  const count = total.licensed_user_count ?? 'not licensed by Stripe';
  return `**Billing sync**, rounds: ${total.rounds}

- events processed ${total.processed}, ignored ${total.ignored}, parked ${total.parked}
- licences: ${count}`;
}
