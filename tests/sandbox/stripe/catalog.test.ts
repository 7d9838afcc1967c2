import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { eventsSince, newestEvent, refusalOf, startSandbox } from './simulator-fixture.ts';

const monthly = { interval: 'month' } as const;

describe('a product', () => {
  it('is made together with its default price', async () => {
    const { stripe } = await startSandbox();
    const product = await stripe.products.create({
      name: 'Pro',
      default_price_data: { currency: 'eur', unit_amount: 1_200, recurring: monthly },
      marketing_features: [{ name: 'Single sign-on' }],
      expand: ['default_price'],
    });
    expect(product).toMatchObject({
      default_price: { product: product.id, unit_amount: 1_200, recurring: { interval: 'month' } },
      marketing_features: [{ name: 'Single sign-on' }],
    });
    expect((await eventsSince(stripe, undefined)).map(({ type }) => type).sort()).toEqual([
      'price.created',
      'product.created',
    ]);
  });

  it('keeps what an update does not name, and clears what it empties', async () => {
    const { stripe } = await startSandbox();
    const { id } = await stripe.products.create({
      name: 'Pro',
      description: 'Everything',
      images: ['https://shop.example.com/pro.png'],
      metadata: { plan: 'pro' },
    });
    const mark = await newestEvent(stripe);
    const changed = await stripe.products.update(id, { description: '', active: false, images: '' });
    expect(changed).toMatchObject({
      name: 'Pro',
      description: null,
      active: false,
      images: [],
      metadata: { plan: 'pro' },
    });
    const [event] = await eventsSince(stripe, mark);
    expect(event).toMatchObject({
      type: 'product.updated',
      data: {
        previous_attributes: {
          active: true,
          description: 'Everything',
          images: ['https://shop.example.com/pro.png'],
        },
      },
    });
  });

  it('with a price can be archived but not deleted', async () => {
    const { stripe } = await startSandbox();
    const [sold, unsold] = [
      await stripe.products.create({ name: 'Sold' }),
      await stripe.products.create({ name: 'Unsold' }),
    ];
    await stripe.prices.create({ product: sold.id, currency: 'usd', unit_amount: 1 });
    expect(await refusalOf(stripe.products.del(sold.id))).toMatchObject({ statusCode: 400 });
    expect(await stripe.products.del(unsold.id)).toEqual(
      expect.objectContaining({ id: unsold.id, object: 'product', deleted: true }),
    );
    expect(await refusalOf(stripe.products.retrieve(unsold.id))).toMatchObject({
      statusCode: 404,
      code: 'resource_missing',
    });
    const deleted = await stripe.events.list({ type: 'product.deleted' });
    expect(deleted.data).toMatchObject([{ data: { object: { id: unsold.id, name: 'Unsold' } } }]);
  });

  it('is found by each filter of the list', async () => {
    const { stripe } = await startSandbox();
    const book = await stripe.products.create({
      name: 'Book',
      shippable: true,
      url: 'https://b.example.com',
    });
    const plan = await stripe.products.create({ name: 'Plan', active: false });
    const idsOf = async (filter: Stripe.ProductListParams): Promise<string[]> =>
      (await stripe.products.list(filter)).data.map(({ id }) => id);
    expect(await idsOf({})).toEqual([plan.id, book.id]);
    expect(await idsOf({ active: false })).toEqual([plan.id]);
    expect(await idsOf({ shippable: true })).toEqual([book.id]);
    expect(await idsOf({ url: 'https://b.example.com' })).toEqual([book.id]);
    expect(await idsOf({ ids: [plan.id] })).toEqual([plan.id]);
  });
});

