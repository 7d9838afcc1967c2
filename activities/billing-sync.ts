import { Context } from '@temporalio/activity';
import {
  type AppliedSnapshot,
  applySnapshot,
  type CustomerSnapshot,
  type CustomerState,
  customerState,
  linkCustomer,
} from '../db/billing-projection.ts';
import { applyProduct, productSyncVersion, unknownProducts } from '../db/catalog.ts';
import { tenantExists } from '../db/tenants.ts';
import {
  failEvents,
  fileUnderCustomer,
  PENDING_EVENTS_MAX,
  pendingEvents,
  settleEvents,
  settleEventsOfUnknownCustomer,
} from '../db/webhook-events.ts';
import {
  type EventVerdict,
  isCustomerEvent,
  isSessionEvent,
  judgeEventsOfUnknownCustomer,
  type PendingEvent,
} from '../domain/billing-sync.ts';
import type { CheckoutSession } from '../domain/checkout-session.ts';
import type { CreateTenantInput } from '../domain/create-tenant-input.ts';
import { Failure } from '../domain/failures.ts';
import {
  productOfSubject,
  type StripeCustomerId,
  type StripeSubscriptionId,
  stripeCustomerIdSchema,
  stripeProductIdSchema,
  stripeSubscriptionIdSchema,
  subjectKind,
  tenantIdSchema,
} from '../domain/ids.ts';
import { isLive, type Product, type Subscription } from '../domain/subscription.ts';
import { retrieveCheckoutSession } from '../stripe/checkout-sessions.ts';
import { retrieveCustomer } from '../stripe/customers.ts';
import { listPrices, retrieveProduct } from '../stripe/products.ts';
import { listSubscriptions, retrieveSubscription } from '../stripe/subscriptions.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { isLastAttempt, nameError } from './final-error.ts';

/** How often one attempt fetches again because another writer was faster; then Temporal's back-off takes over. */
const STALE_SNAPSHOTS_MAX = 3;

/** What one round of a subject's sync did. */
export type SyncRound = {
  processed: number;
  ignored: number;
  parked: number;
  tenant: string | null;
  licensed_user_count: number | null;
  /** More events were pending than one round settles. */
  more: boolean;
  /** A tenant whose creation has to begin, and the events to settle then. */
  purchase?: { input: CreateTenantInput; stripe_event_ids: string[] };
  /** The subject led to this customer, under which its events are filed now. */
  customer?: string;
};

export type ImportedSubscriptions = { licensed_user_count: number | null; subscription_ids: string[] };

