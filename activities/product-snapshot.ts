import { type ProductWrite, productSyncVersion } from '../db/catalog.ts';
import type { StripeProductId } from '../domain/ids.ts';
import { listPrices, retrieveProduct } from '../stripe/products.ts';
import type { ActivityDependencies } from './dependencies.ts';

/** A product's truth with all its prices, as `applyProduct` writes it, behind the fence that was read before. */
export async function fetchProduct(
  { database, stripe, billingTenant, licensePrices }: ActivityDependencies,
  productId: StripeProductId,
): Promise<ProductWrite> {
  const syncVersion = await productSyncVersion(database, productId);
  const product = await retrieveProduct(stripe, productId);
  const prices = await listPrices(stripe, productId);
  return { productId, syncVersion, product, prices, billingTenant, licensePrices };
}
