import { INVITATION_LIFETIME_DAYS } from '../domain/notification.ts';
import type { Mail } from './mail.ts';

/**
 * The mail that invites a tenant's first admin.
 *
 * @param options.token the link's secret; it stands nowhere but in this mail
 */
export function invitationMail(options: {
  to: string;
  clientName: string;
  appUrl: string;
  token: string;
  messageId: string;
}): Mail {
  const link = new URL(`invitations/${options.token}`, withSlash(options.appUrl)).href;
  const lifetime = `${INVITATION_LIFETIME_DAYS} days`;
  return {
    to: options.to,
    messageId: options.messageId,
    subject: `${options.clientName}: your account is ready`,
    text: [
      `Welcome! The account of ${options.clientName} is ready.`,
      `Open this link to become its administrator:\n${link}`,
      `The link works once and for ${lifetime}. If you did not buy anything from us, ignore this mail.`,
    ].join('\n\n'),
    html: `<p>Welcome! The account of <b>${escapeHtml(options.clientName)}</b> is ready.</p>
<p><a href="${escapeHtml(link)}">Become its administrator</a></p>
<p>The link works once and for ${lifetime}. If you did not buy anything from us, ignore this mail.</p>`,
  };
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
