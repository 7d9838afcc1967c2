import { and, eq, inArray, notInArray, sql } from 'drizzle-orm';
import { Failure } from '../domain/failures.ts';
import { isLicensePrice, type LicensePrices } from '../domain/license-count.ts';
import type { Price, Product } from '../domain/subscription.ts';
import type { Database, Transaction } from './connect.ts';
import { priceIsOfProduct } from './joins.ts';
import { PRODUCT_TYPES, type ProductType, stripePrices, stripeProducts } from './schema.ts';

/** The prices of a snapshot, and those of their products that were fetched because we had no row of them. */
type SnapshotCatalog = {
  billingTenant: string;
  licensePrices: LicensePrices;
  products: readonly Product[];
  prices: readonly Price[];
};

/** Which of these products have no row yet? */
export async function unknownProducts(database: Database, productIds: readonly string[]): Promise<string[]> {
  if (productIds.length === 0) return [];
  const known = await database
    .select({ id: stripeProducts.stripeProductExternalId })
    .from(stripeProducts)
    .where(inArray(stripeProducts.stripeProductExternalId, [...productIds]));
  const ids = new Set(known.map((row) => row.id));
  return [...new Set(productIds)].filter((id) => !ids.has(id));
}

/**
 * Makes sure that every price of a snapshot has a row. Rows that are there are left alone: a snapshot may be older than
 * the last `product.*` or `price.*` event, and those keep them fresh. But a product with a licence price is a licence.
 *
 * @returns our own id of each price by Stripe's
 */
export async function ensurePrices(
  transaction: Transaction,
  options: SnapshotCatalog,
): Promise<ReadonlyMap<string, string>> {
  const prices = [...new Map(options.prices.map((price) => [price.id, price])).values()].sort(byId);
  if (prices.length === 0) return new Map();
  const known = await ownPriceIds(transaction, prices);
  const missing = prices.filter((price) => !known.has(price.id));
  if (missing.length === 0) return known;
  await insertProducts(transaction, { ...options, prices: missing });
  await transaction
    .insert(stripePrices)
    .values(await priceRows(transaction, { billingTenant: options.billingTenant, prices: missing }))
    .onConflictDoNothing();
  return ownPriceIds(transaction, prices);
}

async function ownPriceIds(transaction: Transaction, prices: readonly Price[]): Promise<Map<string, string>> {
  const rows = await transaction
    .select({ own: stripePrices.stripePriceId, external: stripePrices.stripePriceExternalId })
    .from(stripePrices)
    .where(
      inArray(
        stripePrices.stripePriceExternalId,
        prices.map((price) => price.id),
      ),
    );
  return new Map(rows.map((row) => [row.external, row.own]));
}

/** A price may outlive its product in Stripe; then the product's row holds what is known of it, its id. */
async function insertProducts(transaction: Transaction, options: SnapshotCatalog): Promise<void> {
  const fetched = new Map(options.products.map((product) => [product.id, product]));
  const productIds = [...new Set(options.prices.map((price) => price.productId))].sort();
  await transaction
    .insert(stripeProducts)
    .values(
      productIds.map((id) => {
        const product = fetched.get(id) ?? deletedProduct(id);
        const prices = options.prices.filter((price) => price.productId === id);
        return {
          billingTenant: options.billingTenant,
          ...productRow(product, prices, options.licensePrices),
        };
      }),
    )
    // What it is follows from all its prices, and a licence price may come after another one; nothing else is touched.
    .onConflictDoUpdate({
      target: stripeProducts.stripeProductExternalId,
      set: { productType: sql`excluded.product_type`, updatedAt: sql`now()` },
      setWhere: sql`excluded.product_type = 'license' and ${stripeProducts.productType} <> 'license'`,
    });
}

function deletedProduct(id: string): Product {
  return { id, name: id, description: null, active: false, metadata: {} };
}

function productRow(product: Product, prices: readonly Price[], licensePrices: LicensePrices) {
  return {
    stripeProductExternalId: product.id,
    name: product.name,
    description: product.description,
    productType: productType(product, prices, licensePrices),
    isActive: product.active,
    metadata: product.metadata,
  };
}

/** A product with a licence price is a licence; otherwise its metadata may say, and what recurs is an add-on. */
function productType(product: Product, prices: readonly Price[], licensePrices: LicensePrices): ProductType {
  if (prices.some((price) => price.recurring !== null && isLicensePrice(price.id, licensePrices)))
    return 'license';
  const stated = PRODUCT_TYPES.find((type) => type === product.metadata.product_type);
  return stated ?? (prices.some((price) => price.recurring !== null) ? 'addon' : 'service');
}

