import { createTransport } from 'nodemailer';
import type { Environment } from './environment.ts';
import { ok } from './finding.ts';
import { type Check, Trouble } from './run-checks.ts';

const TIMEOUT_MS = 5_000;

/** Connects and logs in, as the worker does, and sends nothing. */
export function mailServerCheck({ value }: Environment): Check {
  return async () => {
    const transport = createTransport({
      url: value('SMTP_URL'),
      connectionTimeout: TIMEOUT_MS,
      greetingTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
      dnsTimeout: TIMEOUT_MS,
    });
    try {
      await transport.verify();
      return [ok('The mail server answers.')];
    } catch (error) {
      throw mailTrouble(error);
    } finally {
      transport.close();
    }
  };
}

/** What the server said may quote what was sent to it; its code says enough. */
function mailTrouble(error: unknown): Trouble {
  const { code, responseCode } = Object(error) as { code?: unknown; responseCode?: unknown };
  if (code === 'EAUTH') {
    return new Trouble(
      `The mail server refuses the login (${responseCode ?? 'no code'}).`,
      'Correct user and password in SMTP_URL.',
    );
  }
  return new Trouble(
    `The mail server doesn’t answer (${responseCode ?? code ?? 'no code'}).`,
    'Start it, or correct host, port and protocol in SMTP_URL.',
  );
}
