import type { System } from '../system.ts';
import type { Catalog } from './catalog.ts';
import { type KnownCustomer, type KnownSubscription, knownSubscription } from './customers.ts';
import type { Dice } from './dice.ts';

const ITEMS_MAX = 3;
const SUBSCRIPTIONS_MAX = 4;
const QUANTITY_MAX = 200;
/** What a subscription may be in besides the states that a change of it leads to. */
const STATUSES = ['active', 'past_due', 'unpaid', 'paused'] as const;

export type Change = {
  system: System;
  dice: Dice;
  catalog: Catalog;
  customer: KnownCustomer;
};
type ChangeOfSubscription = Change & { subscription: KnownSubscription };

/** A change of one kind; `undefined` where the subscription can't be changed so. */
type Kind = (change: ChangeOfSubscription) => Promise<void> | undefined;

/** What happens to a subscription in its life, the frequent more than once. */
const KINDS: readonly Kind[] = [
  changeQuantity,
  changeQuantity,
  changeQuantity,
  addItem,
  removeItem,
  switchPrice,
  endWithPeriod,
  endWithPeriod,
  pauseCollection,
  changeStatus,
  changeStatus,
  noteInMetadata,
  cancelAtOnce,
];

/** Changes one of the customer's subscriptions at Stripe in a way that chance decides, or sells another. */
export async function changeSubscription(change: Change): Promise<void> {
  const { dice, customer } = change;
  const living = customer.subscriptions.filter(({ status }) => status !== 'canceled');
  if (living.length === 0 || (living.length < SUBSCRIPTIONS_MAX && dice.happens(0.05)))
    return subscribe(change);
  const subscription = dice.pick(living);
  await dice.pick(KINDS)({ ...change, subscription });
}

/** Sells a subscription, with licences or without. */
export async function subscribe({ system, dice, catalog, customer }: Change): Promise<void> {
  const prices = dice.shuffled([...catalog.prices]).slice(0, dice.between(1, ITEMS_MAX));
  const answer = await system.stripe.subscriptions.create({
    customer: customer.id,
    items: prices.map((price) => ({ price, quantity: dice.between(1, QUANTITY_MAX) })),
    ...(dice.happens(0.3) && { trial_period_days: dice.between(1, 30) }),
    metadata: { sold: String(dice.between(1, 1_000)) },
  });
  customer.subscriptions.push(knownSubscription(answer));
}

/** What the store sold earlier and some still have. */
export async function sellOldPrice({ system, dice, catalog, customer }: Change): Promise<void> {
  const answer = await system.stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: catalog.oldPrice, quantity: dice.between(1, QUANTITY_MAX) }],
  });
  customer.subscriptions.push(knownSubscription(answer));
}

async function update(
  { system, subscription }: ChangeOfSubscription,
  changes: Parameters<System['stripe']['subscriptions']['update']>[1],
): Promise<void> {
  Object.assign(
    subscription,
    knownSubscription(await system.stripe.subscriptions.update(subscription.id, changes)),
  );
}

function changeQuantity(change: ChangeOfSubscription) {
  const { dice, subscription } = change;
  const { id } = dice.pick(subscription.items);
  return update(change, { items: [{ id, quantity: dice.between(1, QUANTITY_MAX) }] });
}

function addItem(change: ChangeOfSubscription) {
  const { dice, subscription } = change;
  const price = unusedPrice(change);
  if (price === undefined || subscription.items.length >= ITEMS_MAX) return undefined;
  return update(change, { items: [{ price, quantity: dice.between(1, QUANTITY_MAX) }] });
}

function removeItem(change: ChangeOfSubscription) {
  const { dice, subscription } = change;
  if (subscription.items.length < 2) return undefined;
  return update(change, { items: [{ id: dice.pick(subscription.items).id, deleted: true }] });
}

function switchPrice(change: ChangeOfSubscription) {
  const { dice, subscription } = change;
  const price = unusedPrice(change);
  if (price === undefined) return undefined;
  return update(change, { items: [{ id: dice.pick(subscription.items).id, price, quantity: 7 }] });
}

/** Stripe takes a price only once in a subscription. */
function unusedPrice({ dice, catalog, subscription }: ChangeOfSubscription): string | undefined {
  const used = new Set(subscription.items.map(({ price }) => price));
  const unused = catalog.prices.filter((price) => !used.has(price));
  return unused.length === 0 ? undefined : dice.pick(unused);
}

/** Or takes it back. */
function endWithPeriod(change: ChangeOfSubscription) {
  return update(change, { cancel_at_period_end: !change.subscription.endsWithPeriod });
}

/** Or goes on with it. */
function pauseCollection(change: ChangeOfSubscription) {
  return update(change, {
    pause_collection: change.subscription.isCollectionPaused ? '' : { behavior: 'keep_as_draft' },
  });
}

async function changeStatus({ system, dice, subscription }: ChangeOfSubscription) {
  const status = dice.pick(STATUSES);
  if (status === subscription.status) return;
  await system.simulator.control.setSubscriptionStatus(subscription.id, status);
  subscription.status = status;
}

function noteInMetadata(change: ChangeOfSubscription) {
  return update(change, { metadata: { note: `“${change.dice.between(1, 1_000)}”` } });
}

async function cancelAtOnce({ system, subscription }: ChangeOfSubscription) {
  Object.assign(subscription, knownSubscription(await system.stripe.subscriptions.cancel(subscription.id)));
}
