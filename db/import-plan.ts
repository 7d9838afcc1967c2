import { and, asc, eq, gt, inArray, isNull, sql } from 'drizzle-orm';
import type { CustomerFacts, CustomerMatch, ImportOutcome, ImportReason } from '../domain/customer-match.ts';
import { tenantIdSchema } from '../domain/ids.ts';
import type { Database, Transaction } from './connect.ts';
import {
  importedCustomers as plan,
  stripeCustomers,
  stripeListings,
  stripeSubscriptions,
  tenants,
} from './schema.ts';

/** A customer of Stripe's as the pages of the list tell of it. */
export type SeenCustomer = {
  customer: string;
  email: string | null;
  name: string | null;
  isDeleted: boolean;
  livemode: boolean;
  hasLiveLicense: boolean;
  namedTenants: string[];
  taggedTenant: string | null;
};

/** Keeps what a page told of its customers; what several pages tell of one adds up, in any order and any number of times. */
export async function keepCustomers(
  transaction: Transaction,
  options: { listing: string; customers: readonly SeenCustomer[] },
): Promise<void> {
  const { listing, customers } = options;
  if (customers.length === 0) return;
  // In one order everywhere, so that two pages with the same customers can't wait for each other.
  const sorted = [...customers].sort((a, b) => (a.customer < b.customer ? -1 : 1));
  await transaction
    .insert(plan)
    .values(sorted.map(({ customer, ...seen }) => ({ listing, stripeCustomerExternalId: customer, ...seen })))
    .onConflictDoUpdate({
      target: [plan.listing, plan.stripeCustomerExternalId],
      set: {
        isDeleted: sql`${plan.isDeleted} or excluded.is_deleted`,
        hasLiveLicense: sql`${plan.hasLiveLicense} or excluded.has_live_license`,
        namedTenants: sql`array(select distinct unnest(${plan.namedTenants} || excluded.named_tenants))`,
      },
    });
}

/** A customer that was not judged yet, with all that its judgement needs. */
export type UnjudgedCustomer = { customer: string; facts: CustomerFacts };

/**
 * The next customers to be judged.
 *
 * @param options.livemode the mode of our key
 * @param options.billingTenant is nobody's customer, whatever its e-mail
 */
export async function unjudgedCustomers(
  database: Database,
  options: { listing: string; livemode: boolean; billingTenant: string; limit: number },
): Promise<UnjudgedCustomer[]> {
  const { listing, billingTenant } = options;
  // Other customers with the e-mail count where nothing else says whose they are.
  const { rows } = await database.execute<UnjudgedRow>(sql`
    select i.stripe_customer_external_id as customer, i.is_deleted as "isDeleted", i.livemode, i.email,
      i.named_tenants as "namedTenants", i.has_live_license as "hasLiveLicense", c.tenant as "knownTenant",
      owners.tenants as "tenantsByEmail",
      (
        select count(*)::int from ${plan} other
        where other.listing = i.listing and lower(other.email) = lower(i.email)
          and other.stripe_customer_external_id <> i.stripe_customer_external_id
          and not other.is_deleted and other.livemode = i.livemode and cardinality(other.named_tenants) = 0
          and not exists (
            select from ${stripeCustomers} taken
            where taken.stripe_customer_external_id = other.stripe_customer_external_id
          )
      ) + (
        select count(*)::int from ${stripeCustomers} taken
        where taken.tenant = any(owners.tenants)
          and taken.stripe_customer_external_id <> i.stripe_customer_external_id
      ) as rivals
    from (
      select * from ${plan} where listing = ${listing} and outcome is null
      order by stripe_customer_external_id limit ${options.limit}
    ) i
    left join ${stripeCustomers} c on c.stripe_customer_external_id = i.stripe_customer_external_id
    cross join lateral (
      select array(
        select t.tenant from ${tenants} t where lower(t.email) = lower(i.email) and t.tenant <> ${billingTenant}
      ) as tenants
    ) owners`);
  const existing = await existingTenants(database, {
    named: rows.flatMap((row) => row.namedTenants),
    billingTenant,
  });
  const named = await customersThatName(database, {
    listing,
    livemode: options.livemode,
    tenants: rows.flatMap((row) => (row.namedTenants.length === 0 ? row.tenantsByEmail : [])),
  });
  return rows.map(({ customer, livemode, ...row }) => ({
    customer,
    facts: {
      ...row,
      rivals: row.tenantsByEmail.reduce((sum, tenant) => sum + (named.get(tenant) ?? 0), row.rivals),
      hasOtherLivemode: livemode !== options.livemode,
      existingNamed: row.namedTenants.filter((name) => existing.has(name.toLowerCase())),
    },
  }));
}

