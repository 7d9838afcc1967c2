import type { Resource } from './resource.ts';
import { billingPortalConfigurations } from './resources/billing-portal-configurations.ts';
import { billingPortalSessions } from './resources/billing-portal-sessions.ts';
import { charges } from './resources/charges.ts';
import { checkoutSessions } from './resources/checkout-sessions.ts';
import { coreEvents } from './resources/core-events.ts';
import { customerBalanceTransactions } from './resources/customer-balance-transactions.ts';
import { customers } from './resources/customers.ts';
import { disputes } from './resources/disputes.ts';
import { eventDestinations } from './resources/event-destinations.ts';
import { events } from './resources/events.ts';
import { invoiceItems } from './resources/invoice-items.ts';
import { invoiceLines } from './resources/invoice-lines.ts';
import { invoicePayments } from './resources/invoice-payments.ts';
import { invoices } from './resources/invoices.ts';
import { paymentIntents } from './resources/payment-intents.ts';
import { paymentMethods } from './resources/payment-methods.ts';
import { prices } from './resources/prices.ts';
import { products } from './resources/products.ts';
import { refunds } from './resources/refunds.ts';
import { setupIntents } from './resources/setup-intents.ts';
import { subscriptionItems } from './resources/subscription-items.ts';
import { subscriptions } from './resources/subscriptions.ts';
import { testClocks } from './resources/test-clocks.ts';
import { webhookEndpoints } from './resources/webhook-endpoints.ts';

/** Every kind of object that this simulator has. A new one is a file and a line here. */
export const resources: readonly Resource[] = [
  testClocks,
  customers,
  customerBalanceTransactions,
  products,
  prices,
  subscriptions,
  subscriptionItems,
  invoiceItems,
  invoices,
  invoiceLines,
  invoicePayments,
  paymentMethods,
  setupIntents,
  paymentIntents,
  charges,
  refunds,
  disputes,
  checkoutSessions,
  billingPortalSessions,
  billingPortalConfigurations,
  events,
  webhookEndpoints,
  coreEvents,
  eventDestinations,
];
