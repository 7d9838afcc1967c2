import { and, eq } from 'drizzle-orm';
import {
  dunningCases as cases,
  stripeSubscriptionItems as items,
  stripeCustomers,
  stripeInvoices,
  stripePrices,
  stripeProducts,
  stripeSubscriptions as subscriptions,
} from './schema.ts';

/** Conditions by which rows of two tables belong together: tenant, then the row's own id. */
export const subscriptionIsOfCustomer = and(
  eq(stripeCustomers.tenant, subscriptions.tenant),
  eq(stripeCustomers.stripeCustomerId, subscriptions.stripeCustomerId),
);

export const invoiceIsOfCustomer = and(
  eq(stripeCustomers.tenant, stripeInvoices.tenant),
  eq(stripeCustomers.stripeCustomerId, stripeInvoices.stripeCustomerId),
);

export const itemIsOfSubscription = and(
  eq(items.tenant, subscriptions.tenant),
  eq(items.stripeSubscriptionId, subscriptions.stripeSubscriptionId),
);

export const priceIsOfProduct = and(
  eq(stripeProducts.billingTenant, stripePrices.billingTenant),
  eq(stripeProducts.stripeProductId, stripePrices.stripeProductId),
);

export const caseIsOfSubscription = and(
  eq(subscriptions.tenant, cases.tenant),
  eq(subscriptions.stripeSubscriptionId, cases.stripeSubscriptionId),
);
