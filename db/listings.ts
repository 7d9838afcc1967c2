import { and, eq, inArray, like, ne, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { ListedKind } from '../domain/billing-drift.ts';
import { stripeCustomerIdSchema, stripeSubscriptionIdSchema } from '../domain/ids.ts';
import { SUBSCRIPTION_STATUSES, type Subscription } from '../domain/subscription.ts';
import type { Database, Transaction } from './connect.ts';
import { importedCustomers, stripeCustomers, stripeListings, stripeSubscriptions } from './schema.ts';

/** The instant before which everything that stands in the database was written, by its own clock. */
export async function databaseNow(database: Database): Promise<Date> {
  const { rows } = await database.execute<{ now: string }>(sql`select clock_timestamp()::text as now`);
  return new Date(rows[0]?.now ?? Number.NaN);
}

/** An object of a list. */
export type ListedObject = { id: string; customerId: string; status: string };

/**
 * Keeps what a page of Stripe's list held; a page that is kept twice is the same as one that is kept once, and of two
 * readings the later one stays.
 *
 * @param options.withBodies whether the objects themselves are kept
 * @param options.fetchedAt `databaseNow` before Stripe was asked
 */
export async function keepListed(
  database: Database | Transaction,
  options: {
    listing: string;
    kind: ListedKind;
    fetchedAt: Date;
    objects: readonly ListedObject[];
    withBodies: boolean;
  },
): Promise<void> {
  const { objects, withBodies } = options;
  if (objects.length === 0) return;
  await database.execute(sql`
    insert into ${stripeListings}
      (listing, kind, object_external_id, stripe_customer_external_id, status, body, fetched_at)
    select ${options.listing}, ${options.kind}, listed.id, listed.customer, listed.status, listed.body::json,
      ${options.fetchedAt.toISOString()}::timestamptz
    from unnest(
      ${sql.param(objects.map(({ id }) => id))}::text[],
      ${sql.param(objects.map(({ customerId }) => customerId))}::text[],
      ${sql.param(objects.map(({ status }) => status))}::text[],
      ${sql.param(objects.map((each) => (withBodies ? JSON.stringify(each) : null)))}::text[]
    ) as listed (id, customer, status, body)
    on conflict (listing, kind, object_external_id) do update
      set status = excluded.status, body = excluded.body, fetched_at = excluded.fetched_at
      where ${stripeListings.fetchedAt} <= excluded.fetched_at`);
}

/** Takes an object off a listing: Stripe does not know it. */
export async function dropListed(
  database: Database,
  options: { listing: string; kind: ListedKind; id: string },
): Promise<void> {
  await database
    .delete(stripeListings)
    .where(
      and(
        eq(stripeListings.listing, options.listing),
        eq(stripeListings.kind, options.kind),
        eq(stripeListings.objectExternalId, options.id),
      ),
    );
}

/** A customer with its listed subscriptions. */
export type ListedCustomer = {
  customer: string;
  subscriptions: Subscription[];
  /** Of the oldest page that they came with. */
  fetchedAt: Date;
};

/** What a listing holds of these customers. */
export async function listedCustomers(
  database: Database | Transaction,
  options: { listing: string; customers: readonly string[] },
): Promise<ListedCustomer[]> {
  const rows = await database
    .select({
      customer: stripeListings.stripeCustomerExternalId,
      body: stripeListings.body,
      fetchedAt: stripeListings.fetchedAt,
    })
    .from(stripeListings)
    .where(
      and(
        eq(stripeListings.listing, options.listing),
        eq(stripeListings.kind, 'subscription'),
        inArray(stripeListings.stripeCustomerExternalId, [...options.customers]),
      ),
    );
  const byCustomer = new Map<string, ListedCustomer>();
  for (const { customer, body, fetchedAt } of rows) {
    const listed = byCustomer.get(customer) ?? { customer, subscriptions: [], fetchedAt };
    byCustomer.set(customer, listed);
    listed.subscriptions.push(storedSubscription.parse(body));
    if (fetchedAt < listed.fetchedAt) listed.fetchedAt = fetchedAt;
  }
  return [...byCustomer.values()];
}

/** Removes a listing that is over; an import's plan before it. */
export async function forgetListing(database: Database, listing: string): Promise<void> {
  await database.delete(importedCustomers).where(eq(importedCustomers.listing, listing));
  await database.delete(stripeListings).where(eq(stripeListings.listing, listing));
}

/** Removes all listings of a kind but one, the plans before them. */
export async function forgetOtherListings(
  database: Database,
  options: { kind: string; listing: string },
): Promise<void> {
  const others = `${options.kind}/%`;
  await database
    .delete(importedCustomers)
    .where(and(like(importedCustomers.listing, others), ne(importedCustomers.listing, options.listing)));
  await database
    .delete(stripeListings)
    .where(and(like(stripeListings.listing, others), ne(stripeListings.listing, options.listing)));
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

/**
 * Tells Postgres how large a listing has become. Rows that came by the ten thousand in a minute are unknown to its planner,
 * which then joins them one by one. Who may not do it (a role that does not own the tables) is warned and goes on.
 */
export async function analyzeListings(database: Database): Promise<void> {
  await database.execute(
    sql`analyze ${stripeListings}, ${importedCustomers}, ${stripeSubscriptions}, ${stripeCustomers}`,
  );
}

const storedInstant = z.iso.datetime().transform((text) => new Date(text));
const optionalInstant = storedInstant.nullable();
const storedMetadata = z.record(z.string(), z.string());
/** A subscription as `keepListed` keeps it. */
const storedSubscription: z.ZodType<Subscription> = z.object({
  id: stripeSubscriptionIdSchema,
  customerId: stripeCustomerIdSchema,
  status: z.enum(SUBSCRIPTION_STATUSES),
  items: z.array(
    z.object({
      id: z.string(),
      price: z.object({
        id: z.string(),
        productId: z.string(),
        active: z.boolean(),
        currency: z.string(),
        unitAmountMinor: z.number().nullable(),
        recurring: z.object({ interval: z.string(), intervalCount: z.number() }).nullable(),
        metadata: storedMetadata,
      }),
      quantity: z.number().nullable(),
      currentPeriodStart: storedInstant,
      currentPeriodEnd: storedInstant,
      createdAt: storedInstant,
    }),
  ),
  createdAt: storedInstant,
  cancelAt: optionalInstant,
  cancelAtPeriodEnd: z.boolean(),
  canceledAt: optionalInstant,
  cancellationReason: z.string().nullable(),
  trialEnd: optionalInstant,
  metadata: storedMetadata,
});
