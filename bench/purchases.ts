import { Client, Connection } from '@temporalio/client';
import { createTenancyClient } from '../client/tenancy-client.ts';
import type { Stack } from '../sandbox/stack.ts';

const PROVISIONED_AT_ONCE = 8;
const LICENSES = 10;

export type Purchase = { customer: string; subscription: string; itemId: string };

/** A customer with a card and a paid subscription, as a store leaves them at Stripe. */
export async function buy({ stripe, licensePriceId }: Stack): Promise<Purchase> {
  const customer = await stripe.customers.create({
    email: 'bench@example.com',
    name: 'Bench',
    payment_method: 'pm_card_visa',
    invoice_settings: { default_payment_method: 'pm_card_visa' },
  });
  const items = [{ price: licensePriceId, quantity: LICENSES }];
  const subscription = await stripe.subscriptions.create({ customer: customer.id, items });
  const [item] = subscription.items.data;
  if (!item) throw new Error('the subscription has no item');
  return { customer: customer.id, subscription: subscription.id, itemId: item.id };
}

/** Creates a purchase's tenant, from the start to the completion of its run. */
export async function provision(client: Client, { customer, subscription }: Purchase): Promise<void> {
  const { workflowId } = await createTenancyClient({ client }).createTenant({
    email: 'bench@example.com',
    client_name: 'Bench',
    stripe_customer_id: customer,
    stripe_subscription_id: subscription,
    initial_license_count: LICENSES,
  });
  await client.workflow.getHandle(workflowId).result();
}

/** So many customers that have their tenants. Deliveries of the simulator are held from here on. */
export async function provisionMany(stack: Stack, count: number): Promise<Purchase[]> {
  await stack.simulator.control.holdDeliveries();
  const { address, namespace } = stack.temporal;
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  const purchases: Purchase[] = [];
  try {
    while (purchases.length < count) {
      const group: Purchase[] = [];
      while (group.length < PROVISIONED_AT_ONCE && purchases.length + group.length < count) {
        group.push(await buy(stack));
      }
      await Promise.all(group.map((purchase) => provision(client, purchase)));
      purchases.push(...group);
    }
  } finally {
    await connection.close();
  }
  return purchases;
}
