import { and, eq, inArray, sql } from 'drizzle-orm';
import type { Database } from './connect.ts';
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

/** A customer of ours, as far as it matters whether a difference is news. */
export type ReconciledCustomer = {
  tenant: string;
  /** When its rows were written last. */
  syncedAt: Date | null;
  /** Events that may explain a difference wait in the inbox. */
  isPending: boolean;
};

/** @returns by Stripe's id; customers without a row are missing */
export async function reconciledCustomers(
  database: Database,
  customers: readonly string[],
): Promise<ReadonlyMap<string, ReconciledCustomer>> {
  if (customers.length === 0) return new Map();
  const { rows } = await database.execute<{
    customer: string;
    tenant: string;
    syncedAt: string | null;
    isPending: boolean;
  }>(sql`
    select c.stripe_customer_external_id as customer, c.tenant, to_json(c.synced_at)#>>'{}' as "syncedAt",
      exists (
        select from ${stripeWebhookEvents} e
        where e.subject = c.stripe_customer_external_id and e.status = 'received'
      ) as "isPending"
    from ${stripeCustomers} c
    where c.stripe_customer_external_id = any(${sql.param([...customers])}::text[])`);
  return new Map(
    rows.map(({ customer, syncedAt, ...row }) => [
      customer,
      { ...row, syncedAt: syncedAt === null ? null : new Date(syncedAt) },
    ]),
  );
}

/** The next of our subscriptions that have not ended and that a listing does not hold. @param options.until when it began */
export async function unlistedSubscriptions(
  database: Database,
  options: { listing: string; until: Date; after: string; limit: number },
): Promise<string[]> {
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

/** An invoice that we hold as open and that Stripe's list of open ones does not hold. */
export type UnlistedInvoice = { id: string; customer: string; tenant: string };

/** @param options.until when the listing began */
export async function unlistedOpenInvoices(
  database: Database,
  options: { listing: string; until: Date; after: string; limit: number },
): Promise<UnlistedInvoice[]> {
  const { rows } = await database.execute<UnlistedInvoice>(sql`
    select i.stripe_invoice_external_id as id, c.stripe_customer_external_id as customer, i.tenant
    from ${stripeInvoices} i
    join ${stripeCustomers} c on c.tenant = i.tenant and c.stripe_customer_id = i.stripe_customer_id
    where i.status = 'open' and i.stripe_created_at < ${options.until.toISOString()}::timestamptz
      and (c.synced_at is null or c.synced_at < ${options.until.toISOString()}::timestamptz)
      and i.stripe_invoice_external_id > ${options.after}
      and not exists (
        select from ${stripeListings} l where l.listing = ${options.listing} and l.kind = 'invoice'
          and l.object_external_id = i.stripe_invoice_external_id
      )
    order by 1 limit ${options.limit}`);
  return rows;
}

/** What our rows say of an invoice, as far as it is compared. Amounts are minor units. */
export type HeldInvoiceFields = {
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
  database: Database,
  ids: readonly string[],
): Promise<ReadonlyMap<string, HeldInvoiceFields>> {
  if (ids.length === 0) return new Map();
  const rows = await database
    .select({
      id: stripeInvoices.stripeInvoiceExternalId,
      status: stripeInvoices.status,
      amountDue: stripeInvoices.amountDue,
      amountPaid: stripeInvoices.amountPaid,
      amountRemaining: stripeInvoices.amountRemaining,
      attemptCount: stripeInvoices.attemptCount,
      nextPaymentAttempt: stripeInvoices.nextPaymentAttempt,
      dueDate: stripeInvoices.dueDate,
    })
    .from(stripeInvoices)
    .where(inArray(stripeInvoices.stripeInvoiceExternalId, [...ids]));
  return new Map(rows.map(({ id, ...fields }) => [id, fields]));
}

/** The next tenants that have a subscription, with the count that they hold. */
export async function tenantsToReconcile(
  database: Database,
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
  database: Database,
  ids: readonly string[],
): Promise<ReadonlyMap<string, HeldPrice>> {
  if (ids.length === 0) return new Map();
  const rows = await database
    .select({
      id: stripePrices.stripePriceExternalId,
      productId: stripeProducts.stripeProductExternalId,
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
    .innerJoin(
      stripeProducts,
      and(
        eq(stripeProducts.billingTenant, stripePrices.billingTenant),
        eq(stripeProducts.stripeProductId, stripePrices.stripeProductId),
      ),
    )
    .where(inArray(stripePrices.stripePriceExternalId, [...ids]));
  return new Map(rows.map(({ id, ...fields }) => [id, fields]));
}

/** Until when a list was read; null when it never was. */
export async function readCursor(database: Database, name: string): Promise<Date | null> {
  const [row] = await database
    .select({ readUntil: reconcileCursors.readUntil })
    .from(reconcileCursors)
    .where(eq(reconcileCursors.name, name));
  return row?.readUntil ?? null;
}

/** Moves a cursor forward; a run that was slower than another does not move it back. */
export async function moveCursor(
  database: Database,
  { name, readUntil }: { name: string; readUntil: Date },
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

/** Removes listings of runs that came to nothing. */
export async function forgetOldListings(
  database: Database,
  options: { kind: string; days: number },
): Promise<void> {
  await database.execute(sql`
    delete from ${stripeListings}
    where listing like ${`${options.kind}/%`} and fetched_at < now() - ${options.days} * interval '1 day'`);
}
