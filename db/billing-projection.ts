import { eq, inArray, sql } from 'drizzle-orm';
import type { EventVerdict } from '../domain/billing-sync.ts';
import { Failure } from '../domain/failures.ts';
import type { FetchedInvoice } from '../domain/invoice.ts';
import { type LicensePrices, licenseCount } from '../domain/license-count.ts';
import { isEnded, type Product, type Subscription } from '../domain/subscription.ts';
import { settleAccess } from './access.ts';
import { ensurePrices } from './catalog.ts';
import type { Database, Transaction } from './connect.ts';
import { followUnpaid } from './dunning-cases.ts';
import type { PolicySource } from './dunning-policies.ts';
import { writeInvoices } from './invoices.ts';
import { subscriptionIsOfCustomer } from './joins.ts';
import { stripeCustomers, stripeSubscriptions as subscriptions, tenants } from './schema.ts';
import { lockSubjects } from './subject-lock.ts';
import { licensedSubscriptions, type SubscriptionOwner, writeSubscriptions } from './subscriptions.ts';
import { settleEvents } from './webhook-events.ts';

/** What is known of a customer before Stripe is asked. */
export type CustomerState = {
  tenant: string;
  /** The fence: compared when the answer is written. */
  syncVersion: number;
  /** Subscriptions that have not ended as far as we know. */
  openSubscriptionIds: string[];
};

/** @returns null when no tenant has this customer */
export async function customerState(database: Database, customer: string): Promise<CustomerState | null> {
  const rows = await database
    .select({
      tenant: stripeCustomers.tenant,
      syncVersion: stripeCustomers.syncVersion,
      subscription: subscriptions.stripeSubscriptionExternalId,
      status: subscriptions.status,
    })
    .from(stripeCustomers)
    .leftJoin(subscriptions, subscriptionIsOfCustomer)
    .where(eq(stripeCustomers.stripeCustomerExternalId, customer));
  const [first] = rows;
  if (first === undefined) return null;
  return {
    tenant: first.tenant,
    syncVersion: first.syncVersion,
    openSubscriptionIds: rows.flatMap((row) =>
      row.subscription !== null && row.status !== null && !isEnded(row.status) ? [row.subscription] : [],
    ),
  };
}

/** @returns the customer's id in Stripe (a subscription never changes hands); null when we have no row of the subscription */
export async function customerOfSubscription(
  database: Database,
  subscription: string,
): Promise<string | null> {
  const [row] = await database
    .select({ customer: stripeCustomers.stripeCustomerExternalId })
    .from(subscriptions)
    .innerJoin(stripeCustomers, subscriptionIsOfCustomer)
    .where(eq(subscriptions.stripeSubscriptionExternalId, subscription));
  return row?.customer ?? null;
}

/** A customer that becomes a tenant's. */
export type CustomerLink = { customer: string; tenant: string; email: string | null; name: string | null };

/**
 * Gives a customer to an existing tenant, because its metadata in Stripe names that tenant.
 *
 * @returns false when the customer has a tenant already
 */
export async function linkCustomer(
  database: Database,
  options: CustomerLink & { billingTenant: string; now: Date },
): Promise<boolean> {
  const { billingTenant, now, ...link } = options;
  const linked = await database.transaction((transaction) =>
    linkCustomers(transaction, { links: [link], billingTenant, now }),
  );
  return linked.length > 0;
}

/**
 * Gives customers to existing tenants; those that have a tenant already keep it.
 *
 * @returns those that were given
 */
export async function linkCustomers(
  transaction: Transaction,
  options: { links: readonly CustomerLink[]; billingTenant: string; now: Date },
): Promise<string[]> {
  const { links, billingTenant } = options;
  if (links.length === 0) return [];
  await lockSubjects(
    transaction,
    links.map(({ customer }) => customer),
  );
  const linked = await transaction
    .insert(stripeCustomers)
    .values(
      links.map(({ customer, ...link }) => ({
        ...link,
        stripeCustomerExternalId: customer,
        billingTenant,
        metadata: { source: 'migration_import', created_at: options.now.toISOString() },
      })),
    )
    .onConflictDoNothing()
    .returning({ customer: stripeCustomers.stripeCustomerExternalId });
  return linked.map(({ customer }) => customer);
}

