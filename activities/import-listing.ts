import { customerState } from '../db/billing-projection.ts';
import { keepCustomers, type SeenCustomer } from '../db/import-plan.ts';
import { databaseNow, dropListed, keepListed } from '../db/listings.ts';
import { tenantExists } from '../db/tenants.ts';
import { Failure } from '../domain/failures.ts';
import { stripeCustomerIdSchema, stripeSubscriptionIdSchema, tenantIdSchema } from '../domain/ids.ts';
import { isLicenseItem, type LicensePrices } from '../domain/license-count.ts';
import { type ListedPage, listedPage } from '../domain/listing-ranges.ts';
import { isLive, type Subscription } from '../domain/subscription.ts';
import { retrieveCustomer } from '../stripe/customers.ts';
import { tagCustomer } from '../stripe/metadata.ts';
import {
  listSubscriptionPage,
  listSubscriptions,
  retrieveSubscription,
  type SubscriptionPage,
} from '../stripe/subscriptions.ts';
import type { ActivityDependencies } from './dependencies.ts';

/** Where an import reads and writes Stripe; everything else of it is Postgres alone (`activities/import.ts`). */
export function createImportStripeActivities(dependencies: ActivityDependencies) {
  const { database, stripe, licensePrices, livemode } = dependencies;
  const keep = ({ subscriptions, customers, ...of }: KeptPage): Promise<void> =>
    database.transaction(async (transaction) => {
      const page = { kind: 'subscription', objects: subscriptions, withBodies: true } as const;
      await keepListed(transaction, { ...of, ...page });
      await keepCustomers(transaction, { listing: of.listing, customers });
    });
  return {
    /**
     * Reads one page of all of Stripe's subscriptions with their customers, in one request, and keeps it in one
     * transaction. Read twice, it is kept once.
     */
    async listForImport(options: {
      listing: string;
      from: number;
      before: number;
      after: string | null;
    }): Promise<ListedPage> {
      const { listing, ...range } = options;
      const fetchedAt = await databaseNow(database);
      const page = await listSubscriptionPage(stripe, range);
      const subscriptions = page.listed.map((each) => each.subscription);
      const customers = customersOf(page.listed, licensePrices);
      await keep({ listing, fetchedAt, subscriptions, customers });
      return listedPage(subscriptions, page.hasMore);
    },

    /**
     * Reads one subscription and the others of its customer, for a tenant that an operator names: whatever stands in the
     * metadata.
     *
     * @returns how many subscriptions
     * @throws Failure SubscriptionNotFound, TenantNotFound, SubscriptionOfAnotherCustomer when the customer is another tenant's
     */
    async listOneForImport(options: {
      listing: string;
      subscription: string;
      tenant: string;
    }): Promise<number> {
      const { listing, tenant } = options;
      const id = stripeSubscriptionIdSchema.parse(options.subscription);
      if (!(await tenantExists(database, tenant)))
        throw new Failure('TenantNotFound', `There is no tenant ${tenant}`);
      const fetchedAt = await databaseNow(database);
      const wanted = await retrieveSubscription(stripe, id);
      if (wanted === null) throw new Failure('SubscriptionNotFound', `Stripe does not know ${id}`);
      const owner = await customerState(database, wanted.customerId);
      if (owner !== null && owner.tenant !== tenant) {
        throw new Failure('SubscriptionOfAnotherCustomer', `${id} belongs to the tenant ${owner.tenant}`);
      }
      const customer = await retrieveCustomer(stripe, wanted.customerId);
      if (customer === null)
        throw new Failure('CustomerNotFound', `Stripe does not know ${wanted.customerId}`);
      const others = (await listSubscriptions(stripe, wanted.customerId)).filter((each) => each.id !== id);
      const subscriptions = [wanted, ...others];
      const listed = subscriptions.map((subscription) => ({ subscription, customer, livemode }));
      const customers = customersOf(listed, licensePrices).map((seen) => ({
        ...seen,
        isDeleted: false,
        namedTenants: [tenant],
      }));
      await keep({ listing, fetchedAt, subscriptions, customers });
      return subscriptions.length;
    },

    /**
     * Reads a subscription by itself on which list and rows differ, and puts what Stripe says now in the list's place: it
     * may have changed since it was listed, and those on test clocks are never listed.
     */
    async listAgain(options: { listing: string; subscription: string }): Promise<void> {
      const { listing } = options;
      const fetchedAt = await databaseNow(database);
      const id = stripeSubscriptionIdSchema.parse(options.subscription);
      const subscription = await retrieveSubscription(stripe, id);
      if (subscription === null) return dropListed(database, { listing, kind: 'subscription', id });
      await keep({ listing, fetchedAt, subscriptions: [subscription], customers: [] });
    },

    /** Writes the tenant's id to a customer's metadata. @throws Failure CustomerNotFound, CustomerDeleted */
    async tagImportedCustomer(tag: { customer: string; tenant: string; key: string }): Promise<void> {
      await tagCustomer(stripe, {
        id: stripeCustomerIdSchema.parse(tag.customer),
        metadata: { tenant_id: tag.tenant },
        idempotencyKey: `${tag.key}/${tag.customer}`,
      });
    },
  };
}

/** What was read at one moment. */
type KeptPage = {
  listing: string;
  fetchedAt: Date;
  subscriptions: readonly Subscription[];
  customers: readonly SeenCustomer[];
};

/** What a page tells of each of its customers, all of its subscriptions together. */
function customersOf(listed: SubscriptionPage['listed'], licensePrices: LicensePrices): SeenCustomer[] {
  const seen = new Map<string, SeenCustomer>();
  for (const { customer, subscription, livemode } of listed) {
    const before = seen.get(customer.id);
    const taggedTenant = customer.deleted ? null : namedTenant(customer.metadata);
    const named = [taggedTenant, namedTenant(subscription.metadata)].filter((name) => name !== null);
    const isLicensed =
      isLive(subscription.status) &&
      subscription.items.some((item) =>
        isLicenseItem({ priceId: item.price.id, quantity: item.quantity }, licensePrices),
      );
    seen.set(customer.id, {
      customer: customer.id,
      email: customer.deleted ? null : customer.email,
      name: customer.deleted ? null : customer.name,
      isDeleted: customer.deleted,
      livemode,
      hasLiveLicense: isLicensed || (before?.hasLiveLicense ?? false),
      namedTenants: [...new Set([...(before?.namedTenants ?? []), ...named])],
      taggedTenant,
    });
  }
  return [...seen.values()];
}

/** Whatever stands there; a tenant's id in the one way in which we write it. */
function namedTenant({ tenant_id: name }: Record<string, string>): string | null {
  if (!name) return null;
  return tenantIdSchema.safeParse(name).success ? name.toLowerCase() : name;
}
