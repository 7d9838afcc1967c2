import { first, type Guide } from './guide.ts';

/** Webhook endpoints, and the events of the tour so far. */
export async function tourEvents({ stripe }: Guide): Promise<void> {
  const endpoint = await stripe.webhookEndpoints.create({
    url: 'http://127.0.0.1:9/webhooks',
    enabled_events: ['customer.created', 'invoice.paid'],
    description: 'Nobody listens',
  });
  await stripe.webhookEndpoints.update(endpoint.id, { disabled: true });
  await stripe.webhookEndpoints.retrieve(endpoint.id);
  await stripe.webhookEndpoints.list();
  await stripe.webhookEndpoints.del(endpoint.id);
  const { data } = await stripe.events.list({ types: ['customer.created', 'price.created'] });
  await stripe.events.retrieve(first(data).id);
}