type UnjudgedRow = Omit<CustomerFacts, 'hasOtherLivemode' | 'existingNamed'> & {
  customer: string;
  livemode: boolean;
};

/** How many customers without a row name each of these tenants, of those that the tenant could get. */
async function customersThatName(
  database: Database,
  options: { listing: string; livemode: boolean; tenants: readonly string[] },
): Promise<ReadonlyMap<string, number>> {
  if (options.tenants.length === 0) return new Map();
  const { rows } = await database.execute<{ tenant: string; count: number }>(sql`
    select named.tenant, count(*)::int as count
    from ${plan} p cross join lateral unnest(p.named_tenants) as named (tenant)
    where p.listing = ${options.listing} and cardinality(p.named_tenants) > 0
      and not p.is_deleted and p.livemode = ${options.livemode} and named.tenant = any(${sql.param([...options.tenants])}::text[])
      and not exists (
        select from ${stripeCustomers} taken
        where taken.stripe_customer_external_id = p.stripe_customer_external_id
      )
    group by named.tenant`);
  return new Map(rows.map(({ tenant, count }) => [tenant, count]));
}

/** @param named whatever stands in Stripe's metadata */
async function existingTenants(
  database: Database,
  options: { named: readonly string[]; billingTenant: string },
): Promise<ReadonlySet<string>> {
  const { named, billingTenant } = options;
  const ids = named.filter((name) => tenantIdSchema.safeParse(name).success && !isSame(name, billingTenant));
  if (ids.length === 0) return new Set();
  const rows = await database
    .select({ tenant: tenants.tenant })
    .from(tenants)
    .where(inArray(tenants.tenant, ids));
  return new Set(rows.map(({ tenant }) => tenant));
}

/** Uuids are the same in either case. */
function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** Writes what was decided on customers. */
export async function recordMatches(
  database: Database | Transaction,
  options: { listing: string; matches: readonly (CustomerMatch & { customer: string })[] },
): Promise<void> {
  await database.execute(sql`
    update ${plan} set outcome = match.outcome, reason = match.reason, tenant = match.tenant,
      candidates = coalesce(match.candidates, '{}')
    from jsonb_to_recordset(${JSON.stringify(options.matches)}::jsonb)
      as match (customer text, outcome text, reason text, tenant uuid, candidates uuid[])
    where ${plan.listing} = ${options.listing} and ${plan.stripeCustomerExternalId} = match.customer`);
}

/** A customer that has, or is to get, a row of a tenant. */
export type MatchedCustomer = {
  customer: string;
  tenant: string;
  email: string | null;
  name: string | null;
  isDeleted: boolean;
  outcome: 'known' | 'link';
};

/** The next customers of tenants whose rows are to be brought in line, of at most so many subscriptions together. */
export async function customersToApply(
  database: Database,
  options: { listing: string; limit: number; subscriptionsMax: number },
): Promise<MatchedCustomer[]> {
  const { rows } = await database.execute<MatchedCustomer & { before: number }>(sql`
    select due.*, (sum(listed.count) over (order by due.customer) - listed.count)::int as before
    from (
      select stripe_customer_external_id as customer, tenant, email, name, is_deleted as "isDeleted", outcome
      from ${plan}
      where listing = ${options.listing} and outcome in ('known', 'link') and applied_at is null
      order by stripe_customer_external_id limit ${options.limit}
    ) due
    cross join lateral (
      select count(*) as count from ${stripeListings} l
      where l.listing = ${options.listing} and l.stripe_customer_external_id = due.customer
    ) listed
    order by due.customer`);
  return rows
    .filter(({ before }, index) => index === 0 || before < options.subscriptionsMax)
    .map(({ before: _, ...due }) => due);
}

