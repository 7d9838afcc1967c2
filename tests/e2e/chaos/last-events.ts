import type Stripe from 'stripe';
import { type System, until } from '../system.ts';

type Listed = { id: string; about: string };

/**
 * The last event of each kind about each customer and product, where it never arrived: dropped, or given up. What comes
 * after it is nothing, and only a look at all of Stripe could find out.
 */
export async function lastEventsThatNeverArrived({ stripe, simulator }: System): Promise<string[]> {
  const acknowledged = await acknowledgedEvents({ simulator });
  const last = new Map<string, Listed>();
  // Newest first.
  for await (const event of stripe.events.list({ limit: 100 })) {
    const about = subjectAndKind(event);
    if (about !== undefined && !last.has(about)) last.set(about, { id: event.id, about });
  }
  return [...last.values()].map(({ id }) => id).filter((id) => !acknowledged.has(id));
}

/** Sends events by hand until each was acknowledged. */
export async function deliverUntilAcknowledged(system: System, eventIds: readonly string[]): Promise<void> {
  let left = eventIds;
  await until('the last events are acknowledged', async () => {
    await system.simulator.control.deliver({ eventIds: left });
    const acknowledged = await acknowledgedEvents(system);
    left = left.filter((id) => !acknowledged.has(id));
    return left.length === 0;
  });
}

/** Every event for which Stripe saw a 2xx. */
export async function acknowledgedEvents({ simulator }: Pick<System, 'simulator'>): Promise<Set<string>> {
  const attempts = await simulator.control.deliveries();
  return new Set(attempts.filter(({ outcome }) => outcome === 'delivered').map(({ eventId }) => eventId));
}

/** A customer's own fields are read when an event says that they changed, so those events are a kind of their own. */
function subjectAndKind(event: Stripe.Event): string | undefined {
  switch (event.type) {
    case 'customer.updated':
    case 'customer.deleted':
      return `customer ${event.data.object.id}`;
    case 'customer.subscription.created':
    case 'customer.subscription.updated':
    case 'customer.subscription.deleted':
    case 'customer.subscription.paused':
    case 'customer.subscription.resumed':
      return `subscriptions of ${event.data.object.customer}`;
    case 'product.created':
    case 'product.updated':
      return `product ${event.data.object.id}`;
    case 'price.created':
    case 'price.updated':
      return `product ${event.data.object.product}`;
    default:
      return undefined;
  }
}
