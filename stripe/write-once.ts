import { isSpentKey, stripeFailure } from './errors.ts';

/** How many keys one decision may use up; each more means that Stripe stored a failure under the one before. */
const KEY_GENERATIONS_MAX = 3;

/**
 * A write that is safe to repeat for as long as a workflow lives. Stripe forgets a key after a day, so the truth is
 * read before every try and the key only guards the moment between. When Stripe replays a stored failure, the truth is
 * read again and only then the next key is used.
 *
 * @param options.idempotencyKey made from workflow, step and decision, so that every retry has the same
 * @throws Failure what Stripe's answer is named
 */
export async function writeOnce(options: {
  idempotencyKey: string;
  isDone: () => Promise<boolean>;
  write: (idempotencyKey: string) => Promise<unknown>;
}): Promise<void> {
  for (let generation = 1; ; generation += 1) {
    if (await options.isDone()) return;
    const key = generation === 1 ? options.idempotencyKey : `${options.idempotencyKey}:${generation}`;
    try {
      await options.write(key);
      return;
    } catch (error) {
      if (isSpentKey(error) && generation < KEY_GENERATIONS_MAX) continue;
      throw stripeFailure(error);
    }
  }
}
