import type Stripe from 'stripe';
import { expect } from 'vitest';
import type { System } from '../system.ts';
import type { KnownCustomer } from './customers.ts';
import { byId, type Projection } from './projection.ts';

const LIVE = ['active', 'trialing', 'past_due', 'unpaid', 'paused'];
const CATALOG_MAX = 1_000;

/** A subscription, and whom it belongs to by what the store was told. */
type Owned = { tenant: string; customer: string; subscription: Stripe.Subscription };

/**
 * What the projection must be, from Stripe's objects alone and by the rules as the documents tell them.
 *
 * @param held the invoices in the projection: one that nothing called for is not there, but each that is there must be as
 * Stripe has it, and one that somebody owes must be there
 */
export async function stripesTruth(
  system: System,
  customers: readonly KnownCustomer[],
  held: readonly HeldInvoice[],
): Promise<Projection> {
  const { stripe, licensePriceId } = system;
  const all = { limit: CATALOG_MAX };
  const products = await stripe.products.list({ limit: 100 }).autoPagingToArray(all);
  const prices = await stripe.prices.list({ limit: 100 }).autoPagingToArray(all);
  const owned: Owned[] = [];
  for (const { id, tenant = 'none', subscriptions } of customers) {
    // One by one: those of a deleted customer are in no list.
    for (const known of subscriptions)
      owned.push({ tenant, customer: id, subscription: await stripe.subscriptions.retrieve(known.id) });
  }
  return {
    tenants: tenantRows(owned, licensePriceId),
    customers: (await Promise.all(customers.map((customer) => customerRow(stripe, customer)))).sort(byId),
    subscriptions: owned.map((one) => subscriptionRow(one, licensePriceId)).sort(byId),
    items: owned.flatMap(itemRows).sort(byId),
    products: products.map((product) => productRow(product, { prices, licensePriceId })).sort(byId),
    prices: prices.map(priceRow).sort(byId),
    invoices: (await invoiceRows(stripe, { customers, owned, held })).sort(byId),
  };
}

type HeldInvoice = { id: string; customer: string };

async function invoiceRows(
  stripe: Stripe,
  known: { customers: readonly KnownCustomer[]; owned: readonly Owned[]; held: readonly HeldInvoice[] },
) {
  const held = new Set(known.held.map(({ id }) => id));
  const unpaid = new Set(
    known.owned.flatMap(({ subscription: { id, status } }) =>
      status === 'past_due' || status === 'unpaid' ? [id] : [],
    ),
  );
  const rows = [];
  for (const { id: customer, tenant, isDeleted } of known.customers) {
    const its = known.held.filter((invoice) => invoice.customer === customer);
    // Those of a deleted customer are in no list.
    const invoices = isDeleted
      ? await Promise.all(its.map(({ id }) => stripe.invoices.retrieve(id)))
      : await stripe.invoices.list({ customer, limit: 100 }).autoPagingToArray({ limit: 1_000 });
    for (const invoice of invoices) {
      const subscription = subscriptionOf(invoice);
      const isOwed = invoice.status === 'open' && subscription !== null && unpaid.has(subscription);
      if (held.has(invoice.id) || isOwed) rows.push(invoiceRow(invoice, { customer, tenant, subscription }));
    }
  }
  return rows;
}

function subscriptionOf({ parent }: Stripe.Invoice): string | null {
  const subscription = parent?.subscription_details?.subscription ?? null;
  return typeof subscription === 'object' && subscription !== null ? subscription.id : subscription;
}

function invoiceRow(
  invoice: Stripe.Invoice,
  owner: { customer: string; tenant: string | undefined; subscription: string | null },
) {
  const { id, status, currency, amount_due, amount_paid, amount_remaining, attempt_count } = invoice;
  const { next_payment_attempt, due_date, hosted_invoice_url } = invoice;
  return {
    ...{ id, ...owner, status, currency, amount_due, amount_paid, amount_remaining, attempt_count },
    ...{ next_payment_attempt, due_date, hosted_invoice_url },
  };
}

function tenantRows(owned: readonly Owned[], licensePriceId: string) {
  const tenants = [...new Set(owned.map(({ tenant }) => tenant))];
  return tenants
    .map((id) => {
      const its = owned.filter(({ tenant }) => tenant === id).map(({ subscription }) => subscription);
      const access = its.some(isLive) ? 'active' : 'canceled';
      return { id, licenses: licenses(its, licensePriceId), access };
    })
    .sort(byId);
}

function isLive({ status }: Stripe.Subscription): boolean {
  return LIVE.includes(status);
}

/** Of all living subscriptions with licences the newest counts, with all its licence items and no others. */
function licenses(subscriptions: readonly Stripe.Subscription[], licensePriceId: string): number {
  const counts = subscriptions
    .filter(isLive)
    .sort((one, other) => one.created - other.created || (one.id < other.id ? -1 : 1))
    .map((subscription) => licenseItems(subscription, licensePriceId))
    .filter((items) => items.length > 0)
    .map(sum);
  return counts.at(-1) ?? 0;
}

function licenseItems({ items }: Stripe.Subscription, licensePriceId: string): Stripe.SubscriptionItem[] {
  return items.data.filter(({ price }) => price.id === licensePriceId);
}

function sum(items: readonly Stripe.SubscriptionItem[]): number {
  return items.reduce((total, { quantity = 0 }) => total + quantity, 0);
}

/** Nobody says who a deleted customer was. */
async function customerRow(stripe: Stripe, { id, tenant }: KnownCustomer) {
  const customer = await stripe.customers.retrieve(id);
  return customer.deleted
    ? { id, tenant, name: expect.any(String), email: expect.any(String) }
    : { id, tenant, name: customer.name, email: customer.email };
}

function subscriptionRow({ tenant, customer, subscription }: Owned, licensePriceId: string) {
  const { id, status, created, metadata, cancel_at, cancel_at_period_end, canceled_at } = subscription;
  const ofLicenses = licenseItems(subscription, licensePriceId);
  const counted = (ofLicenses.length > 0 ? ofLicenses : subscription.items.data).sort(
    (one, other) => one.created - other.created || (one.id < other.id ? -1 : 1),
  );
  const [first] = counted;
  return {
    ...{ id, customer, tenant, status, created, metadata, cancel_at, cancel_at_period_end, canceled_at },
    item: first?.id,
    price: first?.price.id,
    quantity: sum(counted),
    current_period_start: first?.current_period_start,
    current_period_end: first?.current_period_end,
  };
}

function itemRows({ tenant, subscription }: Owned) {
  return subscription.items.data.map(({ id, price, quantity, current_period_start, current_period_end }) => ({
    ...{ id, tenant, quantity, current_period_start, current_period_end },
    subscription: subscription.id,
    price: price.id,
  }));
}

function productRow(
  { id, name, description, active, metadata }: Stripe.Product,
  { prices, licensePriceId }: { prices: readonly Stripe.Price[]; licensePriceId: string },
) {
  const hasLicenses = prices.some((price) => price.product === id && price.id === licensePriceId);
  const type = hasLicenses ? 'license' : (metadata.product_type ?? 'addon');
  return { id, name, description, type, active, metadata };
}

function priceRow({ id, product, unit_amount, currency, recurring, active, metadata }: Stripe.Price) {
  return {
    ...{ id, product, unit_amount, currency, active, metadata },
    interval: recurring?.interval,
    interval_count: recurring?.interval_count,
  };
}
