import { createHash } from 'node:crypto';
import { beginInvitation, settleNotification } from '../db/invitations.ts';
import { Failure, isFinal } from '../domain/failures.ts';
import { DEFAULT_LOCALE, INVITATION_LIFETIME_DAYS, INVITATION_TOKEN_BYTES } from '../domain/notification.ts';
import type { ActivityDependencies } from './dependencies.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

export function createInvitationActivities({
  database,
  mailer,
  mailRenderer,
  appUrl,
  now,
  randomBytes,
}: ActivityDependencies) {
  return {
    /**
     * Sends the invitation that waits in the outbox; one that was sent is not sent again. The token is made here and
     * now, only its hash is kept. A process that dies between the mail and its record sends another mail on the next
     * try, whose link replaces the first one's.
     *
     * @throws Failure RecipientRefused, MailServerUnavailable
     */
    async sendInvitation({ tenant }: { tenant: string }): Promise<{ sent: boolean }> {
      const token = randomBytes(INVITATION_TOKEN_BYTES).toString('base64url');
      const due = await beginInvitation(database, {
        tenant,
        tokenHash: createHash('sha256').update(token).digest(),
        expiresAt: new Date(now().getTime() + INVITATION_LIFETIME_DAYS * DAY_MS),
      });
      if (due === null) return { sent: false };
      const { notificationId } = due;
      // Each try has a link of its own, so each is a message of its own.
      const messageId = `<${notificationId}.${due.attempt}@${new URL(appUrl).hostname}>`;
      try {
        const mail = await mailRenderer.render({
          kind: 'invitation',
          locale: DEFAULT_LOCALE,
          data: {
            client_name: due.clientName,
            link: invitationLink(appUrl, token),
            lifetime_days: INVITATION_LIFETIME_DAYS,
          },
        });
        await mailer.send({ ...mail, to: due.recipient, messageId });
      } catch (error) {
        const status = error instanceof Failure && isFinal(error.name) ? 'failed' : 'queued';
        const reason = error instanceof Failure ? error.message : 'The mail could not be sent';
        await settleNotification(database, { tenant, notificationId, status, error: reason });
        throw error;
      }
      await settleNotification(database, { tenant, notificationId, status: 'sent', messageId });
      return { sent: true };
    },
  };
}

/** @param token the link's secret; it stands nowhere but in the mail */
function invitationLink(appUrl: string, token: string): string {
  const base = appUrl.endsWith('/') ? appUrl : `${appUrl}/`;
  return new URL(`invitations/${token}`, base).href;
}
