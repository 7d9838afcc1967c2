import type Stripe from 'stripe';
import type { Stack } from '../stack.ts';
import { DemoFailed } from './timeline.ts';

/** What a store does: customers and subscriptions in Stripe, checkouts at our gateway. */
export type Store = {
  sell: (buyer: { email: string; name: string; licenses: number }) => Promise<Sale>;
  checkOut: (sale: Sale) => Promise<{ workflowId: string }>;
  changeLicenses: (sale: Sale, licenses: number) => Promise<void>;
  cancel: (sale: Sale) => Promise<void>;
};

export type Sale = {
  email: string;
  name: string;
  licenses: number;
  customer: string;
  subscription: string;
};

/** Stripe's test card that always pays. */
const testCard = 'pm_card_visa';

export function openStore(stack: Stack): Store {
  const { stripe, licensePriceId } = stack;
  return {
    sell: async ({ email, name, licenses }) => {
      const customer = await stripe.customers.create({
        email,
        name,
        metadata: { source: 'nm_store' },
        payment_method: testCard,
        invoice_settings: { default_payment_method: testCard },
      });
      const subscription = await stripe.subscriptions.create({
        customer: customer.id,
        items: [{ price: licensePriceId, quantity: licenses }],
        metadata: { source: 'nm_store_checkout', client_name: name },
      });
      return { email, name, licenses, customer: customer.id, subscription: subscription.id };
    },
    checkOut: async (sale) => {
      const answer = await fetch(`${stack.gatewayUrl}/checkouts`, {
        method: 'POST',
        headers: { authorization: `Bearer ${stack.checkoutApiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          email: sale.email,
          client_name: sale.name,
          stripe_customer_id: sale.customer,
          stripe_subscription_id: sale.subscription,
          initial_license_count: sale.licenses,
        }),
      });
      const body = (await answer.json()) as { workflow_id?: string };
      if (answer.status !== 202 || body.workflow_id === undefined) {
        throw new DemoFailed(`POST /checkouts answered ${answer.status}: ${JSON.stringify(body)}`);
      }
      return { workflowId: body.workflow_id };
    },
    changeLicenses: async (sale, licenses) => {
      const item = (await stripe.subscriptions.retrieve(sale.subscription)).items.data[0];
      if (item === undefined) throw new DemoFailed('the subscription has no item');
      await stripe.subscriptions.update(sale.subscription, { items: [{ id: item.id, quantity: licenses }] });
    },
    cancel: async (sale) => {
      await stripe.subscriptions.cancel(sale.subscription);
    },
  };
}

/** A purchase in Stripe's own Checkout, of which the store tells us nothing. */
export async function buyInCheckout(
  stack: Stack,
  buyer: { email: string; name: string; licenses: number },
): Promise<{ session: string; customer: string }> {
  const session = await stack.stripe.checkout.sessions.create({
    mode: 'subscription',
    line_items: [{ price: stack.licensePriceId, quantity: buyer.licenses }],
    success_url: 'https://store.example.com/thanks',
    customer_email: buyer.email,
    subscription_data: { metadata: { client_name: buyer.name } },
  });
  await stack.simulator.control.completeCheckoutSession(session.id);
  const completed = await stack.stripe.checkout.sessions.retrieve(session.id);
  return { session: session.id, customer: idOf(completed.customer) };
}

function idOf(customer: Stripe.Checkout.Session['customer']): string {
  if (customer === null) throw new DemoFailed('the completed session has no customer');
  return typeof customer === 'string' ? customer : customer.id;
}
