import type Stripe from 'stripe';
import { z } from 'zod';
import type { StripePriceId, StripeProductId } from '../domain/ids.ts';
import type { Price, Product } from '../domain/subscription.ts';
import { expandableId, metadata, optionalText, readAnswer, text } from './answers.ts';
import { isResourceMissing, stripeFailure } from './errors.ts';

const PAGE_SIZE = 100;
const PRICES_PER_PRODUCT_MAX = 2_000;

export const priceSchema = z
  .object({
    id: z.string(),
    product: expandableId,
    active: z.boolean(),
    currency: z.string(),
    unit_amount: z.int().nullish(),
    recurring: z.object({ interval: z.string(), interval_count: z.int() }).nullish(),
    metadata,
  })
  .transform(
    (price): Price => ({
      id: price.id,
      productId: price.product,
      active: price.active,
      currency: price.currency,
      unitAmountMinor: price.unit_amount ?? null,
      recurring: price.recurring
        ? { interval: price.recurring.interval, intervalCount: price.recurring.interval_count }
        : null,
      metadata: price.metadata,
    }),
  );

const productSchema = z
  .object({ id: z.string(), name: text, description: optionalText, active: z.boolean(), metadata })
  .transform((product): Product => product);
const deletedSchema = z.object({ id: z.string(), deleted: z.literal(true) });

/** @returns null when the product was deleted or Stripe doesn't know it */
export async function retrieveProduct(stripe: Stripe, id: StripeProductId): Promise<Product | null> {
  try {
    const answer: unknown = await stripe.products.retrieve(id);
    return deletedSchema.safeParse(answer).success ? null : readAnswer(productSchema, answer);
  } catch (error) {
    if (isResourceMissing(error)) return null;
    throw stripeFailure(error);
  }
}

/** @returns null when Stripe doesn't know it */
export async function retrievePrice(stripe: Stripe, id: StripePriceId): Promise<Price | null> {
  try {
    return readAnswer(priceSchema, await stripe.prices.retrieve(id));
  } catch (error) {
    if (isResourceMissing(error)) return null;
    throw stripeFailure(error);
  }
}

/** All prices of a product, archived ones too; none when the product is gone. */
export async function listPrices(stripe: Stripe, product: StripeProductId): Promise<Price[]> {
  try {
    const answers = await stripe.prices
      .list({ product, limit: PAGE_SIZE })
      .autoPagingToArray({ limit: PRICES_PER_PRODUCT_MAX });
    return answers.map((answer) => readAnswer(priceSchema, answer));
  } catch (error) {
    if (isResourceMissing(error)) return [];
    throw stripeFailure(error);
  }
}

const pricePageSchema = z.object({ data: z.array(z.unknown()), has_more: z.boolean() });
const expandedProductSchema = z.object({ product: z.union([deletedSchema, productSchema]) });

/** A price with its product; null when that was deleted. */
export type PricedProduct = { price: Price; product: Product | null };

/** One page of all prices of the account, archived ones too, newest first. @param after the id after which the page begins */
export async function listPricePage(
  stripe: Stripe,
  after: string | null,
): Promise<{ prices: PricedProduct[]; hasMore: boolean }> {
  try {
    const answer = await stripe.prices.list({
      limit: PAGE_SIZE,
      expand: ['data.product'],
      ...(after !== null && { starting_after: after }),
    });
    const page = readAnswer(pricePageSchema, answer);
    const prices = page.data.map((each): PricedProduct => {
      const { product } = readAnswer(expandedProductSchema, each);
      return { price: readAnswer(priceSchema, each), product: 'deleted' in product ? null : product };
    });
    return { prices, hasMore: page.has_more };
  } catch (error) {
    throw stripeFailure(error);
  }
}
