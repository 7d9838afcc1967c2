import type { System } from '../system.ts';

/** What the store sells beside licences. */
export type Catalog = {
  products: string[];
  /** Of everything that a subscription may be given. */
  prices: string[];
  /** No longer sold, but some have it: Stripe refuses new sales of an inactive price. */
  oldPrice: string;
};

/** Two add-ons and a price that is no longer sold, as the store's owner makes them. */
export async function openCatalog({ stripe, licensePriceId }: System): Promise<Catalog> {
  const month = { interval: 'month' } as const;
  const storage = await stripe.products.create({ name: 'Storage', metadata: { product_type: 'service' } });
  const support = await stripe.products.create({ name: 'Support' });
  const license = await stripe.prices.retrieve(licensePriceId);
  const price = (product: string, unit_amount: number) =>
    stripe.prices.create({ product, unit_amount, currency: 'usd', recurring: month });
  const prices = [
    licensePriceId,
    (await price(storage.id, 700)).id,
    (await price(support.id, 1_900)).id,
    // Sold with the licences, but none.
    (await price(String(license.product), 300)).id,
  ];
  const oldPrice = (await price(support.id, 1_500)).id;
  return { products: [storage.id, support.id, String(license.product)], prices, oldPrice };
}
