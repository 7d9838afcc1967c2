import { type SQL, sql } from 'drizzle-orm';
import type { DunningState } from '../domain/dunning-policy.ts';
import type { Database } from './connect.ts';
import { dunningCases as cases, stripeInvoices as invoices, notifications, tenants } from './schema.ts';

export type DunningFigures = {
  openCases: { state: DunningState; cases: number }[];
  /** Minor units. */
  atRisk: { currency: string; minor: number }[];
  /** Open cases that wait for an address. */
  unreachable: number;
  /** Tenants whose access is withheld though nothing of theirs is unpaid, or was or is being written off. */
  restrictedWithoutDebt: number;
  /** Mails that were decided and not sent, and for how long the oldest of them has waited. */
  mails: { waiting: number; oldestMs: number };
};

/**
 * How dunning and the mails stand now.
 *
 * @throws whatever Postgres says
 */
export async function dunningFigures(database: Database): Promise<DunningFigures> {
  const queries = dunningFigureQueries();
  const [open, atRisk, withheld, mails] = await Promise.all([
    database.execute<{ state: DunningState; cases: number; unreachable: number }>(queries.openCases),
    database.execute<{ currency: string; minor: number }>(queries.atRisk),
    database.execute<{ tenants: number }>(queries.restrictedWithoutDebt),
    database.execute<DunningFigures['mails']>(queries.mails),
  ]);
  return {
    openCases: open.rows.map(({ state, cases: count }) => ({ state, cases: count })),
    atRisk: atRisk.rows,
    unreachable: open.rows.reduce((sum, row) => sum + row.unreachable, 0),
    restrictedWithoutDebt: withheld.rows[0]?.tenants ?? 0,
    mails: mails.rows[0] ?? { waiting: 0, oldestMs: 0 },
  };
}

/**
 * Partial indexes answer all of it: what is paid, closed and sent doesn't stand in them. Exported so that a test can ask
 * Postgres for the plans.
 */
export function dunningFigureQueries(): Record<
  'openCases' | 'atRisk' | 'restrictedWithoutDebt' | 'mails',
  SQL
> {
  return {
    openCases: sql`
      select state, count(*)::int as cases, count(*) filter (where is_unreachable)::int as unreachable
      from ${cases} where closed_at is null group by state`,
    atRisk: sql`
      select i.currency, sum(i.amount_remaining)::float8 as minor
      from ${cases} c
      join ${invoices} i on i.tenant = c.tenant and i.stripe_subscription_id = c.stripe_subscription_id
      where c.closed_at is null and i.unpaid_since is not null
        and i.stripe_invoice_external_id <> all(c.excluded_invoices)
      group by i.currency`,
    // Not by the rule that sets access: a fault of that one has to show here. Counted for each tenant by itself, because
    // as a join Postgres would read every case that ever was.
    restrictedWithoutDebt: sql`
      select count(*)::int as tenants from ${tenants} t
      where t.access_state in ('restricted', 'suspended')
        and not exists (select 1 from ${invoices} i where i.tenant = t.tenant and i.unpaid_since is not null)
        and 0 = (
          select count(*) from ${cases} c
          join ${invoices} i on i.stripe_invoice_external_id = c.anchor_invoice
          where c.tenant = t.tenant and (
            c.outcome = 'written_off' and i.status in ('open', 'uncollectible')
            -- Will be closed as written off.
            or c.closed_at is null and i.status = 'uncollectible'
          )
        )`,
    // A case that is paused keeps its mail back, so that one doesn't wait for anybody.
    mails: sql`
      select count(*)::int as waiting,
        coalesce(extract(epoch from now() - min(n.created_at)) * 1000, 0)::float8 as "oldestMs"
      from ${notifications} n
      left join ${cases} c on c.tenant = n.tenant and c.dunning_case_id = n.dunning_case_id
      where n.status = 'queued' and (c.paused_until is null or c.paused_until <= now())`,
  };
}
