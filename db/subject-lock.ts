import { sql } from 'drizzle-orm';
import type { Transaction } from './connect.ts';

/**
 * Takes the advisory lock on a subject until the transaction ends. Parking an event and claiming what is parked both
 * take it and look again under it, so an event can't be parked in the instant after its tenant claimed the others.
 * It is the first lock of every transaction that takes several: subject, tenant, customer, subscription, event.
 */
export async function lockSubject(transaction: Transaction, subject: string): Promise<void> {
  await lockSubjects(transaction, [subject]);
}

/** The same for several, in one order everywhere. */
export async function lockSubjects(transaction: Transaction, subjects: readonly string[]): Promise<void> {
  const sorted = [...subjects].sort();
  await transaction.execute(sql`
    select pg_advisory_xact_lock(hashtextextended(subject, 0)) from unnest(${sql.param(sorted)}::text[]) as subject`);
}
