import { createTransport } from 'nodemailer';
import { Failure } from '../domain/failures.ts';

/** One connection attempt, greeting and silence; together well below an activity's own limit. */
const CONNECTION_TIMEOUT_MS = 5_000;
const GREETING_TIMEOUT_MS = 5_000;
const SOCKET_TIMEOUT_MS = 10_000;
const CONNECTIONS_MAX = 3;

type Mail = { to: string; subject: string; text: string; html: string; messageId: string };

export type Mailer = {
  /**
   * Hands a mail to the mail server.
   *
   * @throws Failure RecipientRefused when the server will never take it, MailServerUnavailable when it may later
   */
  send: (mail: Mail) => Promise<void>;
  close: () => void;
};

export function createMailer(options: { smtpUrl: string; from: string }): Mailer {
  const transport = createTransport(
    {
      url: options.smtpUrl,
      pool: true,
      maxConnections: CONNECTIONS_MAX,
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      greetingTimeout: GREETING_TIMEOUT_MS,
      socketTimeout: SOCKET_TIMEOUT_MS,
      // Nothing we send may make the server read a file or fetch a URL.
      disableFileAccess: true,
      disableUrlAccess: true,
    },
    { from: options.from },
  );
  return {
    send: async (mail) => {
      try {
        // An address as such: as text it would be parsed, and what looks like a group or a quoted name goes elsewhere.
        await transport.sendMail({ ...mail, to: { name: '', address: mail.to } });
      } catch (error) {
        throw mailFailure(error);
      }
    },
    close: () => transport.close(),
  };
}

/** Replies of 5xx to the recipient are final (RFC 5321, 4.2.1); all else may pass, a wrong password too once mended. */
function mailFailure(error: unknown): Failure {
  const code = error instanceof Error && 'responseCode' in error ? Number(error.responseCode) : undefined;
  const command = error instanceof Error && 'command' in error ? String(error.command) : 'CONN';
  const isRefused = code !== undefined && code >= 500 && ['RCPT TO', 'MAIL FROM', 'DATA'].includes(command);
  const answer = `The mail server answered ${code ?? 'nothing'} to ${command}`;
  return new Failure(isRefused ? 'RecipientRefused' : 'MailServerUnavailable', answer);
}
