import { and, desc, eq, inArray, isNull, or, type SQL, sql } from 'drizzle-orm';
import type { AccessState } from '../domain/access-state.ts';
import type { Database } from './connect.ts';
import { type ListedEvent, lastEventsOf } from './event-list.ts';
import { subscriptionIsOfCustomer } from './joins.ts';
import {
  billingDrift,
  dunningCases,
  stripeCustomers,
  stripePrices,
  stripeSubscriptions as subscriptions,
  tenants,
} from './schema.ts';

/** Of each kind of row that belongs to a tenant so many are shown, the newest. */
const ROWS_SHOWN_MAX = 100;
const EVENTS_SHOWN_MAX = 10;

export type TenantFilter = {
  /** Whatever its case. */
  email?: string | undefined;
  /** A part of it, whatever its case. */
  name?: string | undefined;
  access?: AccessState | undefined;
};

/** Named as the columns are: it is shown to operators, who know those. */
const LISTED = {
  tenant: tenants.tenant,
  client_name: tenants.clientName,
  email: tenants.email,
  licensed_user_count: tenants.licensedUserCount,
  access_state: tenants.accessState,
  created_at: tenants.createdAt,
};

/** Tenants as lists show them, the newest first. */
export async function listTenants(
  database: Database,
  options: { filter: TenantFilter; limit: number; before?: string | undefined },
) {
  const { email, name, access } = options.filter;
  return database
    .select(LISTED)
    .from(tenants)
    .where(
      and(
        email === undefined ? undefined : hasEmail(email),
        name === undefined ? undefined : sql`position(lower(${name}) in lower(${tenants.clientName})) > 0`,
        access === undefined ? undefined : eq(tenants.accessState, access),
        options.before === undefined ? undefined : before(options.before),
      ),
    )
    .orderBy(desc(tenants.createdAt), desc(tenants.tenant))
    .limit(options.limit);
}

/** What a list that is newest first has behind this tenant. */
function before(tenant: string): SQL {
  return sql`(${tenants.createdAt}, ${tenants.tenant}) < (
    select last.created_at, last.tenant from ${tenants} last where last.tenant = ${tenant})`;
}

function hasEmail(email: string): SQL {
  return sql`lower(${tenants.email}) = lower(${email})`;
}

/** By what an operator may know a tenant. */
export type TenantReference =
  | { by: 'tenant'; id: string }
  | { by: 'customer'; id: string }
  | { by: 'email'; id: string };

/** The ids of the tenants that are meant; an e-mail address may stand for several. */
export async function tenantsOf(database: Database, { by, id }: TenantReference): Promise<string[]> {
  if (by === 'customer') {
    const rows = await database
      .select({ tenant: stripeCustomers.tenant })
      .from(stripeCustomers)
      .where(eq(stripeCustomers.stripeCustomerExternalId, id));
    return rows.map((row) => row.tenant);
  }
  const rows = await database
    .select({ tenant: tenants.tenant })
    .from(tenants)
    .where(by === 'tenant' ? eq(tenants.tenant, id) : hasEmail(id))
    .limit(ROWS_SHOWN_MAX);
  return rows.map((row) => row.tenant);
}

/** Licences and access of a tenant, as the product reads them. */
export type TenantStanding = { licensed_user_count: number | null; access_state: AccessState };

export async function tenantStanding(database: Database, tenant: string): Promise<TenantStanding> {
  const [row] = await database
    .select({ licensed_user_count: tenants.licensedUserCount, access_state: tenants.accessState })
    .from(tenants)
    .where(eq(tenants.tenant, tenant));
  if (row === undefined) throw new Error('a tenant that was found is gone');
  return row;
}

/** Stripe's ids of a tenant's customers, the newest first. */
export async function customersOf(database: Database, tenant: string): Promise<string[]> {
  return (await customerRows(database, tenant)).map((row) => row.stripe_customer_external_id);
}

