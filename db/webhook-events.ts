import { and, asc, eq, inArray, sql } from 'drizzle-orm';
import type { EventVerdict, PendingEvent } from '../domain/billing-sync.ts';
import { type EventAttempts, WAKE_GRACE_MS } from '../domain/event-attempts.ts';
import type { Database, Transaction } from './connect.ts';
import { subscriptionIsOfCustomer } from './joins.ts';
import { stripeWebhookEvents as events, stripeCustomers, stripeSubscriptions } from './schema.ts';
import { lockSubject } from './subject-lock.ts';

/** Events that one round of a sync settles; more are left to the next round. */
export const PENDING_EVENTS_MAX = 500;

export type NotedEvent = PendingEvent & EventAttempts & { eventCreatedAt: Date | null };

/** A subject's pending events with their attempts so far, oldest arrival first, at most `PENDING_EVENTS_MAX`. */
export async function pendingEvents(database: Database, subject: string): Promise<NotedEvent[]> {
  return database
    .select({
      stripeEventId: events.stripeEventId,
      eventType: events.eventType,
      objectId: events.objectId,
      eventCreatedAt: events.eventCreatedAt,
      failedAttempts: events.attempts,
      sinceFailureMs: sql<number | null>`(extract(epoch from now() - ${events.lastErrorAt}) * 1000)::float8`,
    })
    .from(events)
    .where(and(eq(events.subject, subject), stillReceived()))
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
  const { verdicts } = options;
  await transaction.execute(sql`
    update ${events} set
      status = verdict.status, status_reason = verdict.reason, tenant = coalesce(${options.tenant}::uuid, tenant),
      attempts = attempts + 1, last_error = null, last_error_at = null, processed_at = now()
    from unnest(
      ${sql.param(verdicts.map((verdict) => verdict.stripeEventId))}::text[],
      ${sql.param(verdicts.map((verdict) => verdict.status))}::text[],
      ${sql.param(verdicts.map((verdict) => ('reason' in verdict ? verdict.reason : null)))}::text[]
    ) as verdict (id, status, reason)
    where stripe_event_id = verdict.id and ${events.status} = 'received'`);
}

/** What an attempt that failed makes of one event. */
export type FailedAttempt = { stripeEventId: string; failedAttempts: number } & (
  | { status: 'failed' }
  | { status: 'received'; retryInMs: number }
);

type RecordedAttempt = Pick<FailedAttempt, 'stripeEventId' | 'status'>;

/**
 * Counts an attempt that failed for good: the events get their next one later, or are `failed` by the failure's name.
 * Only rows that are still `received` and have as many failures as were noted change, so that one attempt counts once.
 *
 * @returns those that changed
 */
export async function recordFailedAttempt(
  database: Database,
  options: { attempts: readonly FailedAttempt[]; reason: string; error: string },
): Promise<RecordedAttempt[]> {
  const { attempts } = options;
  if (attempts.length === 0) return [];
  const { rows } = await database.execute<RecordedAttempt>(sql`
    update ${events} set
      status = failed.status, attempts = attempts + 1, last_error = ${options.error}, last_error_at = now(),
      status_reason = case when failed.status = 'failed' then ${options.reason} end,
      processed_at = case when failed.status = 'failed' then now() end,
      next_attempt_at = now() + failed.retry_in_ms * interval '1 millisecond'
    from unnest(
      ${sql.param(attempts.map((attempt) => attempt.stripeEventId))}::text[],
      ${sql.param(attempts.map((attempt) => attempt.status))}::text[],
      ${sql.param(attempts.map((attempt) => attempt.failedAttempts))}::int[],
      ${sql.param(attempts.map((attempt) => (attempt.status === 'received' ? attempt.retryInMs : 0)))}::int[]
    ) as failed (id, status, attempts_before, retry_in_ms)
    where stripe_event_id = failed.id and ${events.status} = 'received' and attempts = failed.attempts_before
    returning stripe_event_id as "stripeEventId", ${events.status}`);
  return rows;
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
      .set({
        status: 'received',
        statusReason: null,
        processedAt: null,
        attempts: 0,
        nextAttemptAt: afterWakeGrace(),
        tenant: options.tenant,
      })
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

/** Files pending events under the subject that their own led to, so that one workflow settles all of its events. */
export async function fileEvents(
  database: Database,
  options: { subject: string; under: string },
): Promise<void> {
  await database
    .update(events)
    .set({ subject: options.under, nextAttemptAt: afterWakeGrace() })
    .where(and(eq(events.subject, options.subject), stillReceived()));
}

/**
 * Files the pending events that name only a subscription under its customer, as far as we know the subscription: so a
 * round of the customer settles them with the one snapshot it fetches anyway.
 */
export async function gatherEventsOfCustomer(database: Database, customer: string): Promise<void> {
  await database
    .update(events)
    .set({ subject: customer })
    .from(stripeSubscriptions)
    .innerJoin(stripeCustomers, subscriptionIsOfCustomer)
    .where(
      and(
        eq(stripeCustomers.stripeCustomerExternalId, customer),
        eq(events.subject, stripeSubscriptions.stripeSubscriptionExternalId),
        stillReceived(),
      ),
    );
}

function stillReceived() {
  return eq(events.status, 'received');
}

/** Whoever makes rows pending wakes their subject too; the sweep is for the wake that got lost. */
function afterWakeGrace() {
  return sql`now() + ${WAKE_GRACE_MS} * interval '1 millisecond'`;
}

/** Which of these events does the inbox hold? */
export async function heldEvents(database: Database, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const rows = await database
    .select({ id: events.stripeEventId })
    .from(events)
    .where(inArray(events.stripeEventId, [...ids]));
  return new Set(rows.map(({ id }) => id));
}
