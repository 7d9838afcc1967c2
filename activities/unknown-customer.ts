import { linkCustomer } from '../db/billing-projection.ts';
import { tenantExists } from '../db/tenants.ts';
import { settleEventsOfUnknownCustomer } from '../db/webhook-events.ts';
import { isSessionEvent, judgeEventsOfUnknownCustomer, type PendingEvent } from '../domain/billing-sync.ts';
import type { CheckoutSession } from '../domain/checkout-session.ts';
import { Failure } from '../domain/failures.ts';
import { type StripeCustomerId, tenantIdSchema } from '../domain/ids.ts';
import { retrieveCheckoutSession } from '../stripe/checkout-sessions.ts';
import { retrieveCustomer } from '../stripe/customers.ts';
import { listSubscriptions } from '../stripe/subscriptions.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { counted, NOTHING, type Pending, type Round } from './sync-round.ts';

/** Nobody has this customer: its metadata may name a tenant, or a purchase begin one. Otherwise its events wait. */
export async function meetUnknownCustomer(
  dependencies: ActivityDependencies,
  pending: Pending & { customer: StripeCustomerId },
): Promise<Round> {
  const { database, metrics } = dependencies;
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
  // Only the events of the session that failed are still pending, so only they carry its failure. With a tenant under
  // way they don't: its billing sync settles them.
  if (judged.failure !== null && judged.purchase === null) {
    metrics.eventsSettled(counted(judged.verdicts));
    throw judged.failure;
  }
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
