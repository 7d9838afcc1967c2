import { invalidRequest } from '../../api/errors.ts';
import type { Transaction } from '../../state/transaction.ts';
import { type Price, priceTable } from './catalog.ts';

/**
 * Makes a lookup key free for a price. An archived price holds its key as well.
 * @param wanted.isTransferred take it away from the price that has it, with that price's event
 * @param wanted.owner the price that is to have it; none for a new one
 * @throws StripeError 400 when another price has it and it is not transferred
 */
export function freeLookupKey(
  tx: Transaction,
  wanted: { key: string; isTransferred: boolean; owner?: string },
): void {
  const index = { name: 'lookup_key', key: wanted.key };
  const holder: Price | undefined = tx.table(priceTable).newestFirst({ index }).next().value;
  if (!holder || holder.id === wanted.owner) return;
  if (!wanted.isTransferred) {
    throw invalidRequest({
      param: 'lookup_key',
      message: `A price (\`${holder.id}\`) already uses that lookup key.`,
    });
  }
  const released = tx.put(priceTable, { ...holder, lookup_key: null });
  tx.emitUpdated('price.updated', holder, released);
}
