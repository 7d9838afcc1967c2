import type { Transaction } from '../db/connect.ts';
import type { FoundCase } from '../db/dunning-cases.ts';
import { type DunningFile, lockDunningFile } from '../db/dunning-files.ts';
import { invoiceStanding, unpaidInvoices } from '../db/invoices.ts';
import { contactOf } from '../db/notifications.ts';
import { anchorOf, type Calendar, type DunningSituation } from '../domain/dunning.ts';
import { readDunningPolicy, stagesFor } from '../domain/dunning-policy.ts';
import type { UnpaidInvoice } from '../domain/invoice.ts';
import { isLive } from '../domain/subscription.ts';
import { datesOf } from './dunning-calendar.ts';

/** A case as it stands, with all that is decided by. */
export type StandingCase = {
  file: DunningFile;
  situation: DunningSituation;
  anchor: UnpaidInvoice | undefined;
  contact: Awaited<ReturnType<typeof contactOf>>;
  timeZone: string;
};

/** Reads and locks a case, and dates the stages of its invoice. */
export async function standingCase(
  transaction: Transaction,
  id: Pick<FoundCase, 'tenant' | 'caseId'>,
  now: Date,
): Promise<StandingCase> {
  const file = await lockDunningFile(transaction, id);
  const contact = await contactOf(transaction, id.tenant);
  const unpaid = await unpaidInvoices(transaction, {
    tenant: id.tenant,
    stripeSubscriptionId: file.subscription.id,
  });
  const standing = file.anchor === null ? null : await invoiceStanding(transaction, file.anchor);
  const policy = readDunningPolicy(file.policy.source);
  const timeZone = contact.timeZone ?? policy.time_zone;
  const anchor = anchorOf(unpaid, file.excludedInvoices);
  const stages =
    anchor === undefined
      ? []
      : stagesFor(policy, { ...anchor, plan: contact.plan }).filter(
          (stage) => !file.skippedStages.includes(stage.name),
        );
  const calendar: Calendar = datesOf({
    stages,
    anchor: anchor?.unpaidSince ?? now,
    extendedDays: file.extendedDays,
    timeZone,
    quietTimes: policy,
  });
  const situation: DunningSituation = {
    file,
    isSubscriptionLive: isLive(file.subscription.status),
    unpaid,
    lastAnchorStatus: standing?.status ?? null,
    calendar,
    now,
  };
  return { file, situation, anchor, contact, timeZone };
}
