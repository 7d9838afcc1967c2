import type { Guide } from './guide.ts';

/** The billing portal: configurations, sessions with and without a flow. */
export async function tourPortal({ stripe }: Guide): Promise<void> {
  const configuration = await stripe.billingPortal.configurations.create({
    features: {
      customer_update: { enabled: true, allowed_updates: ['email'] },
      invoice_history: { enabled: true },
      payment_method_update: { enabled: true },
      subscription_cancel: { enabled: true, mode: 'at_period_end' },
      subscription_update: { enabled: true, default_allowed_updates: ['quantity'] },
    },
  });
  const { id } = configuration;
  await stripe.billingPortal.configurations.update(id, { metadata: { shop: 'main' } });
  await stripe.billingPortal.configurations.retrieve(id);
  await stripe.billingPortal.configurations.list({ active: true });
  const customer = await stripe.customers.create();
  const session = { customer: customer.id, configuration: id, return_url: 'https://example.com/account' };
  await stripe.billingPortal.sessions.create({ ...session, expand: ['configuration'] });
  await stripe.billingPortal.sessions.create({ ...session, flow_data: { type: 'payment_method_update' } });
}
