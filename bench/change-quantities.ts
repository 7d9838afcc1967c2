import type { Stack } from '../sandbox/stack.ts';
import type { Purchase } from './purchases.ts';

const EVERY_MS = 100;

/**
 * Gives one customer after the other a new quantity at Stripe until it is stopped.
 *
 * @returns stop() waits for the last change and tells how many there were
 */
export function changeQuantities(
  { stripe }: Stack,
  purchases: readonly Purchase[],
): { stop: () => Promise<number> } {
  let changes = 0;
  let last: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    const purchase = purchases[changes % purchases.length];
    if (!purchase) return;
    changes += 1;
    const quantity = 10 + (changes % 90);
    last = last.then(() => stripe.subscriptionItems.update(purchase.itemId, { quantity }));
  }, EVERY_MS);
  return {
    async stop() {
      clearInterval(timer);
      await last;
      return changes;
    },
  };
}
