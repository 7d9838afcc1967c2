import { eq, inArray, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import { Failure } from '../domain/failures.ts';
import type { LicensedItem, LicensedSubscription, LicensePrices } from '../domain/license-count.ts';
import { inParts } from '../domain/parts.ts';
import type { Subscription } from '../domain/subscription.ts';
import {
  type ProjectedItem,
  type ProjectedSubscription,
  projectSubscription,
} from '../domain/subscription-projection.ts';
import type { Database, Transaction } from './connect.ts';
import { itemIsOfSubscription, subscriptionIsOfCustomer } from './joins.ts';
import {
  stripeSubscriptionItems as items,
  stripeCustomers,
  stripePrices,
  stripeSubscriptions as subscriptions,
} from './schema.ts';

/** Whom a subscription belongs to: the tenant, and its customer's row. */
export type SubscriptionOwner = { tenant: string; stripeCustomerId: string };

/** Rows of one statement: Postgres takes 65,535 parameters, and a subscription has sixteen of them. */
const ROWS_PER_STATEMENT_MAX = 2_000;

/** A subscription with the customer that it is filed under. */
export type OwnedSubscription = { owner: SubscriptionOwner; subscription: Subscription };

/**
 * Writes subscriptions, each with exactly the items it has.
 *
 * @throws Failure DatabaseRefused when one is filed under another tenant
 */
export async function writeSubscriptions(
  transaction: Transaction,
  options: {
    subscriptions: readonly OwnedSubscription[];
    licensePrices: LicensePrices;
    priceIds: ReadonlyMap<string, string>;
  },
): Promise<void> {
  // In one order everywhere, so that two writers of the same subscriptions can't wait for each other.
  const projected = options.subscriptions
    .map(({ owner, subscription }) => ({
      id: subscription.id,
      owner,
      row: projectSubscription(subscription, options.licensePrices),
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const part of inParts(projected, ROWS_PER_STATEMENT_MAX))
    await writeProjected(transaction, part, options.priceIds);
}

type OwnedProjection = { id: string; owner: SubscriptionOwner; row: ProjectedSubscription };

async function writeProjected(
  transaction: Transaction,
  projected: readonly OwnedProjection[],
  priceIds: ReadonlyMap<string, string>,
): Promise<void> {
  const written = await transaction
    .insert(subscriptions)
    .values(
      projected.map(({ id, owner, row }) => ({
        tenant: owner.tenant,
        stripeSubscriptionExternalId: id,
        stripeCustomerId: owner.stripeCustomerId,
        stripeSubscriptionItemId: row.itemId,
        stripePriceId: row.priceId === null ? null : ownPriceId(priceIds, row.priceId),
        status: row.status,
        quantity: row.quantity,
        currentPeriodStart: row.currentPeriodStart,
        currentPeriodEnd: row.currentPeriodEnd,
        cancelAt: row.cancelAt,
        cancelAtPeriodEnd: row.cancelAtPeriodEnd,
        canceledAt: row.canceledAt,
        cancellationReason: row.cancellationReason,
        metadata: row.metadata,
        stripeCreatedAt: row.createdAt,
      })),
    )
    .onConflictDoUpdate({
      target: subscriptions.stripeSubscriptionExternalId,
      set: {
        stripeCustomerId: sql`excluded.stripe_customer_id`,
        stripeSubscriptionItemId: sql`excluded.stripe_subscription_item_id`,
        stripePriceId: sql`excluded.stripe_price_id`,
        status: sql`excluded.status`,
        quantity: sql`excluded.quantity`,
        currentPeriodStart: sql`excluded.current_period_start`,
        currentPeriodEnd: sql`excluded.current_period_end`,
        cancelAt: sql`excluded.cancel_at`,
        cancelAtPeriodEnd: sql`excluded.cancel_at_period_end`,
        canceledAt: sql`excluded.canceled_at`,
        cancellationReason: sql`excluded.cancellation_reason`,
        metadata: sql`excluded.metadata`,
        stripeCreatedAt: sql`excluded.stripe_created_at`,
        updatedAt: sql`now()`,
      },
      setWhere: sql`${subscriptions.tenant} = excluded.tenant`,
    })
    .returning({
      id: subscriptions.stripeSubscriptionExternalId,
      own: subscriptions.stripeSubscriptionId,
    });
  const ownIds = new Map(written.map(({ id, own }) => [id, own]));
  const items = projected.map(({ id, owner, row }) => {
    const own = ownIds.get(id);
    if (own === undefined) throw new Failure('DatabaseRefused', `${id} is filed under another tenant`);
    return { tenant: owner.tenant, subscription: own, items: row.items };
  });
  await replaceItems(transaction, { items, priceIds });
}

async function replaceItems(
  transaction: Transaction,
  options: {
    items: readonly { tenant: string; subscription: string; items: readonly ProjectedItem[] }[];
    priceIds: ReadonlyMap<string, string>;
  },
): Promise<void> {
  const rows = options.items.flatMap(({ tenant, subscription, items: of }) =>
    of.map((item) => ({
      tenant,
      stripeSubscriptionItemExternalId: item.id,
      stripeSubscriptionId: subscription,
      stripePriceId: ownPriceId(options.priceIds, item.priceId),
      quantity: item.quantity,
      currentPeriodStart: item.currentPeriodStart,
      currentPeriodEnd: item.currentPeriodEnd,
      stripeCreatedAt: item.createdAt,
    })),
  );
  const kept = rows.map((row) => row.stripeSubscriptionItemExternalId);
  await transaction.execute(sql`
    delete from ${items} using unnest(
      ${sql.param(options.items.map(({ tenant }) => tenant))}::uuid[],
      ${sql.param(options.items.map(({ subscription }) => subscription))}::uuid[]
    ) as owner (tenant, subscription)
    where ${items.tenant} = owner.tenant and ${items.stripeSubscriptionId} = owner.subscription
      and ${items.stripeSubscriptionItemExternalId} <> all(${sql.param(kept)}::text[])`);
  for (const part of inParts(rows, ROWS_PER_STATEMENT_MAX)) await writeItems(transaction, part);
}

async function writeItems(
  transaction: Transaction,
  rows: readonly (typeof items.$inferInsert)[],
): Promise<void> {
  await transaction
    .insert(items)
    .values([...rows])
    .onConflictDoUpdate({
      target: items.stripeSubscriptionItemExternalId,
      set: {
        stripeSubscriptionId: sql`excluded.stripe_subscription_id`,
        stripePriceId: sql`excluded.stripe_price_id`,
        quantity: sql`excluded.quantity`,
        currentPeriodStart: sql`excluded.current_period_start`,
        currentPeriodEnd: sql`excluded.current_period_end`,
        stripeCreatedAt: sql`excluded.stripe_created_at`,
      },
      setWhere: sql`${items.tenant} = excluded.tenant`,
    });
}

/** All subscriptions of tenants, of whatever customers, as the licence rule reads them. */
export async function licensedSubscriptions(
  database: Transaction | Database,
  owners: readonly string[],
): Promise<Map<string, LicensedSubscription[]>> {
  const rows = await database
    .select({
      tenant: subscriptions.tenant,
      id: subscriptions.stripeSubscriptionExternalId,
      status: subscriptions.status,
      createdAt: subscriptions.stripeCreatedAt,
      itemId: items.stripeSubscriptionItemExternalId,
      itemCreatedAt: items.stripeCreatedAt,
      quantity: items.quantity,
      priceId: stripePrices.stripePriceExternalId,
    })
    .from(subscriptions)
    .leftJoin(items, itemIsOfSubscription)
    .leftJoin(stripePrices, eq(stripePrices.stripePriceId, items.stripePriceId))
    .where(inArray(subscriptions.tenant, [...owners]));
  const byTenant = new Map<string, Map<string, LicensedSubscription & { items: LicensedItem[] }>>();
  for (const row of rows) {
    const ofTenant = byTenant.get(row.tenant) ?? new Map();
    byTenant.set(row.tenant, ofTenant);
    const subscription = ofTenant.get(row.id) ?? {
      id: row.id,
      status: row.status,
      createdAt: row.createdAt,
      items: [],
    };
    ofTenant.set(row.id, subscription);
    if (row.itemId === null || row.priceId === null || row.itemCreatedAt === null) continue;
    subscription.items.push({
      id: row.itemId,
      priceId: row.priceId,
      quantity: row.quantity,
      createdAt: row.itemCreatedAt,
    });
  }
  return new Map([...byTenant].map(([tenant, ofTenant]) => [tenant, [...ofTenant.values()]]));
}

/** What our rows say of these subscriptions, and whose they are; those without a row are missing. */
export async function heldSubscriptions(
  database: Transaction | Database,
  ids: readonly string[],
): Promise<Map<string, ProjectedSubscription & { tenant: string }>> {
  if (ids.length === 0) return new Map();
  const ownPrice = alias(stripePrices, 'own_price');
  const rows = await database
    .select({
      subscription: subscriptions,
      customerId: stripeCustomers.stripeCustomerExternalId,
      priceId: ownPrice.stripePriceExternalId,
      item: items,
      itemPriceId: stripePrices.stripePriceExternalId,
    })
    .from(subscriptions)
    .innerJoin(stripeCustomers, subscriptionIsOfCustomer)
    .leftJoin(ownPrice, eq(ownPrice.stripePriceId, subscriptions.stripePriceId))
    .leftJoin(items, itemIsOfSubscription)
    .leftJoin(stripePrices, eq(stripePrices.stripePriceId, items.stripePriceId))
    .where(inArray(subscriptions.stripeSubscriptionExternalId, [...ids]));
  const held = new Map<string, ProjectedSubscription & { tenant: string; items: ProjectedItem[] }>();
  for (const { subscription: row, customerId, priceId, item, itemPriceId } of rows) {
    const known = held.get(row.stripeSubscriptionExternalId) ?? {
      tenant: row.tenant,
      customerId,
      status: row.status,
      itemId: row.stripeSubscriptionItemId,
      priceId,
      quantity: row.quantity,
      currentPeriodStart: row.currentPeriodStart,
      currentPeriodEnd: row.currentPeriodEnd,
      cancelAt: row.cancelAt,
      cancelAtPeriodEnd: row.cancelAtPeriodEnd,
      canceledAt: row.canceledAt,
      cancellationReason: row.cancellationReason,
      metadata: row.metadata,
      createdAt: row.stripeCreatedAt,
      items: [],
    };
    held.set(row.stripeSubscriptionExternalId, known);
    if (item === null || itemPriceId === null) continue;
    known.items.push({
      id: item.stripeSubscriptionItemExternalId,
      priceId: itemPriceId,
      quantity: item.quantity,
      currentPeriodStart: item.currentPeriodStart,
      currentPeriodEnd: item.currentPeriodEnd,
      createdAt: item.stripeCreatedAt,
    });
  }
  return held;
}

function ownPriceId(priceIds: ReadonlyMap<string, string>, externalId: string): string {
  const id = priceIds.get(externalId);
  if (id === undefined) throw new Error('a price of the snapshot has no row');
  return id;
}
