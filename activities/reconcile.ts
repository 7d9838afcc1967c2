import { dueAccess } from '../db/access.ts';
import {
  closeUnseenDrift,
  countDrift,
  customersWithDrift,
  productsWithDrift,
  recordDrift,
} from '../db/billing-drift.ts';
import { analyzeListings, forgetListing, forgetOldListings } from '../db/listings.ts';
import {
  atOneMoment,
  moveCursor,
  tenantsToReconcile,
  unlistedCustomers,
  unlistedOpenInvoices,
  unlistedSubscriptions,
} from '../db/reconcile.ts';
import { licensedSubscriptions } from '../db/subscriptions.ts';
import { type Drift, differences } from '../domain/billing-drift.ts';
import { licenseCount } from '../domain/license-count.ts';
import type { ActivityDependencies } from './dependencies.ts';

/** What runs that were cut off left is kept for so long, for whoever looks into it. */
const LISTINGS_KEPT_DAYS = 2;
const TENANTS_AT_ONCE = 500;
const UNLISTED_AT_ONCE = 100;
const CUSTOMERS_AT_ONCE = 200;

/** What is read by itself when no list holds it. */
export type UnlistedKind = 'subscription' | 'invoice' | 'customer';
const UNLISTED = {
  subscription: unlistedSubscriptions,
  invoice: unlistedOpenInvoices,
  customer: unlistedCustomers,
} as const;

/** Reconcile's work on Postgres alone. A run is named by its listing. */
export function createReconcileActivities(dependencies: ActivityDependencies) {
  const { database, licensePrices, metrics } = dependencies;
  return {
    async beginReconcile(): Promise<void> {
      await forgetOldListings(database, { kind: 'reconcile', days: LISTINGS_KEPT_DAYS });
    },

    /**
     * The next of what we hold as going on and no list of Stripe's holds: subscriptions and customers that are deleted or on
     * test clocks, invoices that are no longer open.
     */
    async unlisted(options: {
      kind: UnlistedKind;
      listing: string;
      until: string;
      after: string;
    }): Promise<string[]> {
      const { kind, ...of } = options;
      if (kind === 'subscription' && of.after === '') await analyzeListings(database);
      return UNLISTED[kind](database, { ...of, until: new Date(of.until), limit: UNLISTED_AT_ONCE });
    },

    /**
     * Holds what follows from our own rows against what the tenants say: the licence count and access. Tenants of which
     * something else stands are left out, because what follows from wrong rows is wrong.
     */
    async reconcileTenants(options: {
      listing: string;
      after: string | null;
    }): Promise<{ checked: number; after: string | null }> {
      const { held, trusted, known, access } = await atOneMoment(database, async (transaction) => {
        const page = { after: options.after ?? NO_TENANT, limit: TENANTS_AT_ONCE };
        const found = await tenantsToReconcile(transaction, page);
        const of = found.filter(({ hasDrift }) => !hasDrift);
        const ids = of.map(({ tenant }) => tenant);
        const due = (await dueAccess(transaction, ids)).map((each) => [each.tenant, each] as const);
        return {
          held: found,
          trusted: of,
          known: await licensedSubscriptions(transaction, ids),
          access: new Map(due),
        };
      });
      const drifts = trusted.flatMap(({ tenant, licensedUserCount }) => {
        const due = access.get(tenant);
        const ours = { licensed_user_count: licensedUserCount, access_state: due?.held };
        const theirs = {
          licensed_user_count: licenseCount(known.get(tenant) ?? [], licensePrices),
          access_state: due?.state,
        };
        return differences(ours, theirs).map(
          (difference): Drift => ({ kind: 'tenant', subject: tenant, customer: null, tenant, ...difference }),
        );
      });
      metrics.driftFound(await recordDrift(database, { run: options.listing, drifts }));
      const isLast = held.length < TENANTS_AT_ONCE;
      return { checked: held.length, after: isLast ? null : (held.at(-1)?.tenant ?? null) };
    },

    /** The next customers whose sync may bring what was seen in line. @param options.began ISO 8601 */
    async customersWithDrift(options: { listing: string; began: string; after: string }): Promise<string[]> {
      const { listing: run, after } = options;
      return customersWithDrift(database, {
        run,
        began: new Date(options.began),
        after,
        limit: CUSTOMERS_AT_ONCE,
      });
    },

    /** @param options.began ISO 8601 */
    async productsWithDrift(options: { listing: string; began: string }): Promise<string[]> {
      return productsWithDrift(database, { run: options.listing, began: new Date(options.began) });
    },

    /**
     * Ends a run: counts what it saw, closes what stood before and was not seen again, and removes its listing.
     *
     * @param options.began ISO 8601
     * @param options.closes whether it looked at everything and repaired what it could
     */
    async endReconcile(options: {
      listing: string;
      began: string;
      closes: boolean;
    }): Promise<{ found: number; standing: number }> {
      const { listing } = options;
      const began = new Date(options.began);
      if (options.closes) {
        await closeUnseenDrift(database, { run: listing, before: began });
        await moveCursor(database, { name: 'billing', readUntil: began });
      }
      const { seen, standing } = await countDrift(database, listing);
      await forgetListing(database, listing);
      metrics.reconciled();
      return { found: seen, standing };
    },
  };
}

/** Before all others. */
const NO_TENANT = '00000000-0000-0000-0000-000000000000';
