import { randomUUID } from 'node:crypto';
import type { UnlistedKind } from '../../activities/reconcile.ts';
import type { TestDatabase } from '../database.ts';
import type { activityWorld } from './activity-world.ts';

type World = ReturnType<typeof activityWorld>;
type Page = { last: { id: string } | null; hasMore: boolean };

const SECOND_MS = 1000;

/** Nothing that there is by now was made later, by Stripe's clock of whole seconds. */
export const fromNow = () => Math.ceil(Date.now() / SECOND_MS) + 1;

/** The daily half of a reconcile, its activities in the workflow's order; a test may let something happen between its parts. */
export function reconcileRun(world: World, options: { isDryRun?: boolean } = {}) {
  const listing = `reconcile/${randomUUID()}`;
  const { isDryRun = false } = options;
  const beganS = fromNow();
  const began = new Date(Math.floor(Date.now() / SECOND_MS) * SECOND_MS).toISOString();
  const until = new Date(beganS * SECOND_MS).toISOString();
  const range = { from: 0, before: beganS + 1, listing };

  async function read(page: (of: typeof range & { after: string | null }) => Promise<Page>): Promise<void> {
    for (let after: string | null = null; ; ) {
      const { last, hasMore } = await page({ ...range, after });
      if (!hasMore || last === null) return;
      after = last.id;
    }
  }

  async function unlisted(kind: UnlistedKind): Promise<void> {
    for (let after = ''; ; ) {
      const ids = await world.run(world.unlisted, { kind, listing, until, after });
      const last = ids.at(-1);
      if (last === undefined) return;
      for (const id of ids) await world.run(world.reconcileUnlisted, { kind, listing, id });
      after = last;
    }
  }

  async function repairCustomers(): Promise<string[]> {
    const failed: string[] = [];
    for (let after = ''; !isDryRun; ) {
      const customers = await world.run(world.customersWithDrift, { listing, began, after });
      const last = customers.at(-1);
      if (last === undefined) break;
      for (const customer of customers)
        await world.run(world.repairCustomer, { customer }).catch(() => failed.push(customer));
      after = last;
    }
    return failed;
  }

  const run = {
    listing,
    /** Lists everything and records what differs. */
    async look(): Promise<void> {
      await world.run(world.beginReconcile, undefined);
      await read((of) => world.run(world.reconcileSubscriptions, of));
      await unlisted('subscription');
      await read((of) => world.run(world.reconcileInvoices, of));
      await unlisted('invoice');
      await unlisted('customer');
    },
    /** @returns the customers whose repair failed */
    async repair(): Promise<string[]> {
      const failed = await repairCustomers();
      for (let after: string | null = null; ; ) {
        const page: { after: string | null } = await world.run(world.reconcileTenants, { listing, after });
        after = page.after;
        if (after === null) break;
      }
      return [...failed, ...(await repairCustomers())];
    },
    async products(): Promise<void> {
      for (let after: string | null = null; ; ) {
        const page: { after: string | null } = await world.run(world.reconcilePrices, { listing, after });
        after = page.after;
        if (after === null) break;
      }
      if (isDryRun) return;
      for (const product of await world.run(world.productsWithDrift, { listing, began }))
        await world.run(world.repairProduct, { product });
    },
    end: () => world.run(world.endReconcile, { listing, began, closes: !isDryRun }),
    async whole() {
      await run.look();
      const failed = await run.repair();
      await run.products();
      return { ...(await run.end()), failed };
    },
  };
  return run;
}

export type DriftRow = {
  drift_id: string;
  kind: string;
  subject: string;
  field: string;
  ours: unknown;
  theirs: unknown;
  repair: string | null;
  found_by: string;
  last_seen_by: string;
};

/** What is recorded of these: customers, tenants, or subjects themselves; the oldest first. */
export async function driftOf(pool: TestDatabase['pool'], ...ids: string[]): Promise<DriftRow[]> {
  const { rows } = await pool.query<DriftRow>(
    `select drift_id, kind, subject, field, ours, theirs, repair, found_by, last_seen_by from billing_drift
     where stripe_customer_external_id = any($1) or tenant::text = any($1) or subject = any($1)
     order by detected_at, field`,
    [ids],
  );
  return rows;
}
