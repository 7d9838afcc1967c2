import { and, eq, inArray, sql } from 'drizzle-orm';
import { LIVE_STATUSES } from '../domain/subscription.ts';
import { type CountByKind, openDrift } from './attention.ts';
import type { Database, Transaction } from './connect.ts';
import { invoiceIsOfCustomer, priceIsOfProduct } from './joins.ts';
import {
  reconcileCursors,
  stripeCustomers,
  stripeInvoices,
  stripeListings,
  stripePrices,
  stripeProducts,
  stripeSubscriptions,
  stripeWebhookEvents,
  tenants,
} from './schema.ts';

/** All of what is read was true at the same moment: what one transaction writes is seen whole or not at all. */
export function atOneMoment<T>(
  database: Database,
  read: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  return database.transaction(read, { isolationLevel: 'repeatable read', accessMode: 'read only' });
}

/** A customer of ours, as far as it matters whether a difference is news. */
export type ReconciledCustomer = {
  tenant: string;
  /** When its rows were written last. */
  syncedAt: Date | null;
  email: string | null;
  name: string | null;
};

/** @returns by Stripe's id; customers without a row are missing */
export async function reconciledCustomers(
  transaction: Transaction,
  customers: readonly string[],
): Promise<ReadonlyMap<string, ReconciledCustomer>> {
  const rows = await transaction
    .select({
      id: stripeCustomers.stripeCustomerExternalId,
      tenant: stripeCustomers.tenant,
      syncedAt: stripeCustomers.syncedAt,
      email: stripeCustomers.email,
      name: stripeCustomers.name,
    })
    .from(stripeCustomers)
    .where(inArray(stripeCustomers.stripeCustomerExternalId, [...customers]));
  return new Map(rows.map(({ id, ...row }) => [id, row]));
}

/** Those of these subjects for which events wait in the inbox. */
export async function pendingSubjects(
  transaction: Transaction,
  subjects: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await transaction.execute<{ subject: string }>(sql`
    select distinct subject from ${stripeWebhookEvents}
    where status = 'received' and subject = any(${sql.param([...subjects])}::text[])`);
  return new Set(rows.map(({ subject }) => subject));
}

/** Which part of what a listing does not hold, and of that the next ones. */
type UnlistedQuery = {
  listing: string;
  /** When the listing began: what came later it need not hold. */
  until: Date;
  after: string;
  limit: number;
};

/** The next of our subscriptions that have not ended and that a listing does not hold. */
export async function unlistedSubscriptions(database: Database, options: UnlistedQuery): Promise<string[]> {
  const { rows } = await database.execute<{ id: string }>(sql`
    select s.stripe_subscription_external_id as id from ${stripeSubscriptions} s
    where s.status not in ('canceled', 'incomplete_expired')
      and s.stripe_created_at < ${options.until.toISOString()}::timestamptz
      and s.stripe_subscription_external_id > ${options.after}
      and not exists (
        select from ${stripeListings} l where l.listing = ${options.listing} and l.kind = 'subscription'
          and l.object_external_id = s.stripe_subscription_external_id
      )
    order by 1 limit ${options.limit}`);
  return rows.map(({ id }) => id);
}

/** The next of the invoices that we hold as open and that a listing of open ones does not hold. */
export async function unlistedOpenInvoices(database: Database, options: UnlistedQuery): Promise<string[]> {
  const { rows } = await database.execute<{ id: string }>(sql`
    select i.stripe_invoice_external_id as id from ${stripeInvoices} i
    where i.status = 'open' and i.stripe_created_at < ${options.until.toISOString()}::timestamptz
      and i.stripe_invoice_external_id > ${options.after}
      and not exists (
        select from ${stripeListings} l where l.listing = ${options.listing} and l.kind = 'invoice'
          and l.object_external_id = i.stripe_invoice_external_id
      )
    order by 1 limit ${options.limit}`);
  return rows.map(({ id }) => id);
}

/**
 * The next customers that a listing of subscriptions does not name, of tenants that may use the product though no
 * subscription of theirs is live: there may be nobody behind them any more.
 */
export async function unlistedCustomers(database: Database, options: UnlistedQuery): Promise<string[]> {
  const { rows } = await database.execute<{ id: string }>(sql`
    select c.stripe_customer_external_id as id from ${stripeCustomers} c
    join ${tenants} t on t.tenant = c.tenant and t.access_state <> 'canceled'
    where c.created_at < ${options.until.toISOString()}::timestamptz
      and c.stripe_customer_external_id > ${options.after}
      and not exists (
        select from ${stripeListings} l where l.listing = ${options.listing} and l.kind = 'subscription'
          and l.stripe_customer_external_id = c.stripe_customer_external_id
      )
      and not exists (
        select from ${stripeSubscriptions} s
        where s.tenant = c.tenant and s.status = any(${sql.param([...LIVE_STATUSES])}::text[])
      )
    order by 1 limit ${options.limit}`);
  return rows.map(({ id }) => id);
}

/** What our rows say of an invoice, as far as it is compared. Amounts are minor units. */
export type HeldInvoiceFields = {
  customerId: string;
  subscriptionId: string | null;
  number: string | null;
  status: string;
  amountDue: number;
  amountPaid: number;
  amountRemaining: number;
  attemptCount: number;
  nextPaymentAttempt: Date | null;
  dueDate: Date | null;
};

