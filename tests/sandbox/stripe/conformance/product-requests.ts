import {
  stripeCustomerIdSchema,
  stripeInvoiceIdSchema,
  stripePriceIdSchema,
  stripeProductIdSchema,
  stripeSubscriptionIdSchema,
} from '../../../../domain/ids.ts';
import { ALL_STRIPE_EVENT_TYPES } from '../../../../domain/stripe-event-types.ts';
import * as account from '../../../../stripe/account.ts';
import * as checkoutSessions from '../../../../stripe/checkout-sessions.ts';
import { createStripe } from '../../../../stripe/client.ts';
import * as customers from '../../../../stripe/customers.ts';
import * as events from '../../../../stripe/events.ts';
import * as invoices from '../../../../stripe/invoices.ts';
import * as metadata from '../../../../stripe/metadata.ts';
import * as products from '../../../../stripe/products.ts';
import * as subscriptions from '../../../../stripe/subscriptions.ts';
import * as webhookEndpoints from '../../../../stripe/webhook-endpoints.ts';
import { first } from './tour/guide.ts';

/** The modules of the room that makes requests; the others of it only read what they are given. */
export const requestModules = {
  account,
  checkoutSessions,
  customers,
  events,
  invoices,
  metadata,
  products,
  subscriptions,
  webhookEndpoints,
};

/** More than an embedded list shows, so that the rest is asked for too. */
const itemsCount = 12;

/**
 * Calls every function of the product that sends a request, as the worker does.
 * @returns the names of those that were called
 */
export async function makeProductRequests(apiBase: string): Promise<string[]> {
  const stripe = createStripe({ secretKey: 'sk_test_product', apiBase });
  const store = await sellLicences(stripe);
  await stripe.webhookEndpoints.create({
    url: 'https://example.com/webhooks/stripe',
    enabled_events: ['invoice.paid'],
  });
  const customer = stripeCustomerIdSchema.parse(store.customer);
  const subscription = stripeSubscriptionIdSchema.parse(store.subscription);
  const product = stripeProductIdSchema.parse(store.product);
  const price = stripePriceIdSchema.parse(store.price);
  const unpaid = stripeInvoiceIdSchema.parse(store.unpaid);
  const payment = { invoice: unpaid, withFirstFailure: true };
  const write = { metadata: { tenant_id: 'a tenant' }, idempotencyKey: 'create-tenant:1' };
  const page = { from: 0, before: Math.floor(Date.now() / 1000) + 1, after: null };
  const eventPage = { ...page, types: ALL_STRIPE_EVENT_TYPES.slice(0, 20), onlyUndelivered: true };
  const calls: Record<string, () => Promise<unknown>> = {
    examineKey: () => account.examineKey(stripe),
    retrievePriceStanding: () => account.retrievePriceStanding(stripe, price),
    listWebhookEndpoints: () => webhookEndpoints.listWebhookEndpoints(stripe),
    retrieveCheckoutSession: () => checkoutSessions.retrieveCheckoutSession(stripe, store.session),
    retrieveCustomer: () => customers.retrieveCustomer(stripe, customer),
    tagCustomer: () => metadata.tagCustomer(stripe, { id: customer, ...write }),
    tagSubscription: () =>
      metadata.tagSubscription(stripe, { id: subscription, ...write, idempotencyKey: 'create-tenant:2' }),
    retrieveProduct: () => products.retrieveProduct(stripe, product),
    retrievePrice: () => products.retrievePrice(stripe, price),
    listPrices: () => products.listPrices(stripe, product),
    listPricePage: () => products.listPricePage(stripe, null),
    listEventPage: () => events.listEventPage(stripe, eventPage),
    listSubscriptions: () => subscriptions.listSubscriptions(stripe, customer),
    retrieveSubscription: () => subscriptions.retrieveSubscription(stripe, subscription),
    listSubscriptionPage: () => subscriptions.listSubscriptionPage(stripe, page),
    listOpenInvoicePage: () => invoices.listOpenInvoicePage(stripe, page),
    listInvoices: () => invoices.listInvoices(stripe, customer),
    retrieveInvoice: () => invoices.retrieveInvoice(stripe, unpaid),
    retrieveInvoiceCustomer: () => invoices.retrieveInvoiceCustomer(stripe, unpaid),
    retrieveInvoicePayment: () => invoices.retrieveInvoicePayment(stripe, payment),
    payInvoice: () => invoices.payInvoice(stripe, { invoice: unpaid, idempotencyKey: 'pay:1' }),
    markUncollectible: () =>
      invoices.markUncollectible(stripe, { invoice: unpaid, idempotencyKey: 'write_off:1' }),
    cancelSubscription: () => subscriptions.cancelSubscription(stripe, subscription),
  };
  for (const call of Object.values(calls)) await call();
  return Object.keys(calls);
}

/** What a store has sold: a subscription and a session, each with more lines than Stripe shows at once. */
async function sellLicences(stripe: ReturnType<typeof createStripe>) {
  const product = await stripe.products.create({ name: 'Licence' });
  const items: { price: string; quantity: number }[] = [];
  for (let count = 0; count < itemsCount; count++) {
    const recurring = { interval: 'month' as const };
    const price = { product: product.id, currency: 'usd', unit_amount: 500 + count, recurring };
    items.push({ price: (await stripe.prices.create(price)).id, quantity: 1 });
  }
  const method = 'pm_card_visa';
  const customer = await stripe.customers.create({
    payment_method: method,
    invoice_settings: { default_payment_method: method },
  });
  const subscription = await stripe.subscriptions.create({ customer: customer.id, items });
  const unpaid = await oweSomething(stripe, customer.id);
  const session = await stripe.checkout.sessions.create({
    mode: 'subscription',
    line_items: items,
    success_url: 'https://example.com/thanks',
  });
  return {
    customer: customer.id,
    subscription: subscription.id,
    product: product.id,
    price: first(items).price,
    session: session.id,
    unpaid,
  };
}

/** An invoice whose card is always declined. */
async function oweSomething(stripe: ReturnType<typeof createStripe>, customer: string): Promise<string> {
  await stripe.invoiceItems.create({ customer, amount: 900, currency: 'usd' });
  const { id: method } = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer });
  const { id } = await stripe.invoices.create({ customer, default_payment_method: method });
  await stripe.invoices.finalizeInvoice(id, { auto_advance: false });
  await stripe.invoices.pay(id).catch(() => undefined);
  return id;
}
