import type { Transaction } from '../db/connect.ts';
import type { FoundCase } from '../db/dunning-cases.ts';
import { type DunningFile, lockDunningFile } from '../db/dunning-files.ts';
import { invoiceStanding, unpaidInvoices } from '../db/invoices.ts';
import { contactOf } from '../db/notifications.ts';
import type { DunningSituation } from '../domain/dunning.ts';
import { readDunningPolicy } from '../domain/dunning-policy.ts';
import { situationOf } from '../domain/dunning-situation.ts';
import type { UnpaidInvoice } from '../domain/invoice.ts';
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
  const facts = { file, unpaid, lastAnchorStatus: standing?.status ?? null, policy, plan: contact.plan, now };
  const { situation, anchor } = situationOf(facts, (undated) =>
    datesOf({ ...undated, timeZone, quietTimes: policy }),
  );
  return { file, situation, anchor, contact, timeZone };
}
