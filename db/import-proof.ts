import { sql } from 'drizzle-orm';
import type { Database } from './connect.ts';
import { importedCustomers, stripeCustomers, stripeListings, stripeSubscriptions } from './schema.ts';

/** A subscription of which Stripe's list and our rows say different things, and no decision of the plan says why. */
export type ProofDifference = {
  subscription: string;
  customer: string;
  /** null: Stripe does not list it. */
  stripe: string | null;
  /** null: we have no row. */
  ours: string | null;
};

export type ProofCount = {
  status: string;
  stripe: number;
  ours: number;
  left_out: number;
  differing: number;
};

/**
 * Each subscription with what both sides say. Ours that Stripe made after the listing began are none of its business; nor
 * are Stripe's whose customer is left out by the plan, as long as we have no row of them.
 */
const compared = (listing: string, until: Date) => sql`
  select coalesce(listed.subscription, held.subscription) as subscription,
    coalesce(listed.customer, held.customer) as customer, listed.status as stripe, held.status as ours,
    (held.subscription is null and coalesce(listed.is_left_out, false)) as is_left_out
  from (
    select l.object_external_id as subscription, l.stripe_customer_external_id as customer, l.status,
      p.outcome in ('conflict', 'left') as is_left_out
    from ${stripeListings} l
    left join ${importedCustomers} p
      on p.listing = l.listing and p.stripe_customer_external_id = l.stripe_customer_external_id
    where l.listing = ${listing} and l.kind = 'subscription'
  ) listed
  full join (
    select s.stripe_subscription_external_id as subscription, c.stripe_customer_external_id as customer, s.status,
      s.stripe_created_at
    from ${stripeSubscriptions} s
    join ${stripeCustomers} c on c.tenant = s.tenant and c.stripe_customer_id = s.stripe_customer_id
    where s.stripe_created_at <= ${until.toISOString()}::timestamptz
  ) held on held.subscription = listed.subscription`;

/**
 * Both sides counted by status.
 *
 * @param until when the listing began
 */
export async function countProof(
  database: Database,
  { listing, until }: { listing: string; until: Date },
): Promise<ProofCount[]> {
  const { rows } = await database.execute<ProofCount>(sql`
    select side.status, sum(side.stripe)::int as stripe, sum(side.ours)::int as ours,
      sum(side.left_out)::int as left_out, sum(side.differing)::int as differing
    from (${compared(listing, until)}) c
    cross join lateral (
      values
        (c.stripe, 1, 0, c.is_left_out::int, (c.stripe is distinct from c.ours and not c.is_left_out)::int),
        (c.ours, 0, 1, 0, (c.stripe is null)::int)
    ) as side (status, stripe, ours, left_out, differing)
    where side.status is not null
    group by side.status order by side.status`);
  return rows;
}

/** The differences themselves, by subscription. @param options.after the last subscription of the page before */
export async function proofDifferences(
  database: Database,
  options: { listing: string; until: Date; after: string; limit: number },
): Promise<ProofDifference[]> {
  const { rows } = await database.execute<ProofDifference>(sql`
    select c.subscription, c.customer, c.stripe, c.ours
    from (${compared(options.listing, options.until)}) c
    where c.stripe is distinct from c.ours and not c.is_left_out and c.subscription > ${options.after}
    order by c.subscription limit ${options.limit}`);
  return rows;
}
