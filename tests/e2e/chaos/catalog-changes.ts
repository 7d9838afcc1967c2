import type { System } from '../system.ts';
import type { Catalog } from './catalog.ts';
import type { Dice } from './dice.ts';

type CatalogChange = { system: System; dice: Dice; catalog: Catalog };

/** Changes a product or a price as the store's owner does. */
export async function changeCatalog({ system: { stripe }, dice, catalog }: CatalogChange): Promise<void> {
  const product = dice.pick(catalog.products);
  const number = dice.between(1, 1_000);
  const changes = [
    () => stripe.products.update(product, { name: `Product ${number}` }),
    () => stripe.products.update(product, { description: `As of change ${number}` }),
    () => stripe.products.update(product, { metadata: { edition: String(number) } }),
    () => stripe.prices.update(dice.pick(catalog.prices), { metadata: { list: String(number) } }),
    () => stripe.prices.update(dice.pick(catalog.prices), { nickname: `Price ${number}` }),
    () => stripe.prices.update(catalog.oldPrice, { active: number % 2 === 0 }),
  ];
  await dice.pick(changes)();
}
