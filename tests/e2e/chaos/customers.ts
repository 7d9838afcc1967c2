import { WorkflowNotFoundError } from '@temporalio/client';
import type Stripe from 'stripe';
import { type Purchase, type System, until } from '../system.ts';

const PROVISIONED_AT_ONCE = 8;

/** A subscription as Stripe answered when it was changed last. */
export type KnownSubscription = {
  id: string;
  status: Stripe.Subscription.Status;
  items: { id: string; price: string }[];
  endsWithPeriod: boolean;
  isCollectionPaused: boolean;
};

/** A customer at Stripe, and what the store knows of it. */
export type KnownCustomer = {
  id: string;
  /** undefined until its creation has told. */
  tenant: string | undefined;
  purchase: Purchase | undefined;
  subscriptions: KnownSubscription[];
  isDeleted: boolean;
};

/** A customer with a paid subscription and no tenant yet. */
export async function buyer(system: System, licenses: number): Promise<KnownCustomer> {
  const purchase = await system.buy(licenses);
  const subscription = await system.stripe.subscriptions.retrieve(purchase.stripe_subscription_id);
  return {
    id: purchase.stripe_customer_id,
    tenant: undefined,
    purchase,
    subscriptions: [knownSubscription(subscription)],
    isDeleted: false,
  };
}

/** So many customers that have their tenants. */
export async function provisioned(system: System, count: number): Promise<KnownCustomer[]> {
  const customers: KnownCustomer[] = [];
  while (customers.length < count) {
    const group: KnownCustomer[] = [];
    while (group.length < PROVISIONED_AT_ONCE && customers.length + group.length < count)
      group.push(await buyer(system, 1 + customers.length + group.length));
    await Promise.all(
      group.map(async (customer) => {
        await until('the checkout is accepted', () => checkOut(system, customer));
        await tenantCreated(system, customer);
      }),
    );
    customers.push(...group);
  }
  return customers;
}

/** @returns whether the checkout was accepted; a store whose checkout was not tries again */
export async function checkOut(system: System, { purchase }: KnownCustomer): Promise<boolean> {
  if (purchase === undefined) throw new Error('this customer bought nothing');
  const status = await system.checkOut(purchase).then(
    (answer) => answer.status,
    () => undefined,
  );
  if (status !== undefined && status !== 202 && status < 500)
    throw new Error(`the checkout was answered with ${status}`);
  return status === 202;
}

/** Waits until the customer's creation has ended. */
export async function tenantCreated(system: System, customer: KnownCustomer): Promise<void> {
  const run = system.client.workflow.getHandle(`create-tenant-${customer.id}`);
  const { tenant } = await run.result();
  if (customer.tenant !== undefined && customer.tenant !== tenant)
    throw new Error(`${customer.id} had the tenant ${customer.tenant} and has ${tenant}`);
  customer.tenant = tenant;
}

/** Waits until no creation of the customer runs any more; there may be none, where Temporal lost its data. */
export async function noLongerCreated(system: System, customer: KnownCustomer): Promise<void> {
  try {
    await tenantCreated(system, customer);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

export function knownSubscription(answer: Stripe.Subscription): KnownSubscription {
  return {
    id: answer.id,
    status: answer.status,
    items: answer.items.data.map((item) => ({ id: item.id, price: item.price.id })),
    endsWithPeriod: answer.cancel_at_period_end,
    isCollectionPaused: answer.pause_collection !== null,
  };
}
