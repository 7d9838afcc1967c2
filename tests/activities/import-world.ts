import type { ActivityDependencies } from '../../activities/dependencies.ts';
import { type PlannedCustomer, plannedCustomers } from '../../db/import-plan.ts';
import { type ProofDifference, proofDifferences } from '../../db/import-proof.ts';
import { IMPORT_OUTCOMES } from '../../domain/customer-match.ts';
import { productSubject } from '../../domain/ids.ts';
import type { ListedPage } from '../../domain/listing-ranges.ts';
import { wholeRange } from '../../domain/listing-ranges.ts';
import { type TestDatabase, useDatabase } from '../database.ts';
import { billingRows } from '../db/billing-rows.ts';
import { useStripe } from '../stripe/stripe-simulator.ts';
import { activityWorld } from './activity-world.ts';

/** What an import may write, beside its plan. */
const WRITTEN_TABLES = [
  'tenants',
  'stripe_customers',
  'stripe_subscriptions',
  'stripe_subscription_items',
  'stripe_products',
  'stripe_prices',
  'stripe_webhook_events',
  'stripe_invoices',
  'dunning_cases',
  'notifications',
  'billing_drift',
  'audit_log',
];
/** More than any test has customers. */
const PLAN_MAX = 10_000;
/** A subscription without payment, so that no invoice comes of it. */
const TRIAL_DAYS = 300;

type Listing = { listing: string; until: Date };

/** Stripe, a database, and an import's activities in the order in which its workflow calls them. */
export async function useImport() {
  const connection = await useDatabase();
  const stripeSide = await useStripe();
  const { stripe } = stripeSide;
  const pro = await stripeSide.price();
  const other = await stripeSide.price({ productName: 'Seats of something else' });
  const licensePrices = new Set([pro.id]);
  const own = { database: connection.database, stripe, licensePrices };
  let listings = 0;
  let mails = 0;

  function importer(overrides: Partial<ActivityDependencies> = {}) {
    const world = activityWorld({ ...own, ...overrides });
    const { run } = world;
    const importing = {
      /** Reads all of Stripe's subscriptions. */
      async list(): Promise<Listing> {
        listings += 1;
        const listing = `import/${listings}`;
        const nowS = Math.floor(Date.now() / 1000);
        const { from, before } = wholeRange(nowS);
        for (let after: string | null = null; ; ) {
          const page: ListedPage = await run(world.listForImport, { listing, from, before, after });
          if (!page.hasMore || page.last === null) break;
          after = page.last.id;
        }
        return { listing, until: new Date(nowS * 1000) };
      },
      match: ({ listing }: Listing, createMissing = false) =>
        run(world.matchCustomers, { listing, create_missing: createMissing }),
      async apply({ listing }: Listing) {
        const products = await run(world.unknownProducts, { listing, after: '' });
        for (const product of products)
          await run(world.syncSubject, { subject: productSubject(product), only_pending: false });
        return run(world.applyCustomers, { listing });
      },
      prove: ({ listing, until }: Listing) =>
        run(world.prove, { listing, until: until.toISOString(), after: '' }),
      /** A whole import that is applied. */
      async all(createMissing = false): Promise<Listing> {
        const listing = await importing.list();
        await importing.match(listing, createMissing);
        await importing.apply(listing);
        return listing;
      },
    };
    return { ...world, ...importing };
  }

  return {
    ...connection,
    ...stripeSide,
    rows: billingRows(connection),
    licensePrices,
    /** Sells licences. */
    pro,
    /** Sells something else. */
    other,
    importer,
    /** An address that no other test has. */
    newEmail: () => {
      mails += 1;
      return `owner.${mails}@example.com`;
    },
    /** A customer of Stripe's with a subscription, none of which is known to us. */
    async subscriber(options: {
      email?: string | null;
      name?: string;
      quantity?: number;
      price?: string;
      metadata?: Record<string, string>;
      subscriptionMetadata?: Record<string, string>;
    }) {
      const { email = null, name = 'Lovelace Ltd', quantity = 3, metadata = {} } = options;
      const customer = await stripe.customers.create({ name, metadata, ...(email !== null && { email }) });
      const subscription = await stripe.subscriptions.create({
        customer: customer.id,
        items: [{ price: options.price ?? pro.id, quantity }],
        trial_period_days: TRIAL_DAYS,
        metadata: options.subscriptionMetadata ?? {},
      });
      return { customer: customer.id, subscription };
    },
    /** What the plan says of these customers, in their order. */
    async planOf({ listing }: Listing, ...customers: string[]): Promise<(PlannedCustomer | undefined)[]> {
      const plan = await plannedCustomers(connection.database, {
        listing,
        outcomes: IMPORT_OUTCOMES,
        after: '',
        limit: PLAN_MAX,
      });
      return customers.map((id) => plan.find(({ customer }) => customer === id));
    },
    /** What the proof lists of these subscriptions. */
    async differencesOf(listing: Listing, ...subscriptions: string[]): Promise<ProofDifference[]> {
      const all = await proofDifferences(connection.database, { ...listing, after: '', limit: PLAN_MAX });
      return all.filter(({ subscription }) => subscriptions.includes(subscription));
    },
    fingerprint: () => fingerprint(connection.pool),
  };
}

/** Which version of each row stands in the tables: equal before and after means that nothing was written. */
async function fingerprint(pool: TestDatabase['pool']): Promise<Record<string, string[]>> {
  const versions: Record<string, string[]> = {};
  for (const table of WRITTEN_TABLES) {
    const { rows } = await pool.query(`select ctid::text || ':' || xmin::text as version from ${table}`);
    versions[table] = rows.map(({ version }) => String(version)).sort();
  }
  return versions;
}
