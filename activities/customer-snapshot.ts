import type { CustomerSnapshot, CustomerState } from '../db/billing-projection.ts';
import { unknownProducts } from '../db/catalog.ts';
import { isCustomerEvent, type PendingEvent } from '../domain/billing-sync.ts';
import { Failure } from '../domain/failures.ts';
import {
  type StripeCustomerId,
  type StripeSubscriptionId,
  stripeProductIdSchema,
  stripeSubscriptionIdSchema,
} from '../domain/ids.ts';
import type { Product, Subscription } from '../domain/subscription.ts';
import { retrieveCustomer } from '../stripe/customers.ts';
import { retrieveProduct } from '../stripe/products.ts';
import { listSubscriptions, retrieveSubscription } from '../stripe/subscriptions.ts';
import type { ActivityDependencies } from './dependencies.ts';

/**
 * A known customer's truth. Subscriptions that we believe not to have ended but Stripe no longer lists (those of a deleted
 * customer) are read one by one, so that their end is seen rather than guessed.
 */
export async function fetchSnapshot(
  { stripe, database }: ActivityDependencies,
  options: { customer: StripeCustomerId; state: CustomerState; events: readonly PendingEvent[] },
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
  const self = options.events.some((event) => isCustomerEvent(event.eventType))
    ? await retrieveCustomer(stripe, customer)
    : null;
  const contact = self !== null && !self.deleted ? { email: self.email, name: self.name } : null;
  return { customer, syncVersion: state.syncVersion, subscriptions, products, contact };
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
