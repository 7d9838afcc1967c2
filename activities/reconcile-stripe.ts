import { closeDrift, recordDrift } from '../db/billing-drift.ts';
import { customerState, writeSnapshot } from '../db/billing-projection.ts';
import { databaseNow, keepListed } from '../db/listings.ts';
import {
  type HeldInvoiceFields,
  type HeldPrice,
  heldInvoiceFields,
  heldPrices,
  reconciledCustomers,
} from '../db/reconcile.ts';
import { heldSubscriptions } from '../db/subscriptions.ts';
import {
  type Difference,
  type Drift,
  type DriftKind,
  differences,
  EXISTENCE,
  subscriptionDifferences,
} from '../domain/billing-drift.ts';
import { stripeCustomerIdSchema, stripeSubscriptionIdSchema } from '../domain/ids.ts';
import type { Invoice } from '../domain/invoice.ts';
import type { Subscription } from '../domain/subscription.ts';
import { projectSubscription } from '../domain/subscription-projection.ts';
import { listOpenInvoicePage } from '../stripe/invoices.ts';
import { listPricePage, type PricedProduct } from '../stripe/products.ts';
import { listSubscriptionPage, retrieveSubscription } from '../stripe/subscriptions.ts';
import { fetchSnapshot } from './customer-snapshot.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { ListedObjects } from './import-listing.ts';
import { retryStale } from './stale-snapshot.ts';

type Range = { from: number; before: number; after: string | null };

/** Reconcile's work that reads Stripe: each call is one request, but a repair. A run is named by its listing. */
export function createReconcileStripeActivities(dependencies: ActivityDependencies) {
  const { database, stripe, metrics } = dependencies;
  return {
    /** Reads one page of all subscriptions and records where ours differ. */
    async reconcileSubscriptions(options: Range & { listing: string }): Promise<ListedObjects> {
      const { listing, ...range } = options;
      const fetchedAt = await databaseNow(database);
      const page = await listSubscriptionPage(stripe, range);
      const subscriptions = page.listed.map(({ subscription }) => subscription);
      await keepListed(database, {
        listing,
        kind: 'subscription',
        fetchedAt,
        objects: subscriptions,
        withBodies: false,
      });
      await recordSubscriptions(dependencies, { listing, fetchedAt, subscriptions });
      return listed(subscriptions, page.hasMore);
    },

    /** Reads one subscription that no list holds. One that Stripe does not know is recorded, and never ended for that alone. */
    async reconcileUnlisted(options: { listing: string; subscription: string }): Promise<void> {
      const { listing } = options;
      const fetchedAt = await databaseNow(database);
      const id = stripeSubscriptionIdSchema.parse(options.subscription);
      const subscription = await retrieveSubscription(stripe, id);
      if (subscription !== null)
        return recordSubscriptions(dependencies, { listing, fetchedAt, subscriptions: [subscription] });
      const ours = (await heldSubscriptions(database, [id])).get(id);
      if (ours === undefined) return;
      const drift: Drift = {
        kind: 'subscription',
        subject: id,
        customer: ours.customerId,
        tenant: ours.tenant,
        field: EXISTENCE,
        ours: ours.status,
        theirs: null,
      };
      metrics.driftFound(await recordDrift(database, { run: listing, drifts: [drift] }));
    },

    /** Reads one page of all open invoices and records where ours differ. */
    async reconcileInvoices(options: Range & { listing: string }): Promise<ListedObjects> {
      const { listing, ...range } = options;
      const fetchedAt = await databaseNow(database);
      const { invoices, hasMore } = await listOpenInvoicePage(stripe, range);
      await keepListed(database, {
        listing,
        kind: 'invoice',
        fetchedAt,
        objects: invoices,
        withBodies: false,
      });
      const held = await heldInvoiceFields(
        database,
        invoices.map(({ id }) => id),
      );
      await record(dependencies, {
        listing,
        fetchedAt,
        kind: 'invoice',
        compared: invoices.map((invoice) => ({
          id: invoice.id,
          customer: invoice.customerId,
          differences: invoiceDifferences(held.get(invoice.id), invoice),
        })),
      });
      return listed(invoices, hasMore);
    },

    /** Reads one page of all prices with their products and records where those that we hold differ. */
    async reconcilePrices(options: {
      listing: string;
      after: string | null;
    }): Promise<{ count: number; after: string | null }> {
      const { prices, hasMore } = await listPricePage(stripe, options.after);
      const held = await heldPrices(
        database,
        prices.map(({ price }) => price.id),
      );
      const drifts = prices.flatMap((priced) => {
        const ours = held.get(priced.price.id);
        return ours === undefined ? [] : priceDrift(ours, priced);
      });
      const unique = [...new Map(drifts.map((drift) => [`${drift.subject} ${drift.field}`, drift])).values()];
      metrics.driftFound(await recordDrift(database, { run: options.listing, drifts: unique }));
      return { count: held.size, after: hasMore ? (prices.at(-1)?.price.id ?? null) : null };
    },

    /**
     * Brings a customer in line as billing sync does, its invoices too, and closes in the same transaction what stands of
     * everything that Stripe answered. What Stripe did not answer stays recorded.
     */
    async repairCustomer(options: { customer: string }): Promise<void> {
      const customer = stripeCustomerIdSchema.parse(options.customer);
      const dunned = await retryStale(async () => {
        const state = await customerState(database, customer);
        if (state === null) return [];
        const snapshot = await fetchSnapshot(dependencies, {
          customer,
          state,
          events: [],
          withInvoices: true,
        });
        const { licensePrices, billingTenant, dunningPolicy } = dependencies;
        const applied = await database.transaction(async (transaction) => {
          const write = { snapshot, verdicts: [], licensePrices, billingTenant, dunningPolicy };
          const written = await writeSnapshot(transaction, { ...write, now: dependencies.now() });
          const subjects = [
            state.tenant,
            ...snapshot.subscriptions.map(({ id }) => id),
            ...(snapshot.invoices ?? []).map(({ invoice }) => invoice.id),
          ];
          const closed = await closeDrift(transaction, { subjects, repair: 'billing_sync' });
          return { ...written, closed };
        });
        metrics.driftRepaired(applied.closed);
        return applied.dunned;
      });
      // The sweep wakes a case that nobody woke.
      for (const subscription of dunned) await dependencies.wakeDunning(subscription);
    },
  };
}

