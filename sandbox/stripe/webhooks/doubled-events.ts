import type { Account } from '../state/account.ts';
import { coreEventTable } from '../state/core-events.ts';
import { type EventRecord, eventTable } from '../state/events.ts';
import type { WrittenEvents } from '../state/transaction.ts';

/**
 * Stripe now and then makes two events of one change, equal but for their ids.
 * @returns the events and the doubles of those that are to have one, each after its original
 */
export function withDoubles(
  origin: Account,
  written: WrittenEvents,
  isDoubled: (record: EventRecord) => boolean,
): WrittenEvents {
  const doubleOf = new Map<string, string>();
  const snapshot = written.snapshot.flatMap((record) => {
    if (!isDoubled(record)) return [record];
    const double = { ...record, id: origin.ids.next('evt') };
    doubleOf.set(record.id, double.id);
    origin.table(eventTable).put(double);
    return [record, double];
  });
  const thin = written.thin.flatMap((record) => {
    const snapshotEvent = doubleOf.get(record.snapshotEvent ?? '');
    if (snapshotEvent === undefined) return [record];
    const double = { ...record, id: origin.ids.next('evt_test'), snapshotEvent };
    origin.table(coreEventTable).put(double);
    return [record, double];
  });
  return { snapshot, thin };
}
