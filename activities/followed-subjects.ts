import { customerOfSubscription } from '../db/billing-projection.ts';
import { productOfPrice } from '../db/catalog.ts';
import { customerOfInvoice } from '../db/invoices.ts';
import { fileEvents, settleEvents, settleEventsOfUnknownCustomer } from '../db/webhook-events.ts';
import {
  priceOfSubject,
  productSubject,
  stripeInvoiceIdSchema,
  stripeSubscriptionIdSchema,
} from '../domain/ids.ts';
import { retrieveCheckoutSession } from '../stripe/checkout-sessions.ts';
import { retrieveInvoiceCustomer } from '../stripe/invoices.ts';
import { retrievePrice } from '../stripe/products.ts';
import { retrieveSubscription } from '../stripe/subscriptions.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { counted, NOTHING, type Pending, type Round } from './sync-round.ts';

/**
 * An event that names only a subscription is filed under its customer, whose own sync settles it. Stripe is asked only
 * for a subscription that we don't know yet.
 */
export async function followSubscription(
  dependencies: ActivityDependencies,
  pending: Pending,
): Promise<Round> {
  const { database, stripe } = dependencies;
  const id = stripeSubscriptionIdSchema.parse(pending.subject);
  const customer =
    (await customerOfSubscription(database, id)) ?? (await retrieveSubscription(stripe, id))?.customerId;
  if (customer === undefined) return park(dependencies, pending);
  await fileEvents(database, { subject: pending.subject, under: customer });
  return { ...NOTHING, customer };
}

/** An event that names only an invoice is filed under its customer; Stripe is asked for one that we don't know yet. */
export async function followInvoice(dependencies: ActivityDependencies, pending: Pending): Promise<Round> {
  const { database, stripe } = dependencies;
  const id = stripeInvoiceIdSchema.parse(pending.subject);
  const customer = (await customerOfInvoice(database, id)) ?? (await retrieveInvoiceCustomer(stripe, id));
  if (customer === null) return park(dependencies, pending);
  await fileEvents(database, { subject: pending.subject, under: customer });
  return { ...NOTHING, customer };
}

/** An event that names only a Checkout session is filed under its customer, whose sync may begin a tenant. */
export async function followSession(dependencies: ActivityDependencies, pending: Pending): Promise<Round> {
  const { database, stripe } = dependencies;
  const session = await retrieveCheckoutSession(stripe, pending.subject);
  if (session === null) return park(dependencies, pending);
  const customer = session.customerId;
  if (customer === null) {
    const verdicts = pending.events.map(({ stripeEventId }) => ({
      stripeEventId,
      status: 'ignored' as const,
      reason: 'not_a_license_purchase' as const,
    }));
    await settleEvents(database, { verdicts, tenant: null });
    return { ...NOTHING, ...counted(verdicts) };
  }
  await fileEvents(database, { subject: pending.subject, under: customer });
  return { ...NOTHING, customer };
}

/**
 * An event that names only a price is filed under its product, which is synced with all its prices. A price that neither
 * we nor Stripe have is no difference between the two.
 */
export async function followPrice(dependencies: ActivityDependencies, pending: Pending): Promise<Round> {
  const { database, stripe, billingTenant } = dependencies;
  const id = priceOfSubject(pending.subject);
  const productId = (await productOfPrice(database, id)) ?? (await retrievePrice(stripe, id))?.productId;
  if (productId === undefined) {
    const verdicts = pending.events.map(({ stripeEventId }) => ({
      stripeEventId,
      status: 'processed' as const,
    }));
    await settleEvents(database, { verdicts, tenant: billingTenant });
    return { ...NOTHING, ...counted(verdicts) };
  }
  const product = productSubject(productId);
  await fileEvents(database, { subject: pending.subject, under: product });
  return { ...NOTHING, product };
}

/** Events that lead nowhere wait, parked, for a customer. */
export async function park({ database }: ActivityDependencies, { subject, events }: Pending): Promise<Round> {
  const verdicts = events.map(({ stripeEventId }) => ({
    stripeEventId,
    status: 'parked' as const,
    reason: 'unknown_customer' as const,
  }));
  await settleEventsOfUnknownCustomer(database, { subject, verdicts });
  return { ...NOTHING, ...counted(verdicts) };
}
