import { and, eq, inArray, isNull, lt, sql } from 'drizzle-orm';
import type { Drift, DriftKind, DriftRepair } from '../domain/billing-drift.ts';
import type { Database, Transaction } from './connect.ts';
import { billingDrift as drift, stripeCustomers } from './schema.ts';

/**
 * Records differences. One that stands already is seen again, not found again: it keeps its first moment.
 *
 * @param run who looks
 * @returns how many are new, by kind
 */
export async function recordDrift(
  database: Database | Transaction,
  options: { run: string; drifts: readonly Drift[] },
): Promise<Partial<Record<DriftKind, number>>> {
  const { run, drifts } = options;
  if (drifts.length === 0) return {};
  const rows = await database
    .insert(drift)
    .values(
      drifts.map(({ customer, ...each }) => ({
        ...each,
        stripeCustomerExternalId: customer,
        foundBy: run,
        lastSeenBy: run,
      })),
    )
    .onConflictDoUpdate({
      target: [drift.subject, drift.field],
      targetWhere: isNull(drift.repairedAt),
      set: {
        ours: sql`excluded.ours`,
        theirs: sql`excluded.theirs`,
        tenant: sql`excluded.tenant`,
        stripeCustomerExternalId: sql`excluded.stripe_customer_external_id`,
        lastSeenBy: run,
        lastSeenAt: sql`now()`,
      },
    })
    .returning({ kind: drift.kind, foundBy: drift.foundBy });
  const found: Partial<Record<DriftKind, number>> = {};
  for (const { kind, foundBy } of rows) if (foundBy === run) found[kind] = (found[kind] ?? 0) + 1;
  return found;
}

/** What stands and was seen by a run, or by another one since it began, which may be a dry run. */
type SeenBy = { run: string; began: Date };

const standsSeenBy = ({ run, began }: SeenBy) =>
  sql`${drift.repairedAt} is null and (${drift.lastSeenBy} = ${run} or ${drift.lastSeenAt} >= ${began.toISOString()}::timestamptz)`;

/** The next customers whose sync may bring what a run saw in line, in the order of their ids; each is answered once a pass. */
export async function customersWithDrift(
  database: Database,
  options: SeenBy & { after: string; limit: number },
): Promise<string[]> {
  const { rows } = await database.execute<{ customer: string }>(sql`
    select distinct coalesce(${drift.stripeCustomerExternalId}, c.stripe_customer_external_id) as customer
    from ${drift}
    left join ${stripeCustomers} c on ${drift.kind} = 'tenant' and c.tenant = ${drift.tenant}
    where ${standsSeenBy(options)} and ${drift.kind} <> 'product'
      and coalesce(${drift.stripeCustomerExternalId}, c.stripe_customer_external_id) > ${options.after}
    order by 1 limit ${options.limit}`);
  return rows.map(({ customer }) => customer);
}

/** Products that a run saw to differ. */
export async function productsWithDrift(database: Database, options: SeenBy): Promise<string[]> {
  const rows = await database
    .selectDistinct({ subject: drift.subject })
    .from(drift)
    .where(and(standsSeenBy(options), eq(drift.kind, 'product')));
  return rows.map(({ subject }) => subject);
}

/**
 * Closes what stands of these subjects: it was brought in line in the same transaction.
 *
 * @returns how many, by kind
 */
export async function closeDrift(
  database: Database | Transaction,
  options: { subjects: readonly string[]; repair: DriftRepair },
): Promise<Partial<Record<DriftKind, number>>> {
  const closed = await database
    .update(drift)
    .set({ repairedAt: sql`now()`, repair: options.repair })
    .where(and(inArray(drift.subject, [...options.subjects]), isNull(drift.repairedAt)))
    .returning({ kind: drift.kind });
  const counts: Partial<Record<DriftKind, number>> = {};
  for (const { kind } of closed) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** Closes what stood before a run began and was not seen by it: both sides agree again. */
export async function closeUnseenDrift(
  database: Database,
  options: { run: string; before: Date },
): Promise<void> {
  await database
    .update(drift)
    .set({ repairedAt: sql`now()`, repair: 'by_itself' })
    .where(
      and(
        isNull(drift.repairedAt),
        lt(drift.lastSeenAt, options.before),
        sql`${drift.lastSeenBy} <> ${options.run}`,
      ),
    );
}

/** What a run saw. */
export async function countDrift(
  database: Database,
  run: string,
): Promise<{ seen: number; standing: number }> {
  const { rows } = await database.execute<{ seen: number; standing: number }>(sql`
    select count(*)::int as seen, (count(*) filter (where repaired_at is null))::int as standing
    from ${drift} where last_seen_by = ${run}`);
  return rows[0] ?? { seen: 0, standing: 0 };
}

/** A row of the record, as operators read it. */
export type RecordedDrift = {
  kind: DriftKind;
  subject: string;
  customer: string | null;
  tenant: string | null;
  field: string;
  ours: unknown;
  theirs: unknown;
  detected_at: string;
  repaired_at: string | null;
  repair: DriftRepair | null;
};

/** What a run saw, first what stands. */
export async function driftSeenBy(
  database: Database,
  options: { run: string; limit: number },
): Promise<RecordedDrift[]> {
  const { rows } = await database.execute<RecordedDrift>(sql`
    select kind, subject, stripe_customer_external_id as customer, tenant, field, ours, theirs,
      to_json(detected_at)#>>'{}' as detected_at, to_json(repaired_at)#>>'{}' as repaired_at, repair
    from ${drift}
    where last_seen_by = ${options.run}
    order by repaired_at is not null, kind, subject, field limit ${options.limit}`);
  return rows;
}