/** What was listed last decides where the list goes on. */
function listed(objects: readonly { id: string; createdAt: Date }[], hasMore: boolean): ListedObjects {
  const last = objects.at(-1);
  return {
    count: objects.length,
    last: last === undefined ? null : { id: last.id, createdS: last.createdAt.getTime() / 1000 },
    hasMore,
  };
}

async function recordSubscriptions(
  dependencies: ActivityDependencies,
  options: { listing: string; fetchedAt: Date; subscriptions: readonly Subscription[] },
): Promise<void> {
  const { subscriptions, ...run } = options;
  const held = await heldSubscriptions(
    dependencies.database,
    subscriptions.map(({ id }) => id),
  );
  await record(dependencies, {
    ...run,
    kind: 'subscription',
    compared: subscriptions.map((subscription) => ({
      id: subscription.id,
      customer: subscription.customerId,
      differences: subscriptionDifferences(
        held.get(subscription.id) ?? null,
        projectSubscription(subscription, dependencies.licensePrices),
      ),
    })),
  });
}

/**
 * Records differences of customers that are ours. Those of a customer that was synced since Stripe was asked, or whose
 * events wait in the inbox, are on their way and no drift.
 */
async function record(
  { database, metrics }: ActivityDependencies,
  options: {
    listing: string;
    fetchedAt: Date;
    kind: DriftKind;
    compared: readonly { id: string; customer: string; differences: Difference[] }[];
  },
): Promise<void> {
  const differing = options.compared.filter((each) => each.differences.length > 0);
  const ours = await reconciledCustomers(
    database,
    differing.map(({ customer }) => customer),
  );
  const drifts = differing.flatMap(({ id, customer, differences: found }) => {
    const known = ours.get(customer);
    const isOnItsWay =
      known === undefined ||
      known.isPending ||
      (known.syncedAt !== null && known.syncedAt >= options.fetchedAt);
    if (isOnItsWay) return [];
    return found.map(
      (difference): Drift => ({
        kind: options.kind,
        subject: id,
        customer,
        tenant: known.tenant,
        ...difference,
      }),
    );
  });
  metrics.driftFound(await recordDrift(database, { run: options.listing, drifts }));
}

function invoiceDifferences(held: HeldInvoiceFields | undefined, invoice: Invoice): Difference[] {
  if (held === undefined) return [{ field: EXISTENCE, ours: null, theirs: invoice.status }];
  return differences(held, {
    status: invoice.status,
    amountDue: invoice.amountDueMinor,
    amountPaid: invoice.amountPaidMinor,
    amountRemaining: invoice.amountRemainingMinor,
    attemptCount: invoice.attemptCount,
    nextPaymentAttempt: invoice.nextPaymentAttempt,
    dueDate: invoice.dueDate,
  });
}

/** A deleted product keeps the name that it had; all that is known of it is that it is no longer active. */
function priceDrift(held: HeldPrice, { price, product }: PricedProduct): Drift[] {
  const theirs = {
    productId: price.productId,
    unitAmount: price.unitAmountMinor,
    currency: price.currency,
    recurringInterval: price.recurring?.interval ?? null,
    recurringIntervalCount: price.recurring?.intervalCount ?? null,
    isActive: price.active && product !== null,
    metadata: price.metadata,
    ...(product === null
      ? { isProductActive: false }
      : {
          productName: product.name,
          productDescription: product.description,
          isProductActive: product.active,
          productMetadata: product.metadata,
        }),
  };
  return differences(held, theirs).map((difference) => ({
    kind: 'product',
    subject: price.productId,
    customer: null,
    tenant: null,
    ...difference,
    field: `${price.id} ${difference.field}`,
  }));
}
