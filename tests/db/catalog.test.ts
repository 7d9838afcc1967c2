import { expect, test } from 'vitest';
import { applyProduct, ensurePrices, productSyncVersion, unknownProducts } from '../../db/catalog.ts';
import type { Price, Product } from '../../domain/subscription.ts';
import { MASTER_BILLING_TENANT_ID as billingTenant, useDatabase } from '../database.ts';
import { billingRows, newId, price, product } from './billing-rows.ts';

const { database, pool } = await useDatabase();
const rows = billingRows({ database, pool });

const ensure = (prices: Price[], products: Product[] = []) =>
  database.transaction((transaction) =>
    ensurePrices(transaction, { billingTenant, licensePrices: 'any', prices, products }),
  );
const apply = (productId: string, syncVersion: number, truth: Product | null, prices: Price[] = []) =>
  database.transaction((transaction) =>
    applyProduct(transaction, {
      productId,
      syncVersion,
      product: truth,
      prices,
      billingTenant,
      licensePrices: 'any',
    }),
  );
const STALE = expect.objectContaining({ name: 'StaleSnapshot' });

test('a snapshot adds what is missing and leaves fresher rows alone', async () => {
  const sold = product({ name: 'Fresh' });
  const fresh = price({ productId: sold.id, unitAmountMinor: 2_000 });
  await apply(sold.id, 0, sold, [fresh]);
  const added = price({ productId: sold.id, unitAmountMinor: 7 });
  const ids = await ensure(
    [{ ...fresh, unitAmountMinor: 1, active: false }, added, added],
    [{ ...sold, name: 'Old' }],
  );
  expect([...ids.keys()].sort()).toEqual([fresh.id, added.id].sort());
  expect(await rows.priceRow(fresh.id)).toMatchObject({
    unit_amount: '2000',
    is_active: true,
    product_name: 'Fresh',
  });
  expect(await rows.priceRow(added.id)).toMatchObject({ unit_amount: '7' });
  expect(await productSyncVersion(database, sold.id)).toBe(1);
});

test('I4 a product is a licence as soon as one of its licence prices is known, whichever price came first', async () => {
  const sold = product({ name: 'Fresh' });
  const [support, license] = [price({ productId: sold.id }), price({ productId: sold.id })];
  const typeAfter = async (sale: Price) => {
    await database.transaction((transaction) =>
      ensurePrices(transaction, {
        billingTenant,
        licensePrices: new Set([license.id]),
        prices: [sale],
        products: [{ ...sold, name: 'Old' }],
      }),
    );
    const { rows: found } = await pool.query(
      'select name, product_type from stripe_products where stripe_product_external_id = $1',
      [sold.id],
    );
    return found;
  };
  expect(await typeAfter(support)).toEqual([{ name: 'Old', product_type: 'addon' }]);
  await apply(sold.id, 0, sold, []);
  expect(await typeAfter(license)).toEqual([{ name: 'Fresh', product_type: 'license' }]);
});

test('snapshots with the same new prices at once agree on one row each, without a deadlock', async () => {
  const sold = product();
  const prices = Array.from({ length: 6 }, () => price({ productId: sold.id }));
  const found = await Promise.all(
    Array.from({ length: 10 }, (_, index) => ensure(index % 2 === 0 ? prices : prices.toReversed(), [sold])),
  );
  for (const one of prices) expect(new Set(found.map((ids) => ids.get(one.id))).size).toBe(1);
});

test('no prices: nothing to ask the database', async () => {
  expect((await ensure([])).size).toBe(0);
  expect(await unknownProducts(database, [])).toEqual([]);
});

test('only products without a row are unknown, each once', async () => {
  const [known, unknown] = [product(), newId('prod')];
  await apply(known.id, 0, known);
  expect(await unknownProducts(database, [unknown, known.id, unknown])).toEqual([unknown]);
});

test('I4 of two product syncs that read the same version the second writes nothing', async () => {
  const sold = product({ name: 'First' });
  const one = price({ productId: sold.id, unitAmountMinor: 1 });
  await apply(sold.id, 0, sold, [one]);
  await apply(sold.id, 1, { ...sold, name: 'Second' }, [{ ...one, unitAmountMinor: 2 }]);
  await expect(
    apply(sold.id, 1, { ...sold, name: 'Stale' }, [{ ...one, unitAmountMinor: 3 }]),
  ).rejects.toEqual(STALE);
  expect(await rows.priceRow(one.id)).toMatchObject({ product_name: 'Second', unit_amount: '2' });
});

test('I4 of two first syncs of a product one writes', async () => {
  const sold = product();
  const outcomes = await Promise.allSettled([apply(sold.id, 0, sold), apply(sold.id, 0, sold)]);
  expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(['fulfilled', 'rejected']);
});

test('prices that Stripe no longer lists become inactive, those of a deleted product too; rows stay', async () => {
  const sold = product();
  const [kept, dropped] = [price({ productId: sold.id }), price({ productId: sold.id })];
  await apply(sold.id, 0, sold, [kept, dropped]);
  await apply(sold.id, 1, sold, [kept]);
  expect(await rows.priceRow(dropped.id)).toMatchObject({ is_active: false });
  expect(await rows.priceRow(kept.id)).toMatchObject({ is_active: true });
  await apply(sold.id, 2, null);
  expect(await rows.priceRow(kept.id)).toMatchObject({ is_active: false, product_active: false });
});

test('a product that nobody knew is deleted without a trace', async () => {
  await expect(apply(newId('prod'), 0, null)).resolves.toBeUndefined();
});

test('I4 after a deletion a sync that read the product before it writes nothing', async () => {
  const sold = product();
  await apply(sold.id, 0, sold);
  const readBefore = await productSyncVersion(database, sold.id);
  // A deletion that was read at version 0 is late, but a deletion is final.
  await apply(sold.id, 0, null);
  await expect(apply(sold.id, readBefore, sold)).rejects.toEqual(STALE);
});

test.each([
  ['stated by its metadata', { product_type: 'service' }, null, 'service'],
  ['an unknown statement is not believed', { product_type: 'gift' }, null, 'service'],
  ['what is sold once is a service', {}, null, 'service'],
  ['what recurs and is no licence is an add-on', {}, { interval: 'month', intervalCount: 1 }, 'addon'],
])('the type of a product: %s', async (_name, metadata, recurring, type) => {
  const sold = product({ metadata });
  const one = price({ productId: sold.id, recurring });
  await database.transaction((transaction) =>
    applyProduct(transaction, {
      productId: sold.id,
      syncVersion: 0,
      product: sold,
      prices: [one],
      billingTenant,
      licensePrices: new Set(['price_other']),
    }),
  );
  expect(await rows.priceRow(one.id)).toMatchObject({ product_type: type });
});
