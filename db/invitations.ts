import { and, eq, ne, sql } from 'drizzle-orm';
import type { Database } from './connect.ts';
import { notifications, tenantInvitations, tenants } from './schema.ts';

export type DueInvitation = {
  notificationId: string;
  recipient: string;
  clientName: string;
  attempt: number;
};

/**
 * Prepares the next try of a tenant's invitation: the token's hash replaces the one before, so only the link in the
 * mail that is sent now will work.
 *
 * @returns null when the mail was sent already, or there is none to send
 */
export async function beginInvitation(
  database: Database,
  options: { tenant: string; tokenHash: Buffer; expiresAt: Date },
): Promise<DueInvitation | null> {
  return database.transaction(async (transaction) => {
    const [due] = await transaction
      .update(notifications)
      .set({ attempts: sql`${notifications.attempts} + 1`, status: 'queued', lastError: null })
      .from(tenants)
      .where(
        and(
          eq(notifications.tenant, options.tenant),
          eq(tenants.tenant, options.tenant),
          eq(notifications.kind, 'invitation'),
          sql`${notifications.status} in ('queued', 'failed')`,
        ),
      )
      .returning({
        notificationId: notifications.notificationId,
        recipient: notifications.recipient,
        clientName: tenants.clientName,
        attempt: notifications.attempts,
      });
    if (due === undefined) return null;
    await transaction
      .update(tenantInvitations)
      .set({ tokenHash: options.tokenHash, expiresAt: options.expiresAt })
      .where(eq(tenantInvitations.tenant, options.tenant));
    return due;
  });
}

/** Records what became of a try to send. What was sent stays sent, though a slower try may fail after it. */
export async function settleNotification(
  database: Database,
  options: { tenant: string; notificationId: string } & (
    | { status: 'sent'; messageId: string }
    | { status: 'queued' | 'failed'; error: string }
  ),
): Promise<void> {
  await database
    .update(notifications)
    .set(
      options.status === 'sent'
        ? { status: 'sent', messageId: options.messageId, sentAt: sql`now()`, lastError: null }
        : { status: options.status, lastError: options.error },
    )
    .where(
      and(
        eq(notifications.tenant, options.tenant),
        eq(notifications.notificationId, options.notificationId),
        ne(notifications.status, 'sent'),
      ),
    );
}
