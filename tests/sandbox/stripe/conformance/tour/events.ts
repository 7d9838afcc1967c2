import type Stripe from 'stripe';
import { first, type Guide } from './guide.ts';

/** Webhook endpoints and event destinations, and the events of the tour so far, in both forms. */
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
  await tourDestinations(stripe);
  const thin = await stripe.v2.core.events.list({ types: ['v1.customer.created', 'v1.price.created'] });
  await stripe.v2.core.events.retrieve(first(thin.data).id);
}

async function tourDestinations({ v2 }: Stripe): Promise<void> {
  const { eventDestinations } = v2.core;
  const { id } = await eventDestinations.create({
    name: 'Nobody listens',
    type: 'webhook_endpoint',
    event_payload: 'thin',
    enabled_events: ['v1.customer.created'],
    webhook_endpoint: { url: 'http://127.0.0.1:9/webhooks' },
    include: ['webhook_endpoint.signing_secret', 'webhook_endpoint.url'],
  });
  await eventDestinations.update(id, { description: 'As was said' });
  await eventDestinations.ping(id);
  await eventDestinations.disable(id);
  await eventDestinations.retrieve(id);
  await eventDestinations.enable(id);
  await eventDestinations.list();
  await eventDestinations.del(id);
}
