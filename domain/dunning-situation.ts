import { anchorOf, type Calendar, type CaseFile, type DunningSituation } from './dunning.ts';
import { type DunningPolicy, type DunningStage, stagesFor } from './dunning-policy.ts';
import type { InvoiceStatus, UnpaidInvoice } from './invoice.ts';
import { addInUtc } from './iso-duration.ts';
import { isLive, type SubscriptionStatus } from './subscription.ts';

/** What is known of a case before its stages have dates. */
export type CaseFacts = {
  file: CaseFile & {
    subscription: { status: SubscriptionStatus };
    skippedStages: readonly string[];
    extendedDays: number;
  };
  unpaid: readonly UnpaidInvoice[];
  lastAnchorStatus: InvoiceStatus | null;
  policy: DunningPolicy;
  /** The tenant's. */
  plan: string | null;
  now: Date;
};

/** Stages that want dates. */
export type UndatedStages = { stages: readonly DunningStage[]; anchor: Date; extendedDays: number };

/**
 * What a case is decided by: its invoice, and the stages of that one with their dates.
 *
 * @param dates gives stages their dates
 */
export function situationOf(
  facts: CaseFacts,
  dates: (undated: UndatedStages) => Calendar,
): { situation: DunningSituation; anchor: UnpaidInvoice | undefined } {
  const { file, unpaid, lastAnchorStatus, policy, plan, now } = facts;
  const anchor = anchorOf(unpaid, file.excludedInvoices);
  const stages =
    anchor === undefined
      ? []
      : stagesFor(policy, { ...anchor, plan }).filter((stage) => !file.skippedStages.includes(stage.name));
  const calendar = dates({ stages, anchor: anchor?.unpaidSince ?? now, extendedDays: file.extendedDays });
  const isSubscriptionLive = isLive(file.subscription.status);
  return { situation: { file, isSubscriptionLive, unpaid, lastAnchorStatus, calendar, now }, anchor };
}

/** Dates by UTC alone and without quiet times, for where no time-zone data is at hand: some hours off, in the right order. */
export function datesInUtc({ stages, anchor, extendedDays }: UndatedStages): Calendar {
  const days = extendedDays * 24 * 60 * 60 * 1000;
  let before = anchor;
  return {
    stages: stages.map((stage) => {
      const date = new Date(addInUtc(anchor, stage.after).getTime() + days);
      before = date > before ? date : before;
      return { ...stage, nominalAt: before, dueAt: before };
    }),
    allowedFrom: (instant) => instant,
  };
}