/**
 * Customers of whose subscriptions one is filed under another tenant than theirs.
 *
 * @param options.batch with the tenant that they are to get; one that they have already counts instead
 * @returns the tenants that each could be of
 */
export async function disputedCustomers(
  transaction: Transaction,
  options: { listing: string; batch: readonly Pick<MatchedCustomer, 'customer' | 'tenant'>[] },
): Promise<ReadonlyMap<string, string[]>> {
  const { listing, batch } = options;
  const { rows } = await transaction.execute<{ customer: string; tenants: string[] }>(sql`
    select due.customer, array_agg(distinct s.tenant) || due.tenant as tenants
    from (
      select asked.customer, coalesce(c.tenant, asked.tenant) as tenant
      from unnest(
        ${sql.param(batch.map(({ customer }) => customer))}::text[],
        ${sql.param(batch.map(({ tenant }) => tenant))}::uuid[]
      ) as asked (customer, tenant)
      left join ${stripeCustomers} c on c.stripe_customer_external_id = asked.customer
    ) due
    join ${stripeListings} l on l.listing = ${listing} and l.stripe_customer_external_id = due.customer
    join ${stripeSubscriptions} s on s.stripe_subscription_external_id = l.object_external_id
    where s.tenant <> due.tenant
    group by due.customer, due.tenant`);
  return new Map(rows.map(({ customer, tenants: of }) => [customer, of]));
}

/** The next paying customers that a tenant is to be made for. */
export async function customersToCreate(
  database: Database,
  options: { listing: string; limit: number },
): Promise<{ customer: string; email: string | null; name: string | null }[]> {
  return database
    .select({ customer: plan.stripeCustomerExternalId, email: plan.email, name: plan.name })
    .from(plan)
    .where(and(eq(plan.listing, options.listing), eq(plan.outcome, 'create'), isNull(plan.appliedAt)))
    .orderBy(asc(plan.stripeCustomerExternalId))
    .limit(options.limit);
}

/**
 * Customers whose tenant is being made: it was begun, and nothing stands there yet.
 *
 * @param options.minutesMax what was begun longer ago came to nothing, and doesn't hold up the others
 */
export async function countUnderCreation(
  database: Database,
  { listing, minutesMax }: { listing: string; minutesMax: number },
): Promise<number> {
  const { rows } = await database.execute<{ count: number }>(sql`
    select count(*)::int as count from ${plan} p
    where p.listing = ${listing} and p.outcome = 'create' and p.applied_at > now() - make_interval(mins => ${minutesMax})
      and not exists (
      select from ${stripeCustomers} c where c.stripe_customer_external_id = p.stripe_customer_external_id
    )`);
  return rows[0]?.count ?? 0;
}

/** What the outcome of these customers asks for is done. @param written those for whom rows were written */
export async function recordApplied(
  database: Database | Transaction,
  options: { listing: string; customers: readonly string[]; written: ReadonlySet<string> },
): Promise<void> {
  const { customers, written } = options;
  await database.execute(sql`
    update ${plan} set applied_at = now(), is_written = ${plan.isWritten} or applied.is_written
    from unnest(
      ${sql.param([...customers])}::text[],
      ${sql.param(customers.map((customer) => written.has(customer)))}::boolean[]
    ) as applied (customer, is_written)
    where ${plan.listing} = ${options.listing} and ${plan.stripeCustomerExternalId} = applied.customer`);
}

/** The next customers of tenants whose own metadata names none; one that names another is left for somebody to look at. */
export async function customersToTag(
  database: Database,
  options: { listing: string; limit: number },
): Promise<{ customer: string; tenant: string }[]> {
  const { rows } = await database.execute<{ customer: string; tenant: string }>(sql`
    select p.stripe_customer_external_id as customer, c.tenant
    from ${plan} p join ${stripeCustomers} c on c.stripe_customer_external_id = p.stripe_customer_external_id
    where p.listing = ${options.listing} and p.outcome in ('known', 'link') and p.tagged_at is null
      and not p.is_deleted and p.tagged_tenant is null
    order by 1 limit ${options.limit}`);
  return rows;
}

