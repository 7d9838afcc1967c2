import { sql } from 'drizzle-orm';
import type { Transaction } from './connect.ts';

/**
 * Takes the advisory lock on a subject until the transaction ends. Parking an event and claiming what is parked both
 * take it and look again under it, so an event can't be parked in the instant after its tenant claimed the others.
 * It is the first lock of every transaction that takes several: subject, tenant, customer, subscription, event.
 */
export async function lockSubject(transaction: Transaction, subject: string): Promise<void> {
  await transaction.execute(sql`select pg_advisory_xact_lock(hashtextextended(${subject}, 0))`);
}