/** A customer's whole truth as Stripe answered it, and when it was asked. */
export type CustomerSnapshot = {
  customer: string;
  /** `sync_version` as read before Stripe was asked. */
  syncVersion: number;
  subscriptions: Subscription[];
  /** Products that were unknown to us; those of known prices are kept fresh by their own events. */
  products: Product[];
  /** null when they were not asked for: nothing called for it. */
  invoices: FetchedInvoice[] | null;
  /** The customer's own fields, when it was fetched and exists. */
  contact: { email: string | null; name: string | null } | null;
};

export type AppliedSnapshot = {
  tenant: string;
  before: number | null;
  licensedUserCount: number | null;
  /** Subscriptions whose dunning has to be woken. */
  dunned: string[];
};

export type SnapshotWrite = {
  snapshot: CustomerSnapshot;
  verdicts: readonly EventVerdict[];
  licensePrices: LicensePrices;
  billingTenant: string;
  /** What a case that is opened now begins with. */
  dunningPolicy: PolicySource;
  now: Date;
};

/**
 * Writes a snapshot in a transaction of its own.
 *
 * @throws Failure StaleSnapshot when another writer was faster; nothing was written then
 */
export function applySnapshot(database: Database, write: SnapshotWrite): Promise<AppliedSnapshot> {
  return database.transaction((transaction) => writeSnapshot(transaction, write));
}

/**
 * Writes a snapshot, and the verdicts on the events that called for it.
 *
 * @throws Failure StaleSnapshot when another writer was faster; the transaction must be given up then
 */
export async function writeSnapshot(
  transaction: Transaction,
  { snapshot, verdicts, ...write }: SnapshotWrite,
): Promise<AppliedSnapshot> {
  const [applied] = await writeSnapshots(transaction, { ...write, snapshots: [snapshot] });
  if (applied === undefined) throw new Error('unreachable: what was written is answered');
  await settleEvents(transaction, { verdicts, tenant: applied.tenant });
  return applied;
}

/**
 * Writes the snapshots of several customers at once: subscriptions with their items and prices, invoices, the licence counts
 * and access that follow from them, and the cases of what is unpaid.
 *
 * @returns in the snapshots' order
 * @throws Failure StaleSnapshot when another writer of one of them was faster; the transaction must be given up then
 */
export async function writeSnapshots(
  transaction: Transaction,
  write: Omit<SnapshotWrite, 'snapshot' | 'verdicts'> & { snapshots: readonly CustomerSnapshot[] },
): Promise<AppliedSnapshot[]> {
  const { snapshots, licensePrices } = write;
  const owned = await lockOwners(transaction, snapshots);
  const subscriptions = owned.flatMap(({ owner, snapshot }) =>
    snapshot.subscriptions.map((subscription) => ({ owner, subscription })),
  );
  const priceIds = await ensurePrices(transaction, {
    billingTenant: write.billingTenant,
    licensePrices,
    products: snapshots.flatMap((snapshot) => snapshot.products),
    prices: subscriptions.flatMap(({ subscription }) => subscription.items.map((item) => item.price)),
  });
  await writeSubscriptions(transaction, { subscriptions, licensePrices, priceIds });
  const counts = await followSubscriptions(transaction, {
    owners: owned.map(({ owner }) => owner),
    licensePrices,
  });
  const applied: AppliedSnapshot[] = [];
  for (const { owner, snapshot } of owned) {
    const dunned = await followInvoices(transaction, { owner, snapshot, ...write });
    const licensedUserCount = counts.get(owner.tenant) ?? null;
    applied.push({ tenant: owner.tenant, before: owner.licensedUserCount, licensedUserCount, dunned });
  }
  await settleAccess(
    transaction,
    owned.map(({ owner }) => owner.tenant),
  );
  await raiseVersions(transaction, snapshots);
  return applied;
}

async function raiseVersions(
  transaction: Transaction,
  snapshots: readonly CustomerSnapshot[],
): Promise<void> {
  await transaction.execute(sql`
    update ${stripeCustomers} set
      sync_version = ${stripeCustomers.syncVersion} + 1, synced_at = now(),
      email = case when seen.is_known then seen.email else ${stripeCustomers.email} end,
      name = case when seen.is_known then seen.name else ${stripeCustomers.name} end
    from unnest(
      ${sql.param(snapshots.map(({ customer }) => customer))}::text[],
      ${sql.param(snapshots.map(({ contact }) => contact !== null))}::boolean[],
      ${sql.param(snapshots.map(({ contact }) => contact?.email ?? null))}::text[],
      ${sql.param(snapshots.map(({ contact }) => contact?.name ?? null))}::text[]
    ) as seen (customer, is_known, email, name)
    where ${stripeCustomers.stripeCustomerExternalId} = seen.customer`);
}