/** What was to be done about a customer's metadata is done, or can't be. */
export async function recordTagged(
  database: Database,
  options: { listing: string; customers: readonly string[] },
): Promise<void> {
  await database
    .update(plan)
    .set({ taggedAt: sql`now()` })
    .where(
      and(eq(plan.listing, options.listing), inArray(plan.stripeCustomerExternalId, [...options.customers])),
    );
}

export type PlanCounts = {
  customers: number;
  /** Customers by outcome. */
  outcomes: Record<ImportOutcome, number>;
  applied: number;
  written: number;
  tagged: number;
};

/** How far a plan is. */
export async function countPlan(database: Database, listing: string): Promise<PlanCounts> {
  const { rows } = await database.execute<{
    outcome: ImportOutcome | null;
    customers: number;
    applied: number;
    written: number;
    tagged: number;
  }>(sql`
    select outcome, count(*)::int as customers, count(applied_at)::int as applied,
      count(*) filter (where is_written)::int as written, count(tagged_at)::int as tagged
    from ${plan} where listing = ${listing} group by outcome`);
  const counts: PlanCounts = {
    customers: 0,
    outcomes: { known: 0, link: 0, create: 0, conflict: 0, left: 0 },
    applied: 0,
    written: 0,
    tagged: 0,
  };
  for (const { outcome, ...row } of rows) {
    if (outcome !== null) counts.outcomes[outcome] = row.customers;
    counts.customers += row.customers;
    counts.applied += row.applied;
    counts.written += row.written;
    counts.tagged += row.tagged;
  }
  return counts;
}

/** A line of a plan, as operators read it. */
export type PlannedCustomer = {
  customer: string;
  name: string | null;
  email: string | null;
  outcome: ImportOutcome | null;
  reason: ImportReason | null;
  tenant: string | null;
  candidates: string[];
};

/** A page of a plan in the order of customers, of these outcomes only. @param options.after the last customer of the page before */
export async function plannedCustomers(
  database: Database,
  options: { listing: string; outcomes: readonly ImportOutcome[]; after: string; limit: number },
): Promise<PlannedCustomer[]> {
  return database
    .select({
      customer: plan.stripeCustomerExternalId,
      name: plan.name,
      email: plan.email,
      outcome: plan.outcome,
      reason: plan.reason,
      tenant: plan.tenant,
      candidates: plan.candidates,
    })
    .from(plan)
    .where(
      and(
        eq(plan.listing, options.listing),
        inArray(plan.outcome, [...options.outcomes]),
        gt(plan.stripeCustomerExternalId, options.after),
      ),
    )
    .orderBy(asc(plan.stripeCustomerExternalId))
    .limit(options.limit);
}

/** Products of a listing's prices that we have no row of. @param options.after the last product of the page before */
export async function unknownProductsOf(
  database: Database,
  options: { listing: string; after: string; limit: number },
): Promise<string[]> {
  const { rows } = await database.execute<{ product: string }>(sql`
    select distinct item -> 'price' ->> 'productId' as product
    from ${stripeListings} l cross join lateral json_array_elements(l.body -> 'items') item
    where l.listing = ${options.listing} and item -> 'price' ->> 'productId' > ${options.after} and not exists (
      select from stripe_products p where p.stripe_product_external_id = item -> 'price' ->> 'productId'
    ) order by 1 limit ${options.limit}`);
  return rows.map(({ product }) => product);
}

/** Customers that are nobody's, by reason. */
export async function countLeft(database: Database, listing: string): Promise<Record<string, number>> {
  const { rows } = await database.execute<{ reason: string; customers: number }>(sql`
    select reason, count(*)::int as customers from ${plan}
    where listing = ${listing} and outcome = 'left' group by reason order by reason`);
  return Object.fromEntries(rows.map(({ reason, customers }) => [reason, customers]));
}
