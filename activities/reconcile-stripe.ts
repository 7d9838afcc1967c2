import { closeDrift, recordDrift } from '../db/billing-drift.ts';
import { type CustomerSnapshot, customerState, writeSnapshot } from '../db/billing-projection.ts';
import { applyProduct } from '../db/catalog.ts';
import type { Transaction } from '../db/connect.ts';
import { databaseNow, keepListed } from '../db/listings.ts';
import {
  atOneMoment,
  type HeldInvoiceFields,
  type HeldPrice,
  heldInvoiceFields,
  heldPrices,
  pendingSubjects,
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
import {
  productSubject,
  stripeCustomerIdSchema,
  stripeInvoiceIdSchema,
  stripeProductIdSchema,
  stripeSubscriptionIdSchema,
} from '../domain/ids.ts';
import type { Invoice } from '../domain/invoice.ts';
import type { LicensePrices } from '../domain/license-count.ts';
import { type ListedPage, listedPage } from '../domain/listing-ranges.ts';
import type { Customer, Subscription } from '../domain/subscription.ts';
import { projectSubscription } from '../domain/subscription-projection.ts';
import { retrieveCustomer } from '../stripe/customers.ts';
import { listOpenInvoicePage, retrieveInvoice } from '../stripe/invoices.ts';
import { listPricePage, type PricedProduct } from '../stripe/products.ts';
import { listSubscriptionPage, retrieveSubscription } from '../stripe/subscriptions.ts';
import { fetchSnapshot } from './customer-snapshot.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { fetchProduct } from './product-snapshot.ts';
import type { UnlistedKind } from './reconcile.ts';
import { retryStale } from './stale-snapshot.ts';

type Range = { from: number; before: number; after: string | null };

/** Reconcile's work that reads Stripe: each call is one request, but a repair. A run is named by its listing. */
export function createReconcileStripeActivities(dependencies: ActivityDependencies) {
  const { database, stripe, metrics } = dependencies;
  return {
    /** Reads one page of all subscriptions and records where ours differ. */
    async reconcileSubscriptions(options: Range & { listing: string }): Promise<ListedPage> {
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
      const customers = new Map(page.listed.map(({ customer }) => [customer.id, customer]));
      await recordCustomers(dependencies, { listing, fetchedAt, customers });
      return listedPage(subscriptions, page.hasMore);
    },

    /**
     * Reads one object that no list holds: of a deleted customer, on a test clock, or no longer open. One that Stripe does
     * not know, or whose id can't be one of Stripe's, is recorded as such, and nothing follows from that alone.
     */
    async reconcileUnlisted(options: { kind: UnlistedKind; listing: string; id: string }): Promise<void> {
      const { kind, listing, id } = options;
      const run = { listing, fetchedAt: await databaseNow(database) };
      switch (kind) {
        case 'subscription': {
          const subscription = await ifPossible(stripeSubscriptionIdSchema, id, (known) =>
            retrieveSubscription(stripe, known),
          );
          return subscription === null
            ? recordUnknownSubscription(dependencies, { ...run, id })
            : recordSubscriptions(dependencies, { ...run, subscriptions: [subscription] });
        }
        case 'invoice': {
          const invoice = await ifPossible(stripeInvoiceIdSchema, id, (known) =>
            retrieveInvoice(stripe, known),
          );
          return recordInvoices(dependencies, { ...run, invoices: new Map([[id, invoice]]) });
        }
        case 'customer': {
          const customer = await ifPossible(stripeCustomerIdSchema, id, (known) =>
            retrieveCustomer(stripe, known),
          );
          return recordCustomers(dependencies, {
            ...run,
            customers: new Map([[id, customer]]),
            isGoneDrift: true,
          });
        }
        default:
          return kind satisfies never;
      }
    },

    /** Reads one page of all open invoices and records where ours differ. */
    async reconcileInvoices(options: Range & { listing: string }): Promise<ListedPage> {
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
      const byId = new Map(invoices.map((invoice) => [invoice.id, invoice]));
      await recordInvoices(dependencies, { listing, fetchedAt, invoices: byId });
      return listedPage(invoices, hasMore);
    },

    /** Reads one page of all prices with their products and records where those that we hold differ. */
    async reconcilePrices(options: {
      listing: string;
      after: string | null;
    }): Promise<{ count: number; after: string | null }> {
      const fetchedAt = await databaseNow(database);
      const { prices, hasMore } = await listPricePage(stripe, options.after);
      const { drifts, count } = await atOneMoment(database, async (transaction) => {
        const held = await heldPrices(
          transaction,
          prices.map(({ price }) => price.id),
        );
        const found = prices.flatMap((priced) => {
          const ours = held.get(priced.price.id);
          const isNewer = ours !== undefined && ours.updatedAt >= fetchedAt;
          return ours === undefined || isNewer ? [] : priceDrift(ours, priced);
        });
        const pending = await pendingSubjects(
          transaction,
          found.map(({ subject }) => productSubject(subject)),
        );
        return {
          count: held.size,
          drifts: found.filter(({ subject }) => !pending.has(productSubject(subject))),
        };
      });
      // The same product stands beside each of its prices.
      const unique = [...new Map(drifts.map((drift) => [`${drift.subject} ${drift.field}`, drift])).values()];
      metrics.driftFound(await recordDrift(database, { run: options.listing, drifts: unique }));
      return { count, after: hasMore ? (prices.at(-1)?.price.id ?? null) : null };
    },

    /** Brings a product and its prices in line as its own sync does, and closes in the same transaction what stands of it. */
    async repairProduct(options: { product: string }): Promise<void> {
      const productId = stripeProductIdSchema.parse(options.product);
      const closed = await retryStale(async () => {
        const write = await fetchProduct(dependencies, productId);
        return database.transaction(async (transaction) => {
          await applyProduct(transaction, write);
          return closeDrift(transaction, { subjects: [productId], repair: 'product_sync' });
        });
      });
      metrics.driftRepaired(closed);
    },

    /**
     * Brings a customer in line as billing sync does, its invoices too, and closes in the same transaction what stands of
     * everything that agrees by then with what Stripe answered. What Stripe did not answer stays recorded.
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
          withContact: true,
        });
        const { licensePrices, billingTenant, dunningPolicy } = dependencies;
        const applied = await database.transaction(async (transaction) => {
          const write = { snapshot, verdicts: [], licensePrices, billingTenant, dunningPolicy };
          const written = await writeSnapshot(transaction, { ...write, now: dependencies.now() });
          const subjects = [state.tenant, ...(await agreeing(transaction, { snapshot, licensePrices }))];
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

/** Asks Stripe for what a row of ours names. @returns null also for what can't be an id of Stripe's: it is not asked for */
async function ifPossible<Id, Found>(
  schema: { safeParse(text: string): { success: true; data: Id } | { success: false } },
  id: string,
  retrieve: (id: Id) => Promise<Found | null>,
): Promise<Found | null> {
  const parsed = schema.safeParse(id);
  return parsed.success ? retrieve(parsed.data) : null;
}

/** What stands in our rows as a snapshot has it. */
async function agreeing(
  transaction: Transaction,
  options: { snapshot: CustomerSnapshot; licensePrices: LicensePrices },
): Promise<string[]> {
  const { snapshot, licensePrices } = options;
  const invoices = (snapshot.invoices ?? []).map(({ invoice }) => invoice);
  const compared = [
    ...(await compareSubscriptions(transaction, { subscriptions: snapshot.subscriptions, licensePrices })),
    ...(await compareInvoices(transaction, new Map(invoices.map((invoice) => [invoice.id, invoice])))),
  ];
  const subjects = compared.filter((each) => each.differences.length === 0).map(({ id }) => id);
  return snapshot.contact === null ? subjects : [...subjects, snapshot.customer];
}

/** Whose it is, and where it differs. */
type Compared = { id: string; customer: string; differences: Difference[] };

async function compareSubscriptions(
  transaction: Transaction,
  options: { subscriptions: readonly Subscription[]; licensePrices: LicensePrices },
): Promise<Compared[]> {
  const { subscriptions, licensePrices } = options;
  const held = await heldSubscriptions(
    transaction,
    subscriptions.map(({ id }) => id),
  );
  return subscriptions.map((subscription) => ({
    id: subscription.id,
    customer: subscription.customerId,
    differences: subscriptionDifferences(
      held.get(subscription.id) ?? null,
      projectSubscription(subscription, licensePrices),
    ),
  }));
}

/** @param invoices by their ids; null for one that Stripe does not know */
async function compareInvoices(
  transaction: Transaction,
  invoices: ReadonlyMap<string, Invoice | null>,
): Promise<Compared[]> {
  const held = await heldInvoiceFields(transaction, [...invoices.keys()]);
  return [...invoices].flatMap(([id, invoice]) => {
    const ours = held.get(id);
    const customer = invoice?.customerId ?? ours?.customerId;
    return customer === undefined ? [] : [{ id, customer, differences: invoiceDifferences(ours, invoice) }];
  });
}

/** What a run saw, and by the database's clock the moment before Stripe was asked. */
type Sight = { listing: string; fetchedAt: Date };

function recordSubscriptions(
  dependencies: ActivityDependencies,
  { subscriptions, ...sight }: Sight & { subscriptions: readonly Subscription[] },
): Promise<void> {
  const { licensePrices } = dependencies;
  return record(dependencies, {
    ...sight,
    kind: 'subscription',
    compare: (transaction) => compareSubscriptions(transaction, { subscriptions, licensePrices }),
  });
}

function recordUnknownSubscription(
  dependencies: ActivityDependencies,
  { id, ...sight }: Sight & { id: string },
): Promise<void> {
  return record(dependencies, {
    ...sight,
    kind: 'subscription',
    compare: async (transaction) => {
      const ours = (await heldSubscriptions(transaction, [id])).get(id);
      if (ours === undefined) return [];
      const difference = { field: EXISTENCE, ours: ours.status, theirs: null };
      return [{ id, customer: ours.customerId, differences: [difference] }];
    },
  });
}

function recordInvoices(
  dependencies: ActivityDependencies,
  { invoices, ...sight }: Sight & { invoices: ReadonlyMap<string, Invoice | null> },
): Promise<void> {
  return record(dependencies, {
    ...sight,
    kind: 'invoice',
    compare: (transaction) => compareInvoices(transaction, invoices),
  });
}

/**
 * @param options.customers by their ids; null for one that Stripe does not know
 * @param options.isGoneDrift whether one that Stripe does not have any more is a difference: what it bought may have ended
 * long ago, and then it is none
 */
function recordCustomers(
  dependencies: ActivityDependencies,
  options: Sight & { customers: ReadonlyMap<string, Customer | null>; isGoneDrift?: boolean },
): Promise<void> {
  const { customers, isGoneDrift = false, ...sight } = options;
  const gone = (customer: Customer | null): Difference[] =>
    isGoneDrift ? [{ field: EXISTENCE, ours: 'known', theirs: customer === null ? null : 'deleted' }] : [];
  return record(dependencies, {
    ...sight,
    kind: 'customer',
    compare: async (transaction) => {
      const held = await reconciledCustomers(transaction, [...customers.keys()]);
      return [...customers].flatMap(([id, customer]): Compared[] => {
        const ours = held.get(id);
        if (ours === undefined) return [];
        if (customer === null || customer.deleted) return [{ id, customer: id, differences: gone(customer) }];
        const { email, name } = customer;
        const found = differences({ email: ours.email, name: ours.name }, { email, name });
        return [{ id, customer: id, differences: found }];
      });
    },
  });
}

/**
 * Records differences of customers that are ours. Those of a customer that was synced since Stripe was asked, or whose
 * events wait in the inbox, are on their way and no drift.
 */
async function record(
  { database, metrics }: ActivityDependencies,
  options: Sight & { kind: DriftKind; compare: (transaction: Transaction) => Promise<Compared[]> },
): Promise<void> {
  const drifts = await atOneMoment(database, async (transaction) => {
    const differing = (await options.compare(transaction)).filter((each) => each.differences.length > 0);
    if (differing.length === 0) return [];
    const ours = await reconciledCustomers(
      transaction,
      differing.map(({ customer }) => customer),
    );
    const pending = await pendingSubjects(
      transaction,
      differing.flatMap(({ id, customer }) => [id, customer]),
    );
    return differing.flatMap(({ id, customer, differences: found }) => {
      const known = ours.get(customer);
      const isOnItsWay =
        known === undefined ||
        pending.has(id) ||
        pending.has(customer) ||
        (known.syncedAt !== null && known.syncedAt >= options.fetchedAt);
      if (isOnItsWay) return [];
      const about = { kind: options.kind, subject: id, customer, tenant: known.tenant };
      return found.map((difference): Drift => ({ ...about, ...difference }));
    });
  });
  metrics.driftFound(await recordDrift(database, { run: options.listing, drifts }));
}

function invoiceDifferences(held: HeldInvoiceFields | undefined, invoice: Invoice | null): Difference[] {
  if (held === undefined) return [{ field: EXISTENCE, ours: null, theirs: invoice?.status ?? null }];
  if (invoice === null) return [{ field: EXISTENCE, ours: held.status, theirs: null }];
  return differences(held, {
    customerId: invoice.customerId,
    subscriptionId: invoice.subscriptionId,
    number: invoice.number,
    status: invoice.status,
    amountDue: invoice.amountDueMinor,
    amountPaid: invoice.amountPaidMinor,
    amountRemaining: invoice.amountRemainingMinor,
    attemptCount: invoice.attemptCount,
    nextPaymentAttempt: invoice.nextPaymentAttempt,
    dueDate: invoice.dueDate,
  });
}

/** Of a price whose product was deleted nothing is known but that both are no longer active. */
function priceDrift(held: HeldPrice, { price, product }: PricedProduct): Drift[] {
  const about = { kind: 'product' as const, subject: price.productId, customer: null, tenant: null };
  const ofPrice =
    product === null
      ? { isActive: false }
      : {
          productId: price.productId,
          unitAmount: price.unitAmountMinor,
          currency: price.currency,
          recurringInterval: price.recurring?.interval ?? null,
          recurringIntervalCount: price.recurring?.intervalCount ?? null,
          isActive: price.active,
          metadata: price.metadata,
        };
  const ofProduct =
    product === null
      ? { isProductActive: false }
      : {
          productName: product.name,
          productDescription: product.description,
          isProductActive: product.active,
          productMetadata: product.metadata,
        };
  return [
    ...differences(held, ofPrice).map(({ field, ...pair }) => ({ field: `${price.id} ${field}`, ...pair })),
    ...differences(held, ofProduct),
  ].map((difference) => ({ ...about, ...difference }));
}
