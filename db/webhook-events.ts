import { and, asc, eq, inArray, sql } from 'drizzle-orm';
import type { EventVerdict, PendingEvent } from '../domain/billing-sync.ts';
import type { Database, Transaction } from './connect.ts';
import { stripeWebhookEvents as events, stripeCustomers } from './schema.ts';
import { lockSubject } from './subject-lock.ts';

/** Events that one round of a sync settles; more are left to the next round. */
export const PENDING_EVENTS_MAX = 500;

/** A subject's pending events, oldest arrival first, at most `PENDING_EVENTS_MAX`. */
export async function pendingEvents(database: Database, subject: string): Promise<PendingEvent[]> {
  return database
    .select({
      stripeEventId: events.stripeEventId,
      eventType: events.eventType,
      objectId: events.objectId,
    })
    .from(events)
    .where(and(eq(events.subject, subject), eq(events.status, 'received')))
    .orderBy(asc(events.createdAt))
    .limit(PENDING_EVENTS_MAX);
}

/**
 * Settles events as judged. Only rows that are still `received` change, so a late writer can't undo what an operator
 * or another writer decided.
 */
export async function settleEvents(
  transaction: Transaction | Database,
  options: { verdicts: readonly EventVerdict[]; tenant: string | null },
): Promise<void> {
  if (options.verdicts.length === 0) return;
  const column = (values: (string | null)[], type: string) => sql`${sql.param(values)}::${sql.raw(type)}[]`;
  await transaction.execute(sql`
    update ${events} set
      status = verdict.status, status_reason = verdict.reason, tenant = coalesce(${options.tenant}::uuid, tenant),
      attempts = attempts + 1, last_error = null, processed_at = now()
    from (select
      unnest(${column(
        options.verdicts.map((verdict) => verdict.stripeEventId),
        'text',
      )}) as id,
      unnest(${column(
        options.verdicts.map((verdict) => verdict.status),
        'text',
      )}) as status,
      unnest(${column(
        options.verdicts.map((verdict) => ('reason' in verdict ? verdict.reason : null)),
        'text',
      )}) as reason
    ) verdict
    where stripe_event_id = verdict.id and ${events.status} = 'received'`);
}

/** Marks events as failed for good: the reason is the failure's name. */
export async function failEvents(
  database: Database,
  options: { stripeEventIds: readonly string[]; reason: string; error: string },
): Promise<void> {
  if (options.stripeEventIds.length === 0) return;
  await database
    .update(events)
    .set({
      status: 'failed',
      statusReason: options.reason,
      lastError: options.error,
      attempts: sql`${events.attempts} + 1`,
      processedAt: sql`now()`,
    })
    .where(and(inArray(events.stripeEventId, [...options.stripeEventIds]), stillReceived()));
}

/**
 * Settles the events of a customer nobody knows, unless it became known meanwhile.
 *
 * @returns false when the customer has a row by now; then nothing was written
 */
export async function settleEventsOfUnknownCustomer(
  database: Database,
  options: { subject: string; verdicts: readonly EventVerdict[] },
): Promise<boolean> {
  return database.transaction(async (transaction) => {
    await lockSubject(transaction, options.subject);
    const known = await transaction
      .select({ tenant: stripeCustomers.tenant })
      .from(stripeCustomers)
      .where(eq(stripeCustomers.stripeCustomerExternalId, options.subject));
    if (known.length > 0) return false;
    await settleEvents(transaction, { verdicts: options.verdicts, tenant: null });
    return true;
  });
}

/**
 * Gives a customer's parked events to its tenant and makes them pending again.
 *
 * @returns how many events of the customer are pending now, these and others
 */
export async function claimParkedEvents(
  database: Database,
  options: { subject: string; tenant: string },
): Promise<number> {
  return database.transaction(async (transaction) => {
    await lockSubject(transaction, options.subject);
    await transaction
      .update(events)
      .set({ status: 'received', statusReason: null, processedAt: null, tenant: options.tenant })
      .where(
        and(
          eq(events.subject, options.subject),
          eq(events.status, 'parked'),
          eq(events.statusReason, 'unknown_customer'),
        ),
      );
    return transaction.$count(events, and(eq(events.subject, options.subject), stillReceived()));
  });
}

/**
 * Makes a subject's parked events pending again when its customer has a tenant by now. Their tenant's creation claims
 * what it finds; this finds what was parked before a link that nobody claimed for.
 */
export async function claimEventsOfKnownCustomer(database: Database, subject: string): Promise<void> {
  await database
    .update(events)
    .set({
      status: 'received',
      statusReason: null,
      processedAt: null,
      tenant: sql`${stripeCustomers.tenant}`,
    })
    .from(stripeCustomers)
    .where(
      and(
        eq(events.subject, subject),
        eq(stripeCustomers.stripeCustomerExternalId, subject),
        eq(events.status, 'parked'),
        eq(events.statusReason, 'unknown_customer'),
      ),
    );
}

/**
 * Files events under the customer that their own subject led to, so that one workflow settles all of a customer's
 * events.
 */
export async function fileUnderCustomer(
  database: Database,
  options: { subject: string; customer: string },
): Promise<void> {
  await database
    .update(events)
    .set({ subject: options.customer })
    .where(and(eq(events.subject, options.subject), stillReceived()));
}

/**
 * The subjects a sweep has to wake: those with rows that have been pending for too long, and those with parked rows
 * whose customer is known by now.
 */
export async function subjectsToWake(
  database: Database,
  options: { pendingForMs: number; limit: number },
): Promise<string[]> {
  const { rows } = await database.execute<{ subject: string }>(sql`
    select subject from (
      select subject, min(created_at) as since from ${events}
        where status = 'received' and created_at < now() - ${options.pendingForMs} * interval '1 millisecond'
        group by subject
      union
      select e.subject, min(e.created_at) from ${events} e
        join ${stripeCustomers} c on c.stripe_customer_external_id = e.subject
        where e.status = 'parked' and e.status_reason = 'unknown_customer'
        group by e.subject
    ) due
    group by subject order by min(since) limit ${options.limit}`);
  return rows.map((row) => row.subject);
}

function stillReceived() {
  return eq(events.status, 'received');
}
