import { Context } from '@temporalio/activity';
import {
  type AppliedSnapshot,
  type CustomerSnapshot,
  customerState,
  writeSnapshot,
} from '../db/billing-projection.ts';
import { applyProduct } from '../db/catalog.ts';
import {
  gatherEventsOfCustomer,
  PENDING_EVENTS_MAX,
  pendingEvents,
  settleEvents,
} from '../db/webhook-events.ts';
import type { EventVerdict, PendingEvent } from '../domain/billing-sync.ts';
import { Failure } from '../domain/failures.ts';
import {
  productOfSubject,
  type StripeCustomerId,
  type StripeSubscriptionId,
  stripeCustomerIdSchema,
  subjectKind,
} from '../domain/ids.ts';
import { isLive } from '../domain/subscription.ts';
import { expectSubscription, fetchSnapshot } from './customer-snapshot.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { giveUp } from './failed-attempt.ts';
import { isLastAttempt } from './final-error.ts';
import { followInvoice, followPrice, followSession, followSubscription, park } from './followed-subjects.ts';
import { fetchProduct } from './product-snapshot.ts';
import { queueReminders, remindersFor } from './reminders.ts';
import { retryStale } from './stale-snapshot.ts';
import { counted, NOTHING, type Pending, type Round, type SyncRound } from './sync-round.ts';
import { meetUnknownCustomer } from './unknown-customer.ts';

export type ImportedSubscriptions = { licensed_user_count: number | null; subscription_ids: string[] };

export function createBillingSyncActivities(dependencies: ActivityDependencies) {
  const { database, metrics, now } = dependencies;
  return {
    /**
     * One round of a subject's sync: notes its pending events, fetches the truth from Stripe, decides, and writes all
     * of it in one transaction. When the last attempt fails, exactly the noted events become `failed`.
     *
     * @param options.only_pending without pending events there is nothing to do; Stripe isn't asked
     */
    async syncSubject({
      subject,
      only_pending,
    }: {
      subject: string;
      only_pending: boolean;
    }): Promise<SyncRound> {
      if (subjectKind(subject) === 'customer') await gatherEventsOfCustomer(database, subject);
      const events = await pendingEvents(database, subject);
      if (only_pending && events.length === 0) return { ...NOTHING, more: false };
      try {
        const round = await retryStale(() => syncBySubjectKind(dependencies, { subject, events }));
        const { processed, ignored, parked } = round;
        metrics.eventsSettled({ processed, ignored, parked });
        // A round brings the database in line with Stripe for all of its events, or for none.
        const createdAt = processed > 0 ? events.map((event) => event.eventCreatedAt) : [];
        metrics.eventsApplied({ createdAt, now: now() });
        return { ...round, more: events.length === PENDING_EVENTS_MAX };
      } catch (error) {
        if (isLastAttempt(error, Context.current().info.attempt)) await giveUp(dependencies, events, error);
        throw error;
      }
    },

    /**
     * Brings a new tenant's subscriptions in: the customer's whole truth, which must hold the one that was bought.
     *
     * @throws Failure SubscriptionNotFound, SubscriptionOfAnotherCustomer
     */
    async importSubscriptions(options: {
      customer: StripeCustomerId;
      subscription?: StripeSubscriptionId;
    }): Promise<ImportedSubscriptions> {
      const { customer, subscription } = options;
      return retryStale(async () => {
        const state = await customerState(database, customer);
        if (state === null) throw new Failure('CustomerNotFound', `${customer} has no row`);
        const snapshot = await fetchSnapshot(dependencies, { customer, state, events: [] });
        if (subscription !== undefined) await expectSubscription(dependencies, { snapshot, subscription });
        const applied = await apply(dependencies, { snapshot, events: [], verdicts: [] });
        const live = snapshot.subscriptions.filter(
          (found) => isLive(found.status) || found.id === subscription,
        );
        return {
          licensed_user_count: applied.licensedUserCount,
          subscription_ids: live.map((found) => found.id),
        };
      });
    },
  };
}

async function syncBySubjectKind(dependencies: ActivityDependencies, pending: Pending): Promise<Round> {
  const kind = subjectKind(pending.subject);
  switch (kind) {
    case 'customer':
      return syncCustomer(dependencies, {
        ...pending,
        customer: stripeCustomerIdSchema.parse(pending.subject),
      });
    case 'subscription':
      return followSubscription(dependencies, pending);
    case 'invoice':
      return followInvoice(dependencies, pending);
    case 'session':
      return followSession(dependencies, pending);
    case 'product':
      return syncProduct(dependencies, pending);
    case 'price':
      return followPrice(dependencies, pending);
    case 'unknown':
      return park(dependencies, pending);
    default:
      return kind satisfies never;
  }
}

async function syncCustomer(
  dependencies: ActivityDependencies,
  pending: Pending & { customer: StripeCustomerId },
): Promise<Round> {
  const state = await customerState(dependencies.database, pending.customer);
  if (state === null) return meetUnknownCustomer(dependencies, pending);
  const snapshot = await fetchSnapshot(dependencies, { ...pending, state });
  const verdicts = pending.events.map(({ stripeEventId }) => ({
    stripeEventId,
    status: 'processed' as const,
  }));
  const applied = await apply(dependencies, { snapshot, events: pending.events, verdicts });
  return {
    ...counted(verdicts),
    tenant: applied.tenant,
    licensed_user_count: applied.licensedUserCount,
    ...(applied.dunned.length > 0 && { dunned: applied.dunned }),
  };
}

/** Writes a snapshot, and the mails that its events call for with it. */
async function apply(
  dependencies: ActivityDependencies,
  options: {
    snapshot: CustomerSnapshot;
    events: readonly PendingEvent[];
    verdicts: readonly EventVerdict[];
  },
): Promise<AppliedSnapshot> {
  const { database, licensePrices, billingTenant, dunningPolicy } = dependencies;
  const now = dependencies.now();
  const reminders = await remindersFor(dependencies, options);
  return database.transaction(async (transaction) => {
    const write = { ...options, licensePrices, billingTenant, dunningPolicy, now };
    const applied = await writeSnapshot(transaction, write);
    await queueReminders(transaction, { tenant: applied.tenant, reminders, dependencies });
    return applied;
  });
}

async function syncProduct(dependencies: ActivityDependencies, pending: Pending): Promise<Round> {
  const { database, billingTenant } = dependencies;
  const write = await fetchProduct(dependencies, productOfSubject(pending.subject));
  const verdicts = pending.events.map(({ stripeEventId }) => ({
    stripeEventId,
    status: 'processed' as const,
  }));
  await database.transaction(async (transaction) => {
    await applyProduct(transaction, write);
    await settleEvents(transaction, { verdicts, tenant: billingTenant });
  });
  return { ...NOTHING, ...counted(verdicts) };
}
