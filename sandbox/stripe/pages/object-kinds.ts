import { priceTable, productTable } from '../billing/catalog/catalog.ts';
import { checkoutSessionTable } from '../billing/checkout/checkout-state.ts';
import { invoiceItemTable } from '../billing/invoices/invoice-item-state.ts';
import { invoiceTable } from '../billing/invoices/invoice-state.ts';
import { disputeTable } from '../billing/payments/charge-disputes.ts';
import { chargeTable } from '../billing/payments/charge-state.ts';
import { paymentMethodTable } from '../billing/payments/payment-method-state.ts';
import { setupIntentTable } from '../billing/payments/payment-setup.ts';
import { paymentIntentTable } from '../billing/payments/payments.ts';
import { refundTable } from '../billing/payments/refund-creation.ts';
import { portalConfigurationTable } from '../billing/portal/portal-configuration.ts';
import { subscriptionTable } from '../billing/subscriptions/subscription-state.ts';
import { customerTable } from '../resources/customers.ts';
import type { Account } from '../state/account.ts';
import { eventTable } from '../state/events.ts';
import type { TableDefinition, WalkOptions } from '../state/table.ts';
import { testClockTable } from '../state/test-clocks.ts';
import { webhookEndpointTable } from '../webhooks/delivery-targets.ts';

/** A kind of object that the pages count and list. */
export interface ObjectKind {
  readonly label: string;
  /** Its `object` value. */
  readonly object: string;
  count(account: Account): number;
  /** Ids, newest first. */
  ids(account: Account, options: WalkOptions): Iterable<string>;
}

function kind<Row extends { readonly id: string }>(
  label: string,
  object: string,
  definition: TableDefinition<Row>,
): ObjectKind {
  return {
    label,
    object,
    count: (account) => account.table(definition).size,
    *ids(account, options) {
      for (const { id } of account.table(definition).newestFirst(options)) yield id;
    },
  };
}

/** In the order in which they are shown. */
export const objectKinds: readonly ObjectKind[] = [
  kind('Customers', 'customer', customerTable),
  kind('Subscriptions', 'subscription', subscriptionTable),
  kind('Invoices', 'invoice', invoiceTable),
  kind('Invoice items', 'invoiceitem', invoiceItemTable),
  kind('Products', 'product', productTable),
  kind('Prices', 'price', priceTable),
  kind('Payment methods', 'payment_method', paymentMethodTable),
  kind('Payment intents', 'payment_intent', paymentIntentTable),
  kind('Setup intents', 'setup_intent', setupIntentTable),
  kind('Charges', 'charge', chargeTable),
  kind('Refunds', 'refund', refundTable),
  kind('Disputes', 'dispute', disputeTable),
  kind('Checkout sessions', 'checkout.session', checkoutSessionTable),
  kind('Portal configurations', 'billing_portal.configuration', portalConfigurationTable),
  kind('Test clocks', 'test_helpers.test_clock', testClockTable),
  kind('Webhook endpoints', 'webhook_endpoint', webhookEndpointTable),
  kind('Events', 'event', eventTable),
];