describe('a price', () => {
  it('shows its tiers only when they are asked for', async () => {
    const { stripe } = await startSandbox();
    const price = await stripe.prices.create({
      currency: 'usd',
      product_data: { name: 'Seats' },
      recurring: monthly,
      billing_scheme: 'tiered',
      tiers_mode: 'graduated',
      tiers: [
        { up_to: 10, unit_amount: 500, flat_amount: 1_000 },
        { up_to: 'inf', unit_amount: 300 },
      ],
    });
    expect(price).toMatchObject({ unit_amount: null, unit_amount_decimal: null, tiers_mode: 'graduated' });
    expect(price.tiers).toBeUndefined();
    const { tiers } = await stripe.prices.retrieve(price.id, { expand: ['tiers'] });
    expect(tiers).toMatchObject([
      { up_to: 10, unit_amount: 500, flat_amount: 1_000 },
      { up_to: null, unit_amount: 300, flat_amount: null, flat_amount_decimal: null },
    ]);
  });

  it('is refused when its tiers have gaps, or when it says its amount twice', async () => {
    const { stripe } = await startSandbox();
    const tiered = (tiers: Stripe.PriceCreateParams.Tier[], more: object = {}): Promise<unknown> =>
      stripe.prices.create({
        currency: 'usd',
        product_data: { name: 'Seats' },
        recurring: monthly,
        billing_scheme: 'tiered',
        tiers_mode: 'volume',
        tiers,
        ...more,
      });
    const open: Stripe.PriceCreateParams.Tier[] = [{ up_to: 10, unit_amount: 1 }];
    const whole: Stripe.PriceCreateParams.Tier[] = [{ up_to: 'inf', unit_amount: 1 }];
    expect((await refusalOf(tiered(open))).param).toBe('tiers[0][up_to]');
    expect((await refusalOf(tiered([...whole, ...open]))).param).toBe('tiers[0][up_to]');
    expect((await refusalOf(tiered(whole, { unit_amount: 5 }))).param).toBe('unit_amount');
    const once = stripe.prices.create({ currency: 'usd', product_data: { name: 'Once' } });
    expect((await refusalOf(once)).message).toContain('`unit_amount` or `unit_amount_decimal`');
  });

  it('gives up its lookup key only when it is transferred', async () => {
    const { stripe } = await startSandbox();
    const base = { currency: 'usd', unit_amount: 100, product_data: { name: 'Pro' } };
    const old = await stripe.prices.create({ ...base, lookup_key: 'pro' });
    await stripe.prices.update(old.id, { active: false });
    expect(await refusalOf(stripe.prices.create({ ...base, lookup_key: 'pro' }))).toMatchObject({
      param: 'lookup_key',
      message: `A price (\`${old.id}\`) already uses that lookup key.`,
    });
    const mark = await newestEvent(stripe);
    const fresh = await stripe.prices.create({ ...base, lookup_key: 'pro', transfer_lookup_key: true });
    expect(await stripe.prices.retrieve(old.id)).toMatchObject({ lookup_key: null });
    const updated = (await eventsSince(stripe, mark)).filter(({ type }) => type === 'price.updated');
    expect(updated).toMatchObject([
      { data: { object: { id: old.id }, previous_attributes: { lookup_key: 'pro' } } },
    ]);
    await stripe.prices.update(old.id, { lookup_key: 'pro', transfer_lookup_key: true });
    expect(await stripe.prices.retrieve(fresh.id)).toMatchObject({ lookup_key: null });
    expect((await stripe.prices.list({ lookup_keys: ['pro'] })).data.map(({ id }) => id)).toEqual([old.id]);
  });

  it('is found by each filter of the list', async () => {
    const { stripe } = await startSandbox();
    const { id: product } = await stripe.products.create({ name: 'Pro' });
    const base = { product, currency: 'usd', unit_amount: 100 };
    const once = await stripe.prices.create({ ...base, currency: 'eur' });
    const yearly = await stripe.prices.create({ ...base, recurring: { interval: 'year' } });
    const metered = await stripe.prices.create({
      ...base,
      recurring: { interval: 'month', usage_type: 'metered', meter: 'mtr_1' },
    });
    await stripe.prices.update(yearly.id, { active: false });
    const idsOf = async (filter: Stripe.PriceListParams): Promise<string[]> =>
      (await stripe.prices.list(filter)).data.map(({ id }) => id);
    expect(await idsOf({ product })).toEqual([metered.id, yearly.id, once.id]);
    expect(await idsOf({ active: false })).toEqual([yearly.id]);
    expect(await idsOf({ type: 'one_time' })).toEqual([once.id]);
    expect(await idsOf({ currency: 'eur' })).toEqual([once.id]);
    expect(await idsOf({ recurring: { interval: 'year' } })).toEqual([yearly.id]);
    expect(await idsOf({ recurring: { usage_type: 'metered' } })).toEqual([metered.id]);
    expect(await refusalOf(stripe.prices.list({ product: 'prod_x' }))).toMatchObject({ statusCode: 400 });
  });

  it('by usage needs a meter', async () => {
    const { stripe } = await startSandbox();
    const unmetered = stripe.prices.create({
      currency: 'usd',
      unit_amount: 1,
      product_data: { name: 'Calls' },
      recurring: { interval: 'month', usage_type: 'metered' },
    });
    expect((await refusalOf(unmetered)).message).toContain('must be backed by meters');
  });
});
