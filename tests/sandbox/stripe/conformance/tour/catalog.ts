import Stripe from 'stripe';
import type { Guide } from './guide.ts';

/** Products and prices: plain, tiered, one-time, archived, deleted. */
export async function tourCatalog({ stripe }: Guide): Promise<void> {
  const product = await stripe.products.create({
    name: 'Licence',
    metadata: { plan: 'pro' },
    default_price_data: { currency: 'usd', unit_amount: 500, recurring: { interval: 'month' } },
  });
  await stripe.products.update(product.id, { description: 'For one user', metadata: { plan: '' } });
  await stripe.products.retrieve(product.id, { expand: ['default_price'] });
  await stripe.products.list({ active: true, limit: 1 });
  const price = await stripe.prices.create({
    product: product.id,
    currency: 'eur',
    unit_amount_decimal: Stripe.Decimal.from('0.5'),
    recurring: { interval: 'year', interval_count: 1, usage_type: 'licensed' },
    lookup_key: 'yearly',
  });
  await stripe.prices.create({ product: product.id, currency: 'jpy', unit_amount: 500 });
  await stripe.prices.update(price.id, { nickname: 'Yearly', active: false });
  await stripe.prices.retrieve(price.id, { expand: ['product'] });
  await stripe.prices.list({ product: product.id, expand: ['data.product'] });
  const other = await stripe.products.create({ name: 'Not for long' });
  await stripe.products.del(other.id);
}
