import type { Database } from '../db/connect.ts';
import { recordDunningEvent } from '../db/dunning-events.ts';
import { noticedStep } from '../db/dunning-files.ts';
import {
  beginDelivery,
  contactOf,
  type DeliveryResult,
  notificationsDue,
  type QueuedNotification,
  readdress,
  settleNotification,
} from '../db/notifications.ts';
import { decideDunning } from '../domain/dunning.ts';
import { Failure, isFinal } from '../domain/failures.ts';
import { stripeInvoiceIdSchema } from '../domain/ids.ts';
import { readNotice } from '../domain/notification.ts';
import { retrieveInvoice } from '../stripe/invoices.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { standingCase } from './dunning-situation.ts';
import { sweepPartTimer } from './sweep-time.ts';

/** Pause after a try that the mail server did not take, doubled with each that follows. */
const RETRY_FIRST_MS = 30_000;
const RETRY_MAX_MS = 60 * 60 * 1000;
/** Mails one sweep sends; what is left is the next one's. */
const NOTICES_PER_SWEEP_MAX = 100;
/** What nobody's workflow sends: reminders, and what a case told at its end and could not deliver. */
const SWEPT_KINDS = ['renewal_reminder', 'trial_ending', 'receipt', 'canceled'] as const;

/** Clocks of machines differ by less; a delivery that comes later than this goes by the clock here. */
const LATE_MS = 60_000;

export type Delivery = { status: 'sent' | 'queued' | 'failed' | 'suppressed' };

/** Delivery of a case's notices, which looks at Stripe before. */
export function createNoticeStripeActivities(dependencies: ActivityDependencies) {
  return {
    /**
     * Sends a notice of a case, unless its invoice was settled in the last moment, or the case would not send it any more:
     * it was paused, or no worker was there until a later notice was due. Then it stays queued, and the next look decides.
     * A mail server that is away is an answer, and tried again later; so is an address that takes nothing: the tenant's
     * other one is tried.
     */
    async deliverDunningNotice(options: {
      tenant: string;
      notification_id: string;
      now: string;
    }): Promise<Delivery> {
      const { database, stripe } = dependencies;
      const notification = { tenant: options.tenant, notificationId: options.notification_id };
      const now = deliveryTime(dependencies, options.now);
      const step = await noticedStep(database, notification);
      if (step !== null) {
        const invoice = await retrieveInvoice(stripe, stripeInvoiceIdSchema.parse(step.anchor));
        if (invoice?.status !== 'open') {
          await settle(dependencies, notification, {
            result: { status: 'suppressed', error: 'The invoice was settled' },
            now,
          });
          return { status: 'suppressed' };
        }
        if (!(await isWanted(database, { tenant: options.tenant, step, now }))) return { status: 'queued' };
      }
      return deliver(dependencies, notification, now);
    },
  };
}

/** The run's clock, unless it asked long ago: no worker was there, or Stripe was away. */
function deliveryTime({ now }: ActivityDependencies, askedAt: string): Date {
  const [asked, here] = [new Date(askedAt), now()];
  return here.getTime() - asked.getTime() > LATE_MS ? here : asked;
}

type NoticedStep = NonNullable<Awaited<ReturnType<typeof noticedStep>>>;

/** Would the case send this notice now? One that was sent, or is not to be any more, is the outbox's to tell. */
async function isWanted(
  database: Database,
  { tenant, step, now }: { tenant: string; step: NoticedStep; now: Date },
): Promise<boolean> {
  const { file, situation } = await database.transaction((transaction) =>
    standingCase(transaction, { tenant, caseId: step.caseId }, now),
  );
  const filed = file.steps.find(({ anchor, stage }) => anchor === step.anchor && stage === step.stage);
  if (file.outcome !== null || filed?.notice?.status !== 'queued') return true;
  const decision = decideDunning(situation);
  return decision.do === 'deliver' && decision.stage === step.stage && file.anchor === step.anchor;
}

