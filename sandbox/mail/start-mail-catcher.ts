import { once } from 'node:events';
import type { Server } from 'node:net';
import { buffer } from 'node:stream/consumers';
import PostalMime from 'postal-mime';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import { type CaughtMessage, keepMessages } from './caught-messages.ts';
import { createMessagePage } from './message-page.ts';

const HOST = '127.0.0.1';
const MESSAGE_BYTES_MAX = 1_048_576;
const CLIENTS_MAX = 100;
/** A client that keeps its connection for later must not hold up the end. */
const CLOSE_TIMEOUT_MS = 200;

export type MailCatcher = {
  readonly smtpUrl: string;
  /** A page that lists the messages; `/messages` beside it is JSON. */
  readonly url: string;
  /** The last 1,000, oldest first. */
  messages(): readonly CaughtMessage[];
  /** Resolves with the first message that fits, caught already or yet to come; rejects after `timeoutMs`. */
  waitForMessage(predicate: (message: CaughtMessage) => boolean, timeoutMs: number): Promise<CaughtMessage>;
  /** Answers the next messages with 451: try again later. */
  failNext(count: number): void;
  /** Answers this recipient with 550 from now on: there is no such mailbox. */
  rejectRecipient(address: string): void;
  /** Idempotent. */
  close(): Promise<void>;
};

/**
 * Starts an SMTP server on 127.0.0.1 that accepts mail for everybody, without TLS or login, and keeps it to be looked at.
 *
 * @param options.port for SMTP; missing: a free one
 * @param options.pagePort missing: a free one
 */
export async function startMailCatcher(
  options: { port?: number; pagePort?: number } = {},
): Promise<MailCatcher> {
  const caught = keepMessages();
  const rejected = new Set<string>();
  let toFail = 0;

  async function take(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<void> {
    const raw = await buffer(stream);
    if (stream.sizeExceeded) throw answer(552, 'too large');
    if (toFail > 0) {
      toFail -= 1;
      throw answer(451, 'try again later');
    }
    caught.add(await readMessage(raw, session));
  }

  const smtp = new SMTPServer({
    disabledCommands: ['STARTTLS', 'AUTH'],
    disableReverseLookup: true,
    size: MESSAGE_BYTES_MAX,
    maxClients: CLIENTS_MAX,
    closeTimeout: CLOSE_TIMEOUT_MS,
    onRcptTo: ({ address }, _session, done) =>
      done(rejected.has(address.toLowerCase()) ? answer(550, 'no such mailbox') : null),
    onData: (stream, session, done) => void take(stream, session).then(() => done(), done),
  });
  // A client that drops its connection is its own affair; without a listener it would end this process.
  smtp.on('error', () => undefined);
  const page = createMessagePage(caught.all);
  const smtpPort = await listen(smtp.listen(options.port ?? 0, HOST));
  const pagePort = await listen(page.listen(options.pagePort ?? 0, HOST)).catch((error) => {
    smtp.close();
    throw error;
  });
  let closing: Promise<void> | undefined;
  return {
    smtpUrl: `smtp://${HOST}:${smtpPort}`,
    url: `http://${HOST}:${pagePort}`,
    messages: caught.all,
    waitForMessage: caught.waitFor,
    failNext(count) {
      toFail = count;
    },
    rejectRecipient: (address) => void rejected.add(address.toLowerCase()),
    close() {
      closing ??= Promise.all([
        new Promise<void>((resolve) => smtp.close(resolve)),
        new Promise<void>((resolve) => {
          page.close(() => resolve());
          page.closeAllConnections();
        }),
      ]).then(() => undefined);
      return closing;
    },
  };
}

async function readMessage(raw: Buffer, session: SMTPServerSession): Promise<CaughtMessage> {
  const { subject = '', text = '', html = '', messageId = '' } = await PostalMime.parse(raw);
  const { mailFrom, rcptTo } = session.envelope;
  const to = rcptTo.map(({ address }) => address);
  return { from: mailFrom ? mailFrom.address : '', to, subject, text, html, messageId, at: new Date() };
}

function answer(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}

/** @returns the port; `once` rejects with the error when it can't be had */
async function listen(server: Server): Promise<number> {
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port');
  return address.port;
}
