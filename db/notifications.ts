import { and, eq, ne, sql } from 'drizzle-orm';
import type { Database, Transaction } from './connect.ts';
import { notifications, tenants } from './schema.ts';

export type NewNotification = {
  tenant: string;
  /** One mail for each, however often it is decided. */
  dedupeKey: string;
  kind: string;
  recipient: string;
  locale: string;
  payload: Record<string, unknown>;
  dunningCaseId: string | null;
};

/**
 * Puts a mail into the outbox, in the transaction that decides it; one that is there already is left as it is.
 *
 * @returns our own id of it
 */
export async function queueNotification(transaction: Transaction, mail: NewNotification): Promise<string> {
  await transaction
    .insert(notifications)
    .values(mail)
    .onConflictDoNothing({ target: notifications.dedupeKey });
  const [row] = await transaction
    .select({ id: notifications.notificationId })
    .from(notifications)
    .where(eq(notifications.dedupeKey, mail.dedupeKey));
  if (row === undefined) throw new Error('a notification that was queued is not there');
  return row.id;
}

export type QueuedNotification = {
  tenant: string;
  notificationId: string;
  kind: string;
  recipient: string;
  locale: string;
  payload: Record<string, unknown>;
  attempts: number;
  dunningCaseId: string | null;
};

/** A mail that waits in the outbox, counted as tried once more; null when it was sent or is not to be. */
export async function beginDelivery(
  database: Database,
  notification: { tenant: string; notificationId: string },
): Promise<QueuedNotification | null> {
  const [row] = await database
    .update(notifications)
    .set({ attempts: sql`${notifications.attempts} + 1` })
    .where(and(ofNotification(notification), eq(notifications.status, 'queued')))
    .returning({
      tenant: notifications.tenant,
      notificationId: notifications.notificationId,
      kind: notifications.kind,
      recipient: notifications.recipient,
      locale: notifications.locale,
      payload: notifications.payload,
      attempts: notifications.attempts,
      dunningCaseId: notifications.dunningCaseId,
    });
  return row ?? null;
}

export type DeliveryResult =
  | { status: 'sent'; messageId: string; at: Date | null }
  | { status: 'queued'; error: string; retryAt: Date | null }
  | { status: 'failed'; error: string }
  | { status: 'suppressed'; error: string };

/**
 * Records what became of a try to send. What was sent stays sent, though a slower try may fail after it.
 *
 * @returns the mail's kind; null when it had been sent before
 */
export async function settleNotification(
  database: Database | Transaction,
  notification: { tenant: string; notificationId: string },
  result: DeliveryResult,
): Promise<string | null> {
  const [settled] = await database
    .update(notifications)
    .set(
      result.status === 'sent'
        ? {
            status: 'sent',
            messageId: result.messageId,
            sentAt: result.at ?? sql`now()`,
            lastError: null,
            nextAttemptAt: null,
          }
        : {
            status: result.status,
            lastError: result.error,
            nextAttemptAt: result.status === 'queued' ? result.retryAt : null,
          },
    )
    .where(and(ofNotification(notification), ne(notifications.status, 'sent')))
    .returning({ kind: notifications.kind });
  return settled?.kind ?? null;
}

/** Sends a mail to another address, because the one before takes none. */
export async function readdress(
  database: Database,
  notification: { tenant: string; notificationId: string },
  recipient: string,
): Promise<void> {
  await database
    .update(notifications)
    .set({ recipient, nextAttemptAt: null })
    .where(and(ofNotification(notification), eq(notifications.status, 'queued')));
}

/** Mails in the outbox that nobody else sends: the sweep's, oldest first. Those of open cases are their workflows'. */
export async function notificationsDue(
  database: Database,
  options: { kinds: readonly string[]; limit: number },
): Promise<{ tenant: string; notificationId: string }[]> {
  const { rows } = await database.execute<{ tenant: string; notificationId: string }>(sql`
    select n.tenant, n.notification_id as "notificationId" from ${notifications} n
    left join dunning_cases c on c.tenant = n.tenant and c.dunning_case_id = n.dunning_case_id
    where n.status = 'queued' and n.kind = any(${sql.param([...options.kinds])}::text[])
      and (n.dunning_case_id is null or c.closed_at < now() - interval '2 minutes')
      and (n.next_attempt_at is null or n.next_attempt_at <= now())
    order by n.created_at limit ${options.limit}`);
  return rows;
}

function ofNotification(notification: { tenant: string; notificationId: string }) {
  return and(
    eq(notifications.tenant, notification.tenant),
    eq(notifications.notificationId, notification.notificationId),
  );
}

/** To whom a tenant's mails go, in which language and by which clock. */
export async function contactOf(
  transaction: Transaction | Database,
  tenant: string,
): Promise<{
  clientName: string;
  email: string;
  locale: string | null;
  timeZone: string | null;
  plan: string | null;
}> {
  const [row] = await transaction
    .select({
      clientName: tenants.clientName,
      email: tenants.email,
      locale: tenants.locale,
      timeZone: tenants.timeZone,
      plan: tenants.plan,
    })
    .from(tenants)
    .where(eq(tenants.tenant, tenant));
  if (row === undefined) throw new Error('a tenant with a notification has no row');
  return row;
}
