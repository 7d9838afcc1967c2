import type { Transaction } from '../db/connect.ts';
import type { InvoiceStanding } from '../db/invoices.ts';
import { queueNotification } from '../db/notifications.ts';
import { declineGroup } from '../domain/decline-codes.ts';
import { plannedStages } from '../domain/dunning.ts';
import type { DunningStage } from '../domain/dunning-policy.ts';
import type { UnpaidInvoice } from '../domain/invoice.ts';
import { DEFAULT_LOCALE, type DunningNoticeKind, type DunningNoticePayload } from '../domain/notification.ts';
import type { StandingCase } from './dunning-situation.ts';

/** Queues a stage's notice; the same one for the same invoice and policy is queued once. @returns its id */
export function queueStageNotice(
  transaction: Transaction,
  options: { standing: StandingCase; anchor: UnpaidInvoice; stage: DunningStage; appUrl: string },
): Promise<string | null> {
  const { standing, anchor, stage, appUrl } = options;
  if (stage.notice === undefined) return Promise.resolve(null);
  const { file } = standing;
  return queue(transaction, {
    standing,
    kind: stage.notice,
    dedupeKey: ['dunning', file.caseId, stage.name, anchor.id, file.policy.version].join(':'),
    payload: {
      ...sharedPayload(standing, appUrl),
      amount: { minor: anchor.amountRemainingMinor, currency: anchor.currency },
      collection_method: anchor.collectionMethod,
      since: anchor.unpaidSince.toISOString(),
      invoice_number: anchor.number,
      pay_url: anchor.hostedInvoiceUrl,
      decline: anchor.decline,
      retry_at: anchor.nextPaymentAttempt?.toISOString() ?? null,
      has_access: standing.file.access === 'active',
      next: effectsAhead(standing, stage),
    },
  });
}

/** Queues what is told when a case is closed: a receipt, or that the subscription has ended. @returns its id */
export function queueClosingNotice(
  transaction: Transaction,
  options: {
    standing: StandingCase;
    kind: Extract<DunningNoticeKind, 'receipt' | 'canceled'>;
    invoice: InvoiceStanding & { id: string; amountMinor: number };
    since: Date;
    hasAccess: boolean;
    appUrl: string;
  },
): Promise<string> {
  const { standing, kind, invoice, since, hasAccess, appUrl } = options;
  return queue(transaction, {
    standing,
    kind,
    dedupeKey: ['dunning', standing.file.caseId, kind, invoice.id, standing.file.policy.version].join(':'),
    payload: {
      ...sharedPayload(standing, appUrl),
      amount: { minor: invoice.amountMinor, currency: invoice.currency },
      collection_method: invoice.collectionMethod,
      since: since.toISOString(),
      invoice_number: invoice.number,
      pay_url: kind === 'receipt' ? null : invoice.hostedInvoiceUrl,
      decline: invoice.lastDeclineCode === null ? null : declineGroup(invoice.lastDeclineCode),
      retry_at: null,
      has_access: hasAccess,
      next: [],
    },
  });
}

function queue(
  transaction: Transaction,
  mail: {
    standing: StandingCase;
    kind: DunningNoticeKind;
    dedupeKey: string;
    payload: DunningNoticePayload;
  },
): Promise<string> {
  const { file, contact } = mail.standing;
  return queueNotification(transaction, {
    tenant: file.tenant,
    dedupeKey: mail.dedupeKey,
    kind: mail.kind,
    recipient: addressesOf(mail.standing)[0] ?? '',
    locale: contact.locale ?? DEFAULT_LOCALE,
    payload: mail.payload,
    dunningCaseId: file.caseId,
  });
}

/** Whom a case can write to: who pays in Stripe, then the tenant's own address. */
export function addressesOf({ file, contact }: Pick<StandingCase, 'file' | 'contact'>): string[] {
  const addresses = [file.customerEmail, contact.email].filter(
    (address) => address !== null && address !== '',
  );
  return [...new Set(addresses)].filter((address): address is string => address !== null);
}

function sharedPayload({ contact, timeZone }: StandingCase, appUrl: string) {
  return { client_name: contact.clientName, app_url: appUrl, time_zone: timeZone };
}

/** What happens when, if nothing is done: the effects behind this stage, and its own where it has one. */
function effectsAhead({ situation }: StandingCase, stage: DunningStage): DunningNoticePayload['next'] {
  const planned = plannedStages(situation);
  const place = planned.findIndex((each) => each.stage === stage.name);
  return planned
    .slice(place + 1)
    .flatMap(({ at, effect }) => (effect === null ? [] : [{ at: at.toISOString(), effect }]));
}
