import { and, eq, notInArray, sql } from 'drizzle-orm';
import { Failure } from '../domain/failures.ts';
import { countedItems, type LicensedSubscription, type LicensePrices } from '../domain/license-count.ts';
import type { Subscription, SubscriptionItem } from '../domain/subscription.ts';
import type { Transaction } from './connect.ts';
import {
  stripeSubscriptionItems as items,
  stripePrices,
  stripeSubscriptions as subscriptions,
} from './schema.ts';

/** Whom a subscription belongs to: the tenant, and its customer's row. */
export type SubscriptionOwner = { tenant: string; stripeCustomerId: string };

/**
 * Writes a subscription with exactly the items it has.
 *
 * @throws Failure DatabaseRefused when it is filed under another tenant
 */
export async function writeSubscription(
  transaction: Transaction,
  options: {
    owner: SubscriptionOwner;
    subscription: Subscription;
    licensePrices: LicensePrices;
    priceIds: ReadonlyMap<string, string>;
  },
): Promise<void> {
  const { owner, subscription, priceIds } = options;
  const counted = countedItems(subscription.items.map(licensedItem), options.licensePrices);
  const period = subscription.items.find((item) => item.id === counted.first?.id) ?? subscription.items[0];
  const values = {
    stripeCustomerId: owner.stripeCustomerId,
    stripeSubscriptionItemId: counted.first?.id ?? null,
    stripePriceId: counted.first ? ownPriceId(priceIds, counted.first.priceId) : null,
    status: subscription.status,
    quantity: counted.quantity,
    currentPeriodStart: period?.currentPeriodStart ?? null,
    currentPeriodEnd: period?.currentPeriodEnd ?? null,
    cancelAt: subscription.cancelAt,
    cancelAtPeriodEnd: subscription.cancelAtPeriodEnd,
    canceledAt: subscription.canceledAt,
    cancellationReason: subscription.cancellationReason,
    metadata: subscription.metadata,
    stripeCreatedAt: subscription.createdAt,
  };
  const [row] = await transaction
    .insert(subscriptions)
    .values({ tenant: owner.tenant, stripeSubscriptionExternalId: subscription.id, ...values })
    .onConflictDoUpdate({
      target: subscriptions.stripeSubscriptionExternalId,
      set: { ...values, updatedAt: sql`now()` },
      setWhere: eq(subscriptions.tenant, owner.tenant),
    })
    .returning({ id: subscriptions.stripeSubscriptionId });
  if (row === undefined)
    throw new Failure('DatabaseRefused', 'The subscription is filed under another tenant');
  await replaceItems(transaction, { tenant: owner.tenant, subscriptionId: row.id, subscription, priceIds });
}

async function replaceItems(
  transaction: Transaction,
  options: {
    tenant: string;
    subscriptionId: string;
    subscription: Subscription;
    priceIds: ReadonlyMap<string, string>;
  },
): Promise<void> {
  const rows = options.subscription.items.map((item) => ({
    tenant: options.tenant,
    stripeSubscriptionItemExternalId: item.id,
    stripeSubscriptionId: options.subscriptionId,
    stripePriceId: ownPriceId(options.priceIds, item.price.id),
    quantity: item.quantity,
    currentPeriodStart: item.currentPeriodStart,
    currentPeriodEnd: item.currentPeriodEnd,
    stripeCreatedAt: item.createdAt,
  }));
  await transaction.delete(items).where(
    and(
      eq(items.tenant, options.tenant),
      eq(items.stripeSubscriptionId, options.subscriptionId),
      rows.length === 0
        ? undefined
        : notInArray(
            items.stripeSubscriptionItemExternalId,
            rows.map((row) => row.stripeSubscriptionItemExternalId),
          ),
    ),
  );
  if (rows.length === 0) return;
  await transaction
    .insert(items)
    .values(rows)
    .onConflictDoUpdate({
      target: items.stripeSubscriptionItemExternalId,
      set: {
        stripePriceId: sql`excluded.stripe_price_id`,
        quantity: sql`excluded.quantity`,
        currentPeriodStart: sql`excluded.current_period_start`,
        currentPeriodEnd: sql`excluded.current_period_end`,
      },
    });
}

/** All subscriptions of a tenant, of whatever customer, as the licence rule reads them. */
export async function licensedSubscriptions(
  transaction: Transaction,
  tenant: string,
): Promise<LicensedSubscription[]> {
  const rows = await transaction
    .select({
      id: subscriptions.stripeSubscriptionExternalId,
      status: subscriptions.status,
      createdAt: subscriptions.stripeCreatedAt,
      itemId: items.stripeSubscriptionItemExternalId,
      itemCreatedAt: items.stripeCreatedAt,
      quantity: items.quantity,
      priceId: stripePrices.stripePriceExternalId,
    })
    .from(subscriptions)
    .leftJoin(
      items,
      and(
        eq(items.tenant, subscriptions.tenant),
        eq(items.stripeSubscriptionId, subscriptions.stripeSubscriptionId),
      ),
    )
    .leftJoin(stripePrices, eq(stripePrices.stripePriceId, items.stripePriceId))
    .where(eq(subscriptions.tenant, tenant));
  const byId = new Map<string, LicensedSubscription & { items: ReturnType<typeof licensedItem>[] }>();
  for (const row of rows) {
    const subscription = byId.get(row.id) ?? {
      id: row.id,
      status: row.status,
      createdAt: row.createdAt,
      items: [],
    };
    byId.set(row.id, subscription);
    if (row.itemId === null || row.priceId === null || row.itemCreatedAt === null) continue;
    subscription.items.push({
      id: row.itemId,
      priceId: row.priceId,
      quantity: row.quantity,
      createdAt: row.itemCreatedAt,
    });
  }
  return [...byId.values()];
}

function licensedItem(item: SubscriptionItem) {
  return { id: item.id, priceId: item.price.id, quantity: item.quantity, createdAt: item.createdAt };
}

function ownPriceId(priceIds: ReadonlyMap<string, string>, externalId: string): string {
  const id = priceIds.get(externalId);
  if (id === undefined) throw new Error('a price of the snapshot has no row');
  return id;
}
