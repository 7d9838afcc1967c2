import { and, eq, inArray, sql } from 'drizzle-orm';
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
import { stripeCustomers, stripeSubscriptions as subscriptions, tenants } from './schema.ts';
import { lockSubject } from './subject-lock.ts';
import { licensedSubscriptions, type SubscriptionOwner, writeSubscription } from './subscriptions.ts';
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
    .leftJoin(
      subscriptions,
      and(
        eq(subscriptions.tenant, stripeCustomers.tenant),
        eq(subscriptions.stripeCustomerId, stripeCustomers.stripeCustomerId),
      ),
    )
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
    .innerJoin(
      stripeCustomers,
      and(
        eq(stripeCustomers.tenant, subscriptions.tenant),
        eq(stripeCustomers.stripeCustomerId, subscriptions.stripeCustomerId),
      ),
    )
    .where(eq(subscriptions.stripeSubscriptionExternalId, subscription));
  return row?.customer ?? null;
}

/**
 * Gives a customer to an existing tenant, because its metadata in Stripe names that tenant.
 *
 * @returns false when the customer has a tenant already
 */
export async function linkCustomer(
  database: Database,
  options: {
    customer: string;
    tenant: string;
    billingTenant: string;
    email: string | null;
    name: string | null;
    now: Date;
  },
): Promise<boolean> {
  return database.transaction(async (transaction) => {
    await lockSubject(transaction, options.customer);
    const linked = await transaction
      .insert(stripeCustomers)
      .values({
        tenant: options.tenant,
        stripeCustomerExternalId: options.customer,
        billingTenant: options.billingTenant,
        email: options.email,
        name: options.name,
        metadata: { source: 'migration_import', created_at: options.now.toISOString() },
      })
      .onConflictDoNothing()
      .returning({ tenant: stripeCustomers.tenant });
    return linked.length > 0;
  });
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
 * Writes a snapshot: subscriptions with their items and prices, invoices, the licence count and access that follow from
 * them, the cases of what is unpaid, and the verdicts on the events that called for it.
 *
 * @throws Failure StaleSnapshot when another writer was faster; the transaction must be given up then
 */
export async function writeSnapshot(
  transaction: Transaction,
  write: SnapshotWrite,
): Promise<AppliedSnapshot> {
  const { snapshot, licensePrices } = write;
  const owner = await lockOwner(transaction, snapshot);
  const { tenant } = owner;
  const priceIds = await ensurePrices(transaction, {
    billingTenant: write.billingTenant,
    licensePrices,
    products: snapshot.products,
    prices: snapshot.subscriptions.flatMap((subscription) => subscription.items.map((item) => item.price)),
  });
  for (const subscription of snapshot.subscriptions) {
    await writeSubscription(transaction, { owner, subscription, licensePrices, priceIds });
  }
  const licensedUserCount = await followSubscriptions(transaction, { owner, licensePrices });
  const dunned = await followInvoices(transaction, { owner, ...write });
  await settleAccess(transaction, tenant);
  await transaction
    .update(stripeCustomers)
    .set({
      syncVersion: sql`${stripeCustomers.syncVersion} + 1`,
      syncedAt: sql`now()`,
      ...snapshot.contact,
    })
    .where(eq(stripeCustomers.stripeCustomerExternalId, snapshot.customer));
  await settleEvents(transaction, { verdicts: write.verdicts, tenant });
  return { tenant, before: owner.licensedUserCount, licensedUserCount, dunned };
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
 * Locks in the one order that all transactions keep: tenant, then customer. Not against key shares: a row elsewhere that
 * refers to the tenant doesn't have to wait, and can't be waited for.
 */
async function lockOwner(transaction: Transaction, snapshot: CustomerSnapshot): Promise<Owner> {
  const ofCustomer = eq(stripeCustomers.stripeCustomerExternalId, snapshot.customer);
  const [tenant] = await transaction
    .select({ tenant: tenants.tenant, licensedUserCount: tenants.licensedUserCount })
    .from(tenants)
    .where(
      inArray(
        tenants.tenant,
        transaction.select({ tenant: stripeCustomers.tenant }).from(stripeCustomers).where(ofCustomer),
      ),
    )
    .for('no key update');
  const [customer] = await transaction.select().from(stripeCustomers).where(ofCustomer).for('no key update');
  if (tenant === undefined || customer === undefined || customer.tenant !== tenant.tenant) {
    throw new Failure('StaleSnapshot', 'The customer changed hands while Stripe was asked');
  }
  if (customer.syncVersion !== snapshot.syncVersion) {
    throw new Failure('StaleSnapshot', 'Another sync of the customer was faster');
  }
  return { ...tenant, stripeCustomerId: customer.stripeCustomerId };
}

/**
 * Sets what follows from all subscriptions of all the tenant's customers; the tenant's row is locked, so two customers
 * of one tenant can't each count without the other. As long as no subscription is known nothing follows.
 *
 * @returns the licence count as it stands now
 */
async function followSubscriptions(
  transaction: Transaction,
  options: { owner: Owner; licensePrices: LicensePrices },
): Promise<number | null> {
  const { tenant, licensedUserCount: before } = options.owner;
  const known = await licensedSubscriptions(transaction, tenant);
  if (known.length === 0) return before;
  const count = licenseCount(known, options.licensePrices);
  await transaction
    .update(tenants)
    .set({
      licensedUserCount: count,
      updatedAt: sql`now()`,
      ...(count !== before && { lastLicenseUpdate: sql`now()` }),
    })
    .where(eq(tenants.tenant, tenant));
  return count;
}