/** All that is known of a tenant, each kind of row with its newest first. */
export async function tenantDetails(database: Database, tenant: string) {
  const [row] = await database
    .select({
      ...LISTED,
      plan: tenants.plan,
      time_zone: tenants.timeZone,
      locale: tenants.locale,
      last_license_update: tenants.lastLicenseUpdate,
      suspended_at: tenants.suspendedAt,
      suspended_reason: tenants.suspendedReason,
      provisioning_key: tenants.provisioningKey,
      updated_at: tenants.updatedAt,
    })
    .from(tenants)
    .where(eq(tenants.tenant, tenant));
  if (row === undefined) throw new Error('a tenant that was found is gone');
  const customers = await customerRows(database, tenant);
  const owned = await subscriptionRows(database, tenant);
  const customerIds = customers.map((customer) => customer.stripe_customer_external_id);
  const subscriptionIds = owned.map((one) => one.stripe_subscription_external_id);
  const events: ListedEvent[] = await lastEventsOf(database, {
    subjects: [...customerIds, ...subscriptionIds],
    limit: EVENTS_SHOWN_MAX,
  });
  return {
    tenant: row,
    customers,
    subscriptions: owned,
    dunning_cases: await openCases(database, tenant),
    events,
    drift: await openDrift(database, [tenant, ...customerIds, ...subscriptionIds], tenant),
  };
}
export type TenantDetails = Awaited<ReturnType<typeof tenantDetails>>;

async function customerRows(database: Database, tenant: string) {
  return database
    .select({
      stripe_customer_external_id: stripeCustomers.stripeCustomerExternalId,
      email: stripeCustomers.email,
      name: stripeCustomers.name,
      metadata: stripeCustomers.metadata,
      synced_at: stripeCustomers.syncedAt,
      created_at: stripeCustomers.createdAt,
    })
    .from(stripeCustomers)
    .where(eq(stripeCustomers.tenant, tenant))
    .orderBy(desc(stripeCustomers.createdAt), desc(stripeCustomers.stripeCustomerId))
    .limit(ROWS_SHOWN_MAX);
}

async function subscriptionRows(database: Database, tenant: string) {
  return database
    .select({
      stripe_subscription_external_id: subscriptions.stripeSubscriptionExternalId,
      stripe_customer_external_id: stripeCustomers.stripeCustomerExternalId,
      status: subscriptions.status,
      quantity: subscriptions.quantity,
      stripe_price_external_id: stripePrices.stripePriceExternalId,
      current_period_end: subscriptions.currentPeriodEnd,
      cancel_at_period_end: subscriptions.cancelAtPeriodEnd,
      canceled_at: subscriptions.canceledAt,
      stripe_created_at: subscriptions.stripeCreatedAt,
    })
    .from(subscriptions)
    .innerJoin(stripeCustomers, subscriptionIsOfCustomer)
    .leftJoin(stripePrices, eq(stripePrices.stripePriceId, subscriptions.stripePriceId))
    .where(eq(subscriptions.tenant, tenant))
    .orderBy(desc(subscriptions.stripeCreatedAt), desc(subscriptions.stripeSubscriptionExternalId))
    .limit(ROWS_SHOWN_MAX);
}

async function openCases(database: Database, tenant: string) {
  return database
    .select({
      stripe_subscription_external_id: dunningCases.stripeSubscriptionExternalId,
      state: dunningCases.state,
      stage: dunningCases.stage,
      access: dunningCases.access,
      anchor_invoice: dunningCases.anchorInvoice,
      paused_until: dunningCases.pausedUntil,
      is_unreachable: dunningCases.isUnreachable,
      opened_at: dunningCases.openedAt,
    })
    .from(dunningCases)
    .where(and(eq(dunningCases.tenant, tenant), isNull(dunningCases.closedAt)))
    .orderBy(desc(dunningCases.openedAt))
    .limit(ROWS_SHOWN_MAX);
}

/** Drift is filed under what differs; its tenant and customer are known only where reconcile knew them. */
async function openDrift(database: Database, subjects: string[], tenant: string) {
  return database
    .select({
      kind: billingDrift.kind,
      subject: billingDrift.subject,
      field: billingDrift.field,
      ours: billingDrift.ours,
      theirs: billingDrift.theirs,
      detected_at: billingDrift.detectedAt,
      last_seen_at: billingDrift.lastSeenAt,
    })
    .from(billingDrift)
    .where(
      and(
        isNull(billingDrift.repairedAt),
        or(
          eq(billingDrift.tenant, tenant),
          inArray(billingDrift.subject, subjects),
          inArray(billingDrift.stripeCustomerExternalId, subjects),
        ),
      ),
    )
    .orderBy(desc(billingDrift.detectedAt))
    .limit(ROWS_SHOWN_MAX);
}
