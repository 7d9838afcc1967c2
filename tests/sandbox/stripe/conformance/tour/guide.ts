import type Stripe from 'stripe';
import type { StripeControl } from '../../../../../sandbox/stripe/control/control.ts';

/** What a part of the tour goes with. */
export interface Guide {
  readonly stripe: Stripe;
  readonly control: StripeControl;
}

/** One part: it calls each endpoint of some resources so that it answers 2xx, in as many shapes as they have. */
export type TourPart = (guide: Guide) => Promise<void>;

/** The first of a list that can't be empty. */
export function first<Item>(list: readonly Item[]): Item {
  const [item] = list;
  if (item === undefined) throw new Error('the list is empty');
  return item;
}
