import type { Mailer } from '../../activities/mail.ts';
import { Failure } from '../../domain/failures.ts';

type Mail = Parameters<Mailer['send']>[0];
/** A mail that was taken, and when by the clock of the workflows. */
export type TakenMail = Mail & { at: Date };

/** Takes mails, refuses addresses, is away, or has something happen while it takes a mail. */
export class FakeMailServer implements Mailer {
  taken: TakenMail[] = [];
  isAway = false;
  readonly refused = new Set<string>();
  /** Every try, also those that failed. */
  tries = 0;
  readonly #now: () => Promise<Date>;
  #during: (() => Promise<void>) | undefined;

  constructor(now: () => Promise<Date>) {
    this.#now = now;
  }

  async send(mail: Mail): Promise<void> {
    this.tries += 1;
    if (this.isAway) throw new Failure('MailServerUnavailable', 'The mail server answered nothing to CONN');
    if (this.refused.has(mail.to))
      throw new Failure('RecipientRefused', 'The mail server answered 550 to RCPT TO');
    this.taken.push({ ...mail, at: await this.#now() });
    const happens = this.#during;
    this.#during = undefined;
    await happens?.();
  }

  /** Has something happen while the next mail is being sent: the server has it, and has not answered yet. */
  during(happens: () => Promise<void>): void {
    this.#during = happens;
  }

  close(): void {
    this.reset();
  }

  reset(): void {
    this.taken = [];
    this.isAway = false;
    this.refused.clear();
    this.#during = undefined;
    this.tries = 0;
  }
}
