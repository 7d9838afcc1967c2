import type Stripe from 'stripe';
import { Failure } from '../domain/failures.ts';
import type { StripeCustomerId, StripeSubscriptionId } from '../domain/ids.ts';
import { retrieveCustomer } from './customers.ts';
import { retrieveSubscription } from './subscriptions.ts';
import { writeOnce } from './write-once.ts';

export type MetadataWrite<Id> = {
  id: Id;
  /** Fixed by the caller before the first try: the same key with other parameters is refused. */
  metadata: Record<string, string>;
  /** Made from workflow, step and decision, so that every retry has the same. */
  idempotencyKey: string;
};

/**
 * Writes metadata to a customer, once.
 *
 * @throws Failure CustomerNotFound, CustomerDeleted, or what Stripe's answer is named
 */
export async function tagCustomer(stripe: Stripe, write: MetadataWrite<StripeCustomerId>): Promise<void> {
  await writeOnce({
    idempotencyKey: write.idempotencyKey,
    isDone: async () => {
      const customer = await retrieveCustomer(stripe, write.id);
      if (customer === null) throw new Failure('CustomerNotFound', 'Stripe does not know the customer');
      if (customer.deleted) throw new Failure('CustomerDeleted', 'The customer was deleted in Stripe');
      return includes(customer.metadata, write.metadata);
    },
    write: (idempotencyKey) =>
      stripe.customers.update(write.id, { metadata: write.metadata }, { idempotencyKey }),
  });
}

/**
 * Writes metadata to a subscription, once.
 *
 * @throws Failure SubscriptionNotFound, or what Stripe's answer is named
 */
export async function tagSubscription(
  stripe: Stripe,
  write: MetadataWrite<StripeSubscriptionId>,
): Promise<void> {
  await writeOnce({
    idempotencyKey: write.idempotencyKey,
    isDone: async () => {
      const subscription = await retrieveSubscription(stripe, write.id);
      if (subscription === null) {
        throw new Failure('SubscriptionNotFound', 'Stripe does not know the subscription');
      }
      return includes(subscription.metadata, write.metadata);
    },
    write: (idempotencyKey) =>
      stripe.subscriptions.update(write.id, { metadata: write.metadata }, { idempotencyKey }),
  });
}

/** Writing metadata that is there already would only echo as an event. */
function includes(existing: Record<string, string>, wanted: Record<string, string>): boolean {
  return Object.entries(wanted).every(([key, value]) => existing[key] === value);
}