/** @returns by Stripe's id; invoices without a row are missing */
export async function heldInvoiceFields(
  database: Transaction,
  ids: readonly string[],
): Promise<ReadonlyMap<string, HeldInvoiceFields>> {
  if (ids.length === 0) return new Map();
  const rows = await database
    .select({
      id: stripeInvoices.stripeInvoiceExternalId,
      customerId: stripeCustomers.stripeCustomerExternalId,
      subscriptionId: stripeSubscriptions.stripeSubscriptionExternalId,
      number: stripeInvoices.number,
      status: stripeInvoices.status,
      amountDue: stripeInvoices.amountDue,
      amountPaid: stripeInvoices.amountPaid,
      amountRemaining: stripeInvoices.amountRemaining,
      attemptCount: stripeInvoices.attemptCount,
      nextPaymentAttempt: stripeInvoices.nextPaymentAttempt,
      dueDate: stripeInvoices.dueDate,
    })
    .from(stripeInvoices)
    .innerJoin(stripeCustomers, invoiceIsOfCustomer)
    .leftJoin(
      stripeSubscriptions,
      and(
        eq(stripeSubscriptions.tenant, stripeInvoices.tenant),
        eq(stripeSubscriptions.stripeSubscriptionId, stripeInvoices.stripeSubscriptionId),
      ),
    )
    .where(inArray(stripeInvoices.stripeInvoiceExternalId, [...ids]));
  return new Map(rows.map(({ id, ...fields }) => [id, fields]));
}

/** The next tenants that have a subscription, with the count that they hold. */
export async function tenantsToReconcile(
  database: Transaction,
  options: { after: string; limit: number },
): Promise<{ tenant: string; licensedUserCount: number | null; hasDrift: boolean }[]> {
  const { rows } = await database.execute<{
    tenant: string;
    licensedUserCount: number | null;
    hasDrift: boolean;
  }>(sql`
    select t.tenant, t.licensed_user_count as "licensedUserCount", exists (
      select from billing_drift d where d.tenant = t.tenant and d.repaired_at is null and d.kind <> 'tenant'
    ) as "hasDrift"
    from ${tenants} t
    where t.tenant > ${options.after}::uuid
      and exists (select from ${stripeSubscriptions} s where s.tenant = t.tenant)
    order by t.tenant limit ${options.limit}`);
  return rows;
}

/** What our rows say of a price and its product. */
export type HeldPrice = {
  productId: string;
  /** When the price was written last. */
  updatedAt: Date;
  unitAmount: number | null;
  currency: string;
  recurringInterval: string | null;
  recurringIntervalCount: number | null;
  isActive: boolean;
  metadata: Record<string, string>;
  productName: string;
  productDescription: string | null;
  isProductActive: boolean;
  productMetadata: Record<string, string>;
};

/** @returns by Stripe's id; prices without a row are missing */
export async function heldPrices(
  database: Transaction,
  ids: readonly string[],
): Promise<ReadonlyMap<string, HeldPrice>> {
  if (ids.length === 0) return new Map();
  const rows = await database
    .select({
      id: stripePrices.stripePriceExternalId,
      productId: stripeProducts.stripeProductExternalId,
      updatedAt: stripePrices.updatedAt,
      unitAmount: stripePrices.unitAmount,
      currency: stripePrices.currency,
      recurringInterval: stripePrices.recurringInterval,
      recurringIntervalCount: stripePrices.recurringIntervalCount,
      isActive: stripePrices.isActive,
      metadata: stripePrices.metadata,
      productName: stripeProducts.name,
      productDescription: stripeProducts.description,
      isProductActive: stripeProducts.isActive,
      productMetadata: stripeProducts.metadata,
    })
    .from(stripePrices)
    .innerJoin(stripeProducts, priceIsOfProduct)
    .where(inArray(stripePrices.stripePriceExternalId, [...ids]));
  return new Map(rows.map(({ id, ...fields }) => [id, fields]));
}

/** The two halves of reconcile; each has a cursor that tells until when it has looked. */
const RECONCILE_HALVES = ['events', 'billing'] as const;
export type ReconcileHalf = (typeof RECONCILE_HALVES)[number];

/** For how long nobody has looked, by half. One that never did has waited since the installation. @param billingTenant is there from the first set-up on */
async function reconcileAges(
  database: Database,
  billingTenant: string,
): Promise<{ half: ReconcileHalf; ageMs: number }[]> {
  const { rows } = await database.execute<{ half: ReconcileHalf; ageMs: number }>(sql`
    select half, (extract(epoch from now() - coalesce(c.read_until, t.created_at)) * 1000)::float8 as "ageMs"
    from unnest(${sql.param([...RECONCILE_HALVES])}::text[]) as half
    join ${tenants} t on t.tenant = ${billingTenant}
    left join ${reconcileCursors} c on c.name = half`);
  return rows;
}

/** What the metrics tell of reconcile. */
export type ReconcileFigures = {
  /** Differences that stand. */
  openDrift: CountByKind[];
  ages: { half: ReconcileHalf; ageMs: number }[];
};

export async function reconcileFigures(database: Database, billingTenant: string): Promise<ReconcileFigures> {
  return { openDrift: await openDrift(database), ages: await reconcileAges(database, billingTenant) };
}

/** Until when a list was read; null when it never was. */
export async function readCursor(database: Database, name: ReconcileHalf): Promise<Date | null> {
  const [row] = await database
    .select({ readUntil: reconcileCursors.readUntil })
    .from(reconcileCursors)
    .where(eq(reconcileCursors.name, name));
  return row?.readUntil ?? null;
}

/** Moves a cursor forward; a run that was slower than another does not move it back. */
export async function moveCursor(
  database: Database,
  { name, readUntil }: { name: ReconcileHalf; readUntil: Date },
): Promise<void> {
  await database
    .insert(reconcileCursors)
    .values({ name, readUntil })
    .onConflictDoUpdate({
      target: reconcileCursors.name,
      set: {
        readUntil: sql`greatest(${reconcileCursors.readUntil}, excluded.read_until)`,
        updatedAt: sql`now()`,
      },
    });
}
