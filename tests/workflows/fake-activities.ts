import { Context } from '@temporalio/activity';
import type { Activities, StripeActivities } from '../../activities/create-activities.ts';
import type { SweepResult } from '../../client/contract.ts';
import type { FakeWorld } from './fake-world.ts';

/** What every sweep of a test does. */
export const SWEPT: SweepResult = {
  subjects: 3,
  woken: 2,
  failed_wakes: 1,
  retried_events: 4,
  parked_claimed: 5,
  dunning_woken: 6,
  notices_sent: 7,
};

/**
 * The activities of tenants' creation, syncs and sweeps as the workflows know them (the others are tested with their real
 * ones); each call happens in the world of the run that made it.
 */
export function fakeActivities(worldOf: (workflowId: string) => FakeWorld): {
  main: Partial<Activities>;
  stripe: Partial<StripeActivities>;
} {
  const world = () => worldOf(Context.current().info.workflowExecution?.workflowId ?? '');
  return {
    main: {
      createTenant: async (input) => attempt('createTenant', input, () => world().createTenant(input)),
      recordOperatorAction: async (input) =>
        attempt('recordOperatorAction', input, () => world().recordOperatorAction(input)),
      sendInvitation: async (input) => attempt('sendInvitation', input, () => world().sendInvitation(input)),
      claimEvents: async (input) => attempt('claimEvents', input, () => world().claimEvents(input)),
      wakeBillingSync: async (input) =>
        attempt('wakeBillingSync', input, () => world().wakeBillingSync(input)),
      hasPendingEvents: async (input) => attempt('hasPendingEvents', input, () => world().isPending),
      settlePurchaseEvents: async (input) =>
        attempt('settlePurchaseEvents', input, () => world().settlePurchaseEvents(input)),
      wakeDueSubjects: async () => attempt('wakeDueSubjects', {}, () => SWEPT),
      wakeDunning: async (input) => attempt('wakeDunning', input, () => undefined),
      wakeDueDunning: async () => attempt('wakeDueDunning', {}, () => ({ woken: SWEPT.dunning_woken ?? 0 })),
      deliverDueNotices: async () =>
        attempt('deliverDueNotices', {}, () => ({ sent: SWEPT.notices_sent ?? 0 })),
    },
    stripe: {
      verifyPurchase: async (input) => attempt('verifyPurchase', input, () => undefined),
      importSubscriptions: async (input) =>
        attempt('importSubscriptions', input, () => world().importSubscriptions(input)),
      tagCustomer: async (input) => attempt('tagCustomer', input, () => world().tagCustomer(input)),
      tagSubscriptions: async (input) =>
        attempt('tagSubscriptions', input, () => world().tagSubscriptions(input)),
      syncSubject: async (input) => attempt('syncSubject', input, () => world().syncRound()),
    },
  };

  function attempt<T>(...call: Parameters<typeof FakeWorld.prototype.attempt<T>>): Promise<T> {
    return world().attempt(...call);
  }
}