/** Without invoices nothing is known of them, so nothing follows. */
async function followInvoices(
  transaction: Transaction,
  options: { owner: Owner; snapshot: CustomerSnapshot; dunningPolicy: PolicySource; now: Date },
): Promise<string[]> {
  const { owner, snapshot, dunningPolicy: policy, now } = options;
  if (snapshot.invoices === null) return [];
  await writeInvoices(transaction, { owner, fetched: snapshot.invoices, now });
  return followUnpaid(transaction, { owner, policy, now });
}

type Owner = SubscriptionOwner & { licensedUserCount: number | null };

/**
 * Locks in the one order that all transactions keep: tenants, then customers, each by id. Not against key shares: a row
 * elsewhere that refers to the tenant doesn't have to wait, and can't be waited for.
 */
async function lockOwners(
  transaction: Transaction,
  snapshots: readonly CustomerSnapshot[],
): Promise<{ owner: Owner; snapshot: CustomerSnapshot }[]> {
  const locked = await lockCustomers(
    transaction,
    snapshots.map(({ customer }) => customer),
  );
  return snapshots.map((snapshot) => {
    const owner = locked.get(snapshot.customer);
    if (owner === undefined) {
      throw new Failure('StaleSnapshot', 'The customer changed hands while Stripe was asked');
    }
    if (owner.syncVersion !== snapshot.syncVersion) {
      throw new Failure('StaleSnapshot', 'Another sync of the customer was faster');
    }
    return { owner, snapshot };
  });
}

/** A customer's row and its tenant's, locked. */
export type LockedCustomer = Owner & { syncVersion: number; syncedAt: Date | null };

/** @returns by Stripe's id; those without a row are missing, and those that changed hands in this moment */
export async function lockCustomers(
  transaction: Transaction,
  customers: readonly string[],
): Promise<ReadonlyMap<string, LockedCustomer>> {
  const ofCustomers = inArray(stripeCustomers.stripeCustomerExternalId, [...customers]);
  const owners = await transaction
    .select({ tenant: tenants.tenant, licensedUserCount: tenants.licensedUserCount })
    .from(tenants)
    .where(
      inArray(
        tenants.tenant,
        transaction.select({ tenant: stripeCustomers.tenant }).from(stripeCustomers).where(ofCustomers),
      ),
    )
    .orderBy(tenants.tenant)
    .for('no key update');
  const rows = await transaction
    .select()
    .from(stripeCustomers)
    .where(ofCustomers)
    .orderBy(stripeCustomers.stripeCustomerExternalId)
    .for('no key update');
  const counts = new Map(owners.map(({ tenant, licensedUserCount }) => [tenant, licensedUserCount]));
  return new Map(
    rows.flatMap(({ tenant, stripeCustomerId, syncVersion, syncedAt, stripeCustomerExternalId: id }) => {
      const licensedUserCount = counts.get(tenant);
      return licensedUserCount === undefined
        ? []
        : [[id, { tenant, licensedUserCount, stripeCustomerId, syncVersion, syncedAt }] as const];
    }),
  );
}

/**
 * Sets what follows from all subscriptions of all the tenants' customers; the tenants' rows are locked, so two customers
 * of one tenant can't each count without the other. As long as no subscription is known nothing follows.
 *
 * @returns the licence counts by tenant as they stand now
 */
async function followSubscriptions(
  transaction: Transaction,
  options: { owners: readonly Owner[]; licensePrices: LicensePrices },
): Promise<ReadonlyMap<string, number | null>> {
  const before = new Map(options.owners.map((owner) => [owner.tenant, owner.licensedUserCount]));
  const known = await licensedSubscriptions(transaction, [...before.keys()]);
  const counts = new Map([...known].map(([tenant, of]) => [tenant, licenseCount(of, options.licensePrices)]));
  await transaction.execute(sql`
    update ${tenants} set licensed_user_count = due.count, updated_at = now(),
      last_license_update = case when ${tenants.licensedUserCount} is distinct from due.count
        then now() else ${tenants.lastLicenseUpdate} end
    from unnest(
      ${sql.param([...counts.keys()])}::uuid[], ${sql.param([...counts.values()])}::int[]
    ) as due (tenant, count)
    where ${tenants.tenant} = due.tenant`);
  return new Map([...before].map(([tenant, count]) => [tenant, counts.get(tenant) ?? count]));
}