async function priceRows(
  transaction: Transaction,
  options: { billingTenant: string; prices: readonly Price[] },
) {
  const rows = await transaction
    .select({ own: stripeProducts.stripeProductId, external: stripeProducts.stripeProductExternalId })
    .from(stripeProducts)
    .where(
      inArray(
        stripeProducts.stripeProductExternalId,
        options.prices.map((price) => price.productId),
      ),
    );
  const productIds = new Map(rows.map((row) => [row.external, row.own]));
  // In one order everywhere, so that two writers of the same prices can't wait for each other.
  return [...options.prices].sort(byId).map((price) => {
    const stripeProductId = productIds.get(price.productId);
    if (stripeProductId === undefined) throw new Error('the product of a price has no row');
    return {
      billingTenant: options.billingTenant,
      stripePriceExternalId: price.id,
      stripeProductId,
      unitAmount: price.unitAmountMinor,
      currency: price.currency,
      recurringInterval: price.recurring?.interval ?? null,
      recurringIntervalCount: price.recurring?.intervalCount ?? null,
      isActive: price.active,
      metadata: price.metadata,
    };
  });
}

/** @returns the product's id in Stripe (a price never changes its product); null when we have no row of the price */
export async function productOfPrice(database: Database, priceId: string): Promise<string | null> {
  const [row] = await database
    .select({ product: stripeProducts.stripeProductExternalId })
    .from(stripePrices)
    .innerJoin(stripeProducts, priceIsOfProduct)
    .where(eq(stripePrices.stripePriceExternalId, priceId));
  return row?.product ?? null;
}

/** The fence of a product's sync; 0 for one without a row. */
export async function productSyncVersion(database: Database, productId: string): Promise<number> {
  const [row] = await database
    .select({ syncVersion: stripeProducts.syncVersion })
    .from(stripeProducts)
    .where(eq(stripeProducts.stripeProductExternalId, productId));
  return row?.syncVersion ?? 0;
}

/** A product and all its prices as Stripe answered them. */
export type ProductWrite = {
  productId: string;
  /** The fence, as it was read before Stripe was asked. */
  syncVersion: number;
  /** null when it was deleted. */
  product: Product | null;
  prices: readonly Price[];
  billingTenant: string;
  licensePrices: LicensePrices;
};

/**
 * Writes a product and all its prices. What Stripe no longer has becomes inactive; rows are never deleted, subscriptions
 * refer to them.
 *
 * @throws Failure StaleSnapshot when another writer was faster
 */
export async function applyProduct(transaction: Transaction, options: ProductWrite): Promise<void> {
  const { product, billingTenant } = options;
  if (product === null) return deactivateProduct(transaction, options);
  const row = {
    ...productRow(product, options.prices, options.licensePrices),
    syncVersion: options.syncVersion + 1,
  };
  const written = await transaction
    .insert(stripeProducts)
    .values({ billingTenant, ...row })
    .onConflictDoUpdate({
      target: stripeProducts.stripeProductExternalId,
      set: { ...row, updatedAt: sql`now()` },
      setWhere: eq(stripeProducts.syncVersion, options.syncVersion),
    })
    .returning({ own: stripeProducts.stripeProductId });
  const [own] = written.map((result) => result.own);
  if (own === undefined) throw new Failure('StaleSnapshot', 'Another sync of the product was faster');
  await deactivatePricesExcept(transaction, { own, prices: options.prices });
  if (options.prices.length === 0) return;
  await transaction
    .insert(stripePrices)
    .values(await priceRows(transaction, { billingTenant, prices: options.prices }))
    .onConflictDoUpdate({
      target: stripePrices.stripePriceExternalId,
      set: {
        stripeProductId: own,
        unitAmount: sql`excluded.unit_amount`,
        currency: sql`excluded.currency`,
        recurringInterval: sql`excluded.recurring_interval`,
        recurringIntervalCount: sql`excluded.recurring_interval_count`,
        isActive: sql`excluded.is_active`,
        metadata: sql`excluded.metadata`,
        updatedAt: sql`now()`,
      },
    });
}

/** A deletion is final, so it needs no fence; but it raises the version, so that who read before it is stale. */
async function deactivateProduct(transaction: Transaction, options: { productId: string }): Promise<void> {
  const [row] = await transaction
    .update(stripeProducts)
    .set({ isActive: false, syncVersion: sql`${stripeProducts.syncVersion} + 1`, updatedAt: sql`now()` })
    .where(eq(stripeProducts.stripeProductExternalId, options.productId))
    .returning({ own: stripeProducts.stripeProductId });
  if (row !== undefined) await deactivatePricesExcept(transaction, { own: row.own, prices: [] });
}

async function deactivatePricesExcept(
  transaction: Transaction,
  options: { own: string; prices: readonly Price[] },
): Promise<void> {
  await transaction
    .update(stripePrices)
    .set({ isActive: false, updatedAt: sql`now()` })
    .where(
      and(
        eq(stripePrices.stripeProductId, options.own),
        eq(stripePrices.isActive, true),
        options.prices.length === 0
          ? undefined
          : notInArray(
              stripePrices.stripePriceExternalId,
              options.prices.map((price) => price.id),
            ),
      ),
    );
}

function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : 1;
}
