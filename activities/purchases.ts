import { createHash } from 'node:crypto';
import { Failure } from '../domain/failures.ts';
import {
  type StripeCustomerId,
  type StripeSubscriptionId,
  stripeSubscriptionIdSchema,
} from '../domain/ids.ts';
import { retrieveCustomer } from '../stripe/customers.ts';
import { tagCustomer, tagSubscription } from '../stripe/metadata.ts';
import { retrieveSubscription } from '../stripe/subscriptions.ts';
import type { ActivityDependencies } from './dependencies.ts';

/** Stripe's limit on an idempotency key, less what a next generation adds. */
const IDEMPOTENCY_KEY_LENGTH_MAX = 250;

export function createPurchaseActivities({ stripe }: ActivityDependencies) {
  return {
    /**
     * Looks at a purchase before anything is written. A subscription that Stripe doesn't know is let through: the
     * customer paid, so the tenant is made and an operator asked.
     *
     * @throws Failure CustomerNotFound, CustomerDeleted, SubscriptionOfAnotherCustomer
     */
    async verifyPurchase(purchase: {
      customer: StripeCustomerId;
      subscription?: StripeSubscriptionId;
    }): Promise<void> {
      const customer = await retrieveCustomer(stripe, purchase.customer);
      if (customer === null)
        throw new Failure('CustomerNotFound', `Stripe does not know ${purchase.customer}`);
      if (customer.deleted)
        throw new Failure('CustomerDeleted', `${purchase.customer} was deleted in Stripe`);
      if (purchase.subscription === undefined) return;
      const subscription = await retrieveSubscription(stripe, purchase.subscription);
      if (subscription !== null && subscription.customerId !== purchase.customer) {
        throw new Failure('SubscriptionOfAnotherCustomer', `${subscription.id} belongs to another customer`);
      }
    },

    /** Writes the tenant's id and address to the customer's metadata. */
    async tagCustomer(tag: {
      customer: StripeCustomerId;
      tenant: string;
      app_url: string;
      key: string;
    }): Promise<void> {
      await tagCustomer(stripe, {
        id: tag.customer,
        metadata: { tenant_id: tag.tenant, algapsa_url: tag.app_url, onboarded: 'true' },
        idempotencyKey: idempotencyKey(`${tag.key}/${tag.customer}`),
      });
    },

    /** Writes the tenant's id to the metadata of its subscriptions; their events are routed by it elsewhere. */
    async tagSubscriptions(tag: { subscriptions: string[]; tenant: string; key: string }): Promise<void> {
      for (const id of tag.subscriptions) {
        await tagSubscription(stripe, {
          id: stripeSubscriptionIdSchema.parse(id),
          metadata: { tenant_id: tag.tenant },
          idempotencyKey: idempotencyKey(`${tag.key}/${id}`),
        });
      }
    },
  };
}

/** A starter may choose any workflow id; one that is too long for a key goes into it as its digest. */
function idempotencyKey(text: string): string {
  return text.length <= IDEMPOTENCY_KEY_LENGTH_MAX ? text : createHash('sha256').update(text).digest('hex');
}