/** Delivery of what no workflow sends. */
export function createNoticeActivities(dependencies: ActivityDependencies) {
  return {
    /** Sends the mails of the outbox that are due and nobody else's, as many as there is time for. */
    async deliverDueNotices(): Promise<{ sent: number }> {
      const isOver = sweepPartTimer(dependencies.now);
      const due = await notificationsDue(dependencies.database, {
        kinds: SWEPT_KINDS,
        limit: NOTICES_PER_SWEEP_MAX,
      });
      let sent = 0;
      for (const notification of due) {
        if (isOver()) break;
        const { status } = await deliver(dependencies, notification, dependencies.now());
        if (status === 'sent') sent += 1;
      }
      return { sent };
    },
  };
}

type NotificationId = { tenant: string; notificationId: string };

async function deliver(
  dependencies: ActivityDependencies,
  notification: NotificationId,
  now: Date,
): Promise<Delivery> {
  const mail = await beginDelivery(dependencies.database, notification);
  if (mail === null) return { status: 'sent' };
  const result = await send(dependencies, mail, now);
  if (result.status === 'failed') {
    const another = await otherAddress(dependencies.database, mail);
    if (another !== null) {
      await readdress(dependencies.database, notification, another);
      return deliver(dependencies, notification, now);
    }
  }
  await settle(dependencies, notification, { result, mail, now });
  return { status: result.status };
}

/** Each try of a notice is the same message, so that whoever gets it twice sees it once. */
async function send(
  { mailer, mailRenderer, appUrl }: ActivityDependencies,
  mail: QueuedNotification,
  now: Date,
): Promise<DeliveryResult> {
  const messageId = `<${mail.notificationId}@${new URL(appUrl).hostname}>`;
  if (mail.recipient === '') return { status: 'failed', error: 'Nobody has an address' };
  try {
    const notice = readNotice({ kind: mail.kind, data: mail.payload });
    const rendered = await mailRenderer.render({ ...notice, locale: mail.locale });
    await mailer.send({ to: mail.recipient, messageId, ...rendered });
    return { status: 'sent', messageId, at: now };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (isFinal(error.name)) return { status: 'failed', error: error.message };
    const pauseMs = Math.min(RETRY_FIRST_MS * 2 ** (mail.attempts - 1), RETRY_MAX_MS);
    return { status: 'queued', error: error.message, retryAt: new Date(now.getTime() + pauseMs) };
  }
}

/** The tenant's own address, where the one that takes nothing was another. */
async function otherAddress(database: Database, mail: QueuedNotification): Promise<string | null> {
  const { email } = await contactOf(database, mail.tenant);
  return email !== '' && email !== mail.recipient ? email : null;
}

const EVENT_OF = { sent: 'notice_sent', failed: 'notice_failed', suppressed: 'notice_suppressed' } as const;

/** Records what became of it, and of a case's notice in the case's own record too. */
async function settle(
  { database, metrics }: ActivityDependencies,
  notification: NotificationId,
  options: { result: DeliveryResult; mail?: QueuedNotification; now: Date },
): Promise<void> {
  const { result, mail, now } = options;
  const step = await noticedStep(database, notification);
  const kind = await database.transaction(async (transaction) => {
    const settled = await settleNotification(transaction, notification, result);
    const caseId = step?.caseId ?? mail?.dunningCaseId ?? null;
    if (settled === null || caseId === null || result.status === 'queued') return settled;
    await recordDunningEvent(transaction, {
      tenant: notification.tenant,
      caseId,
      kind: EVENT_OF[result.status],
      now,
      ...(step && { stage: step.stage, invoice: step.anchor }),
      detail: { notice: settled, ...('error' in result && { error: result.error }) },
    });
    return settled;
  });
  // A try that was slower than the one that had sent it changed nothing.
  if (kind !== null) metrics.noticeDelivered(kind, result.status);
}
