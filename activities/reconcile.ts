import { dueAccess } from '../db/access.ts';
import {
  closeDrift,
  closeUnseenDrift,
  countDrift,
  customersWithDrift,
  productsWithDrift,
  recordDrift,
} from '../db/billing-drift.ts';
import { analyzeListings, forgetListings } from '../db/listings.ts';
import {
  forgetOldListings,
  tenantsToReconcile,
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

/** Reconcile's work on Postgres alone. A run is named by its listing. */
export function createReconcileActivities(dependencies: ActivityDependencies) {
  const { database, licensePrices, metrics } = dependencies;
  return {
    async beginReconcile(): Promise<void> {
      await forgetOldListings(database, { kind: 'reconcile', days: LISTINGS_KEPT_DAYS });
    },

    /** Subscriptions that we hold as going on, and Stripe did not list: of deleted customers, or on test clocks. */
    async unlistedSubscriptions(options: {
      listing: string;
      until: string;
      after: string;
    }): Promise<string[]> {
      if (options.after === '') await analyzeListings(database);
      return unlistedSubscriptions(database, {
        ...options,
        until: new Date(options.until),
        limit: UNLISTED_AT_ONCE,
      });
    },

    /** Records the invoices that we hold as open, and Stripe does not list as such. @returns after which one to go on; null when these were the last */
    async recordUnlistedInvoices(options: {
      listing: string;
      until: string;
      after: string;
    }): Promise<string | null> {
      const { listing } = options;
      const unlisted = await unlistedOpenInvoices(database, {
        ...options,
        until: new Date(options.until),
        limit: UNLISTED_AT_ONCE,
      });
      const drifts = unlisted.map(
        ({ id, customer, tenant }): Drift => ({
          kind: 'invoice',
          subject: id,
          customer,
          tenant,
          field: 'status',
          ours: 'open',
          theirs: 'not open',
        }),
      );
      metrics.driftFound(await recordDrift(database, { run: listing, drifts }));
      return unlisted.length === UNLISTED_AT_ONCE ? (unlisted.at(-1)?.id ?? null) : null;
    },

    /**
     * Holds what follows from our own rows against what the tenants say: the licence count and access. Tenants of which
     * something else stands are left out, because what follows from wrong rows is wrong.
     */
    async reconcileTenants(options: {
      listing: string;
      after: string | null;
    }): Promise<{ checked: number; after: string | null }> {
      const held = await tenantsToReconcile(database, {
        after: options.after ?? NO_TENANT,
        limit: TENANTS_AT_ONCE,
      });
      const trusted = held.filter(({ hasDrift }) => !hasDrift);
      const ids = trusted.map(({ tenant }) => tenant);
      const known = await licensedSubscriptions(database, ids);
      const access = new Map((await dueAccess(database, ids)).map((due) => [due.tenant, due]));
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

    /** The next customers whose sync may bring what the run saw in line. */
    async customersWithDrift(options: { listing: string; after: string }): Promise<string[]> {
      return customersWithDrift(database, {
        run: options.listing,
        after: options.after,
        limit: CUSTOMERS_AT_ONCE,
      });
    },

    async productsWithDrift(options: { listing: string }): Promise<string[]> {
      return productsWithDrift(database, options.listing);
    },

    /** A product's own sync wrote it as Stripe has it. */
    async closeProductDrift(options: { product: string }): Promise<void> {
      metrics.driftRepaired(
        await closeDrift(database, { subjects: [options.product], repair: 'product_sync' }),
      );
    },

    /**
     * Ends a run: counts what it saw, closes what stood before and was not seen again, and removes its listing.
     *
     * @param options.began ISO 8601
     */
    async endReconcile(options: {
      listing: string;
      began: string;
      closes: boolean;
    }): Promise<{ found: number; standing: number }> {
      const { listing } = options;
      if (options.closes) await closeUnseenDrift(database, { run: listing, before: new Date(options.began) });
      const { seen, standing } = await countDrift(database, listing);
      await forgetListings(database, [listing]);
      metrics.reconciled();
      return { found: seen, standing };
    },
  };
}

/** Before all others. */
const NO_TENANT = '00000000-0000-0000-0000-000000000000';
