import { sql } from 'drizzle-orm';
import type { DunningState } from '../domain/dunning-policy.ts';
import type { Database } from './connect.ts';
import { dunningCases as cases, stripeInvoices as invoices, tenants } from './schema.ts';

export type DunningFigures = {
  openCases: { state: DunningState; cases: number }[];
  /** Minor units. */
  atRisk: { currency: string; minor: number }[];
  /** Open cases that wait for an address. */
  unreachable: number;
  /** Tenants whose access is withheld though nothing of theirs is unpaid, or was written off. */
  restrictedWithoutDebt: number;
};

/** How dunning stands now. Partial indexes answer all of it: what is paid and closed doesn't stand in them. */
export async function dunningFigures(database: Database): Promise<DunningFigures> {
  const [open, atRisk, withheld] = await Promise.all([
    database.execute<{ state: DunningState; cases: number; unreachable: number }>(sql`
      select state, count(*)::int as cases, count(*) filter (where is_unreachable)::int as unreachable
      from ${cases} where closed_at is null group by state`),
    database.execute<{ currency: string; minor: number }>(sql`
      select currency, sum(amount_remaining)::float8 as minor
      from ${invoices} where unpaid_since is not null group by currency`),
    database.execute<{ tenants: number }>(sql`
      select count(*)::int as tenants from ${tenants} t
      where t.access_state in ('restricted', 'suspended')
        and not exists (select 1 from ${invoices} i where i.tenant = t.tenant and i.unpaid_since is not null)
        and not exists (
          select 1 from ${cases} c where c.tenant = t.tenant and c.outcome = 'written_off' and c.access <> 'active'
        )`),
  ]);
  return {
    openCases: open.rows.map(({ state, cases: count }) => ({ state, cases: count })),
    atRisk: atRisk.rows,
    unreachable: open.rows.reduce((sum, row) => sum + row.unreachable, 0),
    restrictedWithoutDebt: withheld.rows[0]?.tenants ?? 0,
  };
}