export function createBillingSyncActivities(dependencies: ActivityDependencies) {
  const { database } = dependencies;
  return {
    /**
     * One round of a subject's sync: notes its pending events, fetches the truth from Stripe, decides, and writes all
     * of it in one transaction. When the last attempt fails, exactly the noted events become `failed`.
     */
    async syncSubject({ subject }: { subject: string }): Promise<SyncRound> {
      const events = await pendingEvents(database, subject);
      try {
        const round = await retryStale(() => syncBySubjectKind(dependencies, { subject, events }));
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
      if (subscription !== undefined) await expectSubscription(dependencies, { customer, subscription });
      return retryStale(async () => {
        const state = await customerState(database, customer);
        if (state === null) throw new Failure('CustomerNotFound', `${customer} has no row`);
        const snapshot = await fetchSnapshot(dependencies, { customer, state, events: [] });
        const applied = await apply(dependencies, { snapshot, verdicts: [] });
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

type Round = Omit<SyncRound, 'more'>;
type Pending = { subject: string; events: PendingEvent[] };

async function syncBySubjectKind(dependencies: ActivityDependencies, pending: Pending): Promise<Round> {
  const kind = subjectKind(pending.subject);
  switch (kind) {
    case 'customer':
      return syncCustomer(dependencies, {
        ...pending,
        customer: stripeCustomerIdSchema.parse(pending.subject),
      });
    case 'subscription':
      return followToCustomer(dependencies, pending);
    case 'product':
      return syncProduct(dependencies, pending);
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
  const applied = await apply(dependencies, { snapshot, verdicts });
  return { ...counted(verdicts), tenant: applied.tenant, licensed_user_count: applied.licensedUserCount };
}

/** Nobody has this customer: its metadata may name a tenant, or a purchase begin one. Otherwise its events wait. */
async function meetUnknownCustomer(
  dependencies: ActivityDependencies,
  pending: Pending & { customer: StripeCustomerId },
): Promise<Round> {
  const { database } = dependencies;
  if (pending.events.length === 0) return NOTHING;
  if (await linkByMetadata(dependencies, pending.customer)) {
    throw new Failure('StaleSnapshot', 'The customer was linked to its tenant and is read again');
  }
  const judged = judgeEventsOfUnknownCustomer({
    events: pending.events,
    sessions: await fetchSessions(dependencies, pending.events),
    prices: dependencies.licensePrices,
  });
  const settled = await settleEventsOfUnknownCustomer(database, { ...pending, verdicts: judged.verdicts });
  if (!settled) throw new Failure('StaleSnapshot', 'The customer became known and is read again');
  return {
    ...NOTHING,
    ...counted(judged.verdicts),
    ...(judged.purchase && {
      purchase: { input: judged.purchase.input, stripe_event_ids: judged.purchase.stripeEventIds },
    }),
  };
}

/** @returns whether the customer has a tenant now, because its own or a subscription's metadata names an existing one */
async function linkByMetadata(
  dependencies: ActivityDependencies,
  customer: StripeCustomerId,
): Promise<boolean> {
  const { database, stripe, billingTenant, now } = dependencies;
  const found = await retrieveCustomer(stripe, customer);
  const own = found !== null && !found.deleted ? found : null;
  const subscriptions = await listSubscriptions(stripe, customer);
  const named = [own?.metadata, ...subscriptions.map((subscription) => subscription.metadata)];
  for (const metadata of named) {
    const tenant = tenantIdSchema.safeParse(metadata?.tenant_id);
    if (!tenant.success || !(await tenantExists(database, tenant.data))) continue;
    const contact = { email: own?.email ?? null, name: own?.name ?? null };
    await linkCustomer(database, { customer, tenant: tenant.data, billingTenant, ...contact, now: now() });
    return true;
  }
  return false;
}

async function fetchSessions(
  { stripe }: ActivityDependencies,
  events: readonly PendingEvent[],
): Promise<ReadonlyMap<string, CheckoutSession>> {
  const ids = events.filter((event) => isSessionEvent(event.eventType)).map((event) => event.objectId);
  const sessions = new Map<string, CheckoutSession>();
  for (const id of new Set(ids)) {
    const session = id === null ? null : await retrieveCheckoutSession(stripe, id);
    if (session !== null) sessions.set(session.id, session);
  }
  return sessions;
}

/**
 * A known customer's truth. Subscriptions that we believe to be live but Stripe no longer lists (those of a deleted
 * customer) are read one by one, so that their end is seen rather than guessed.
 */
async function fetchSnapshot(
  { stripe, database }: ActivityDependencies,
  options: { customer: StripeCustomerId; state: CustomerState; events: readonly PendingEvent[] },
): Promise<CustomerSnapshot> {
  const { customer, state } = options;
  const listed = await listSubscriptions(stripe, customer);
  const ids = new Set<string>(listed.map((subscription) => subscription.id));
  const unlisted: Subscription[] = [];
  for (const id of state.liveSubscriptionIds.filter((liveId) => !ids.has(liveId))) {
    const found = await retrieveSubscription(stripe, stripeSubscriptionIdSchema.parse(id));
    if (found !== null) unlisted.push(found);
  }
  const subscriptions = [...listed, ...unlisted];
  const productIds = subscriptions.flatMap((subscription) =>
    subscription.items.map((item) => item.price.productId),
  );
  const products: Product[] = [];
  for (const id of await unknownProducts(database, productIds)) {
    const product = await retrieveProduct(stripe, stripeProductIdSchema.parse(id));
    if (product !== null) products.push(product);
  }
  const self = options.events.some((event) => isCustomerEvent(event.eventType))
    ? await retrieveCustomer(stripe, customer)
    : null;
  const contact = self !== null && !self.deleted ? { email: self.email, name: self.name } : null;
  return { customer, syncVersion: state.syncVersion, subscriptions, products, contact };
}

function apply(
  { database, licensePrices, billingTenant }: ActivityDependencies,
  options: { snapshot: CustomerSnapshot; verdicts: readonly EventVerdict[] },
): Promise<AppliedSnapshot> {
  return applySnapshot(database, { ...options, licensePrices, billingTenant });
}

/** An event that names only a subscription is filed under its customer, whose own sync settles it. */
async function followToCustomer(dependencies: ActivityDependencies, pending: Pending): Promise<Round> {
  const { database, stripe } = dependencies;
  const id = stripeSubscriptionIdSchema.parse(pending.subject);
  const subscription = await retrieveSubscription(stripe, id);
  if (subscription === null) return park(dependencies, pending);
  const customer = subscription.customerId;
  await fileUnderCustomer(database, { subject: pending.subject, customer });
  return { ...NOTHING, customer };
}

async function syncProduct(dependencies: ActivityDependencies, pending: Pending): Promise<Round> {
  const { database, stripe, billingTenant, licensePrices } = dependencies;
  const productId = productOfSubject(pending.subject);
  const syncVersion = await productSyncVersion(database, productId);
  const product = await retrieveProduct(stripe, productId);
  const prices = await listPrices(stripe, productId);
  const verdicts = pending.events.map(({ stripeEventId }) => ({
    stripeEventId,
    status: 'processed' as const,
  }));
  await database.transaction(async (transaction) => {
    await applyProduct(transaction, {
      productId,
      syncVersion,
      product,
      prices,
      billingTenant,
      licensePrices,
    });
    await settleEvents(transaction, { verdicts, tenant: billingTenant });
  });
  return { ...NOTHING, ...counted(verdicts) };
}

async function park({ database }: ActivityDependencies, { subject, events }: Pending): Promise<Round> {
  const verdicts = events.map(({ stripeEventId }) => ({
    stripeEventId,
    status: 'parked' as const,
    reason: 'unknown_customer' as const,
  }));
  await settleEventsOfUnknownCustomer(database, { subject, verdicts });
  return { ...NOTHING, ...counted(verdicts) };
}

async function expectSubscription(
  { stripe }: ActivityDependencies,
  options: { customer: StripeCustomerId; subscription: StripeSubscriptionId },
): Promise<void> {
  const found = await retrieveSubscription(stripe, options.subscription);
  if (found === null)
    throw new Failure('SubscriptionNotFound', `Stripe does not know ${options.subscription}`);
  if (found.customerId !== options.customer) {
    throw new Failure('SubscriptionOfAnotherCustomer', `${found.id} belongs to another customer`);
  }
}

async function giveUp(
  { database, log }: ActivityDependencies,
  events: readonly PendingEvent[],
  error: unknown,
): Promise<void> {
  const named = nameError(error);
  const reason = named instanceof Failure ? named.name : 'Unexpected';
  const message = named instanceof Error ? named.message : 'Something that is no error was thrown';
  const stripeEventIds = events.map((event) => event.stripeEventId);
  log.error({ stripeEventIds, reason }, 'events failed for good');
  await failEvents(database, { stripeEventIds, reason, error: message });
}

/** Runs a read-decide-write again when its write found that another writer was faster. */
async function retryStale<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      const isStale = error instanceof Failure && error.name === 'StaleSnapshot';
      if (!isStale || tries === STALE_SNAPSHOTS_MAX) throw error;
    }
  }
}

const NOTHING: Round = { processed: 0, ignored: 0, parked: 0, tenant: null, licensed_user_count: null };

function counted(verdicts: readonly EventVerdict[]): Pick<Round, 'processed' | 'ignored' | 'parked'> {
  const count = (status: EventVerdict['status']) =>
    verdicts.filter((verdict) => verdict.status === status).length;
  return { processed: count('processed'), ignored: count('ignored'), parked: count('parked') };
}
