import type { CustomerSnapshot, CustomerState } from '../db/billing-projection.ts';
import { unknownProducts } from '../db/catalog.ts';
import { heldInvoices } from '../db/invoices.ts';
import { isCustomerEvent, isInvoiceEvent, type PendingEvent } from '../domain/billing-sync.ts';
import { Failure } from '../domain/failures.ts';
import {
  type StripeCustomerId,
  type StripeInvoiceId,
  type StripeSubscriptionId,
  stripeInvoiceIdSchema,
  stripeProductIdSchema,
  stripeSubscriptionIdSchema,
} from '../domain/ids.ts';
import type { FetchedInvoice, Invoice, InvoicePayment } from '../domain/invoice.ts';
import type { Product, Subscription } from '../domain/subscription.ts';
import { retrieveCustomer } from '../stripe/customers.ts';
import { listInvoices, retrieveInvoice, retrieveInvoicePayment } from '../stripe/invoices.ts';
import { retrieveProduct } from '../stripe/products.ts';
import { listSubscriptions, retrieveSubscription } from '../stripe/subscriptions.ts';
import type { ActivityDependencies } from './dependencies.ts';

/**
 * A known customer's truth. Invoices belong to it when an event, a subscription's status, what we hold or the caller
 * asks for them; its name and address when an event or the caller does. Subscriptions that we believe not to have ended
 * but Stripe no longer lists (those of a deleted customer) are read one by one, so that their end is seen rather than
 * guessed.
 */
export async function fetchSnapshot(
  { stripe, database }: Pick<ActivityDependencies, 'stripe' | 'database'>,
  options: {
    customer: StripeCustomerId;
    state: CustomerState;
    events: readonly PendingEvent[];
    withInvoices?: boolean;
    withContact?: boolean;
  },
): Promise<CustomerSnapshot> {
  const { customer, state } = options;
  const listed = await listSubscriptions(stripe, customer);
  const ids = new Set<string>(listed.map((subscription) => subscription.id));
  const unlisted: Subscription[] = [];
  for (const id of state.openSubscriptionIds.filter((openId) => !ids.has(openId))) {
    const found = await retrieveSubscription(stripe, stripeSubscriptionIdSchema.parse(id));
    if (found !== null) unlisted.push(found);
  }
  const subscriptions = [...listed, ...unlisted];
  const productIds = subscriptions.flatMap((subscription) =>
    subscription.items.map((item) => item.price.productId),
  );
  const products: Product[] = [];
  for (const id of await unknownProducts(database, productIds)) {
    const product = await retrieveProduct(stripe, stripeProductIdSchema.parse(id));
    if (product !== null) products.push(product);
  }
  const self =
    options.withContact === true || options.events.some((event) => isCustomerEvent(event.eventType))
      ? await retrieveCustomer(stripe, customer)
      : null;
  const contact = self !== null && !self.deleted ? { email: self.email, name: self.name } : null;
  const invoices = await fetchInvoices({ stripe, database }, { ...options, subscriptions });
  return { customer, syncVersion: state.syncVersion, subscriptions, products, invoices, contact };
}

/** @returns null when nothing asks for them */
async function fetchInvoices(
  { stripe, database }: Pick<ActivityDependencies, 'stripe' | 'database'>,
  options: {
    customer: StripeCustomerId;
    events: readonly PendingEvent[];
    subscriptions: readonly Subscription[];
    withInvoices?: boolean;
  },
): Promise<FetchedInvoice[] | null> {
  const { customer, events } = options;
  const invoiceEvents = events.filter((event) => isInvoiceEvent(event.eventType));
  const held = await heldInvoices(database, customer);
  const isAsked =
    options.withInvoices === true ||
    invoiceEvents.length > 0 ||
    held.open.length > 0 ||
    held.hasCase ||
    options.subscriptions.some(({ status }) => status === 'past_due' || status === 'unpaid');
  if (!isAsked) return null;
  const invoices = new Map((await listInvoices(stripe, customer)).map((invoice) => [invoice.id, invoice]));
  // What we hold as open and Stripe no longer lists, and what an event names beyond the newest ones, is read by itself.
  const named = invoiceEvents.flatMap(({ objectId }) => invoiceIdOf(objectId) ?? []);
  for (const id of new Set([...held.open.flatMap(({ id: heldId }) => invoiceIdOf(heldId) ?? []), ...named])) {
    const found = invoices.has(id) ? null : await retrieveInvoice(stripe, id);
    if (found !== null && found.customerId === customer) invoices.set(id, found);
  }
  const unpaid = new Set(held.open.filter(({ isUnpaid }) => isUnpaid).map(({ id }) => id));
  const fetched: FetchedInvoice[] = [];
  for (const invoice of invoices.values()) {
    const payment = wasTried(invoice)
      ? await fetchPayment(stripe, { invoice, isUnpaid: unpaid.has(invoice.id) })
      : null;
    fetched.push({ invoice, payment });
  }
  return fetched;
}

function wasTried(invoice: Invoice): boolean {
  return invoice.status === 'open' && invoice.attemptCount > 0;
}

/**
 * Of an invoice that is sent only whether money is on its way: it is unpaid from its due date on, whenever a payment
 * failed, and how it is paid is the customer's affair, so no decline decides what is told.
 */
async function fetchPayment(
  stripe: ActivityDependencies['stripe'],
  { invoice, isUnpaid }: { invoice: Invoice; isUnpaid: boolean },
): Promise<InvoicePayment> {
  const isSent = invoice.collectionMethod === 'send_invoice';
  const payment = await retrieveInvoicePayment(stripe, {
    invoice: invoice.id,
    withFirstFailure: !isSent && !isUnpaid,
  });
  return isSent ? { ...payment, declineCode: null } : payment;
}

function invoiceIdOf(id: string | null): StripeInvoiceId | undefined {
  const parsed = stripeInvoiceIdSchema.safeParse(id);
  return parsed.success ? parsed.data : undefined;
}

/**
 * Makes sure that the subscription that was bought is the customer's own. Usually it is in the list, and nothing more
 * is asked.
 *
 * @throws Failure SubscriptionNotFound, SubscriptionOfAnotherCustomer; StaleSnapshot when Stripe lists it a moment later
 */
export async function expectSubscription(
  { stripe }: ActivityDependencies,
  options: { snapshot: CustomerSnapshot; subscription: StripeSubscriptionId },
): Promise<void> {
  const { snapshot, subscription } = options;
  if (snapshot.subscriptions.some((listed) => listed.id === subscription)) return;
  const found = await retrieveSubscription(stripe, subscription);
  if (found === null) throw new Failure('SubscriptionNotFound', `Stripe does not know ${subscription}`);
  if (found.customerId !== snapshot.customer) {
    throw new Failure('SubscriptionOfAnotherCustomer', `${found.id} belongs to another customer`);
  }
  throw new Failure('StaleSnapshot', `${subscription} is not in the customer's list yet`);
}
