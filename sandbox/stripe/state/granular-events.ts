import { z } from 'zod';
import type { EventRecord } from './events.ts';

/** Statuses whose coming has a thin type of its own; `paused` and `canceled` have snapshot twins. */
const announcedStatuses = ['active', 'incomplete', 'incomplete_expired', 'past_due', 'trialing', 'unpaid'];

/** By snapshot type and changed attribute. */
const byAttribute: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'customer.subscription.updated': {
    cancel_at: 'customer.subscription.cancel_at_changed',
    default_payment_method: 'customer.subscription.default_payment_method_changed',
  },
  'price.updated': {
    lookup_key: 'price.lookup_key_changed',
    tax_behavior: 'price.tax_behavior_changed',
  },
  'product.updated': {
    default_price: 'product.default_price_changed',
    tax_code: 'product.tax_code_changed',
  },
};

const itemsSchema = z.object({
  data: z.array(
    z.object({ id: z.string(), quantity: z.number().optional(), price: z.object({ id: z.string() }) }),
  ),
});
type Items = z.infer<typeof itemsSchema>['data'];

/**
 * The finer types of what a snapshot event tells, without the `v1.` before them. Items beyond the ten that a
 * subscription embeds are not compared.
 */
export function granularTypes(event: EventRecord): string[] {
  const object: Record<string, unknown> = { ...event.data.object };
  const previous = event.data.previous_attributes ?? {};
  const attributes = Object.entries(byAttribute[event.type] ?? {}).flatMap(([attribute, type]) =>
    attribute in previous ? [type] : [],
  );
  switch (event.type) {
    case 'customer.subscription.created':
      return statusTypes(object.status);
    case 'customer.subscription.updated':
      return [
        ...('status' in previous ? statusTypes(object.status) : []),
        ...itemTypes(itemsOf(previous.items), itemsOf(object.items)),
        ...attributes,
      ];
    case 'price.updated':
    case 'product.updated': {
      const noun = event.type.replace('.updated', '');
      const activation = `${noun}.${object.active === true ? 'activated' : 'deactivated'}`;
      return [...('active' in previous ? [activation] : []), ...attributes];
    }
    default:
      return [];
  }
}

function statusTypes(status: unknown): string[] {
  return announcedStatuses.flatMap((one) => (one === status ? [`customer.subscription.${one}`] : []));
}

function itemsOf(list: unknown): Items | undefined {
  return itemsSchema.safeParse(list).data?.data;
}

function itemTypes(before: Items | undefined, after: Items | undefined): string[] {
  if (!before || !after) return [];
  const old = new Map(before.map((item) => [item.id, item]));
  const kept = after.flatMap((item) => {
    const was = old.get(item.id);
    return was ? [{ was, is: item }] : [];
  });
  const changes = {
    item_added: after.length > kept.length,
    item_removed: before.length > kept.length,
    item_quantity_changed: kept.some(({ was, is }) => was.quantity !== is.quantity),
    item_price_changed: kept.some(({ was, is }) => was.price.id !== is.price.id),
  };
  return Object.entries(changes).flatMap(([change, isThere]) =>
    isThere ? [`customer.subscription.${change}`] : [],
  );
}
