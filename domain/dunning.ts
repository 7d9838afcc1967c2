import type { AccessState } from './access-state.ts';
import {
  announcingIndex,
  type DunningEffect,
  type DunningStage,
  type DunningState,
  type StageNotice,
} from './dunning-policy.ts';
import { type InvoiceStatus, oldestUnpaid, type UnpaidInvoice } from './invoice.ts';

/** What a case may do to access; `canceled` follows from the subscription, not from a case. */
export const CASE_ACCESS = ['active', 'restricted', 'suspended'] as const satisfies readonly AccessState[];
export type CaseAccess = (typeof CASE_ACCESS)[number];

export const DUNNING_OUTCOMES = ['recovered', 'voided', 'excluded', 'canceled', 'written_off'] as const;
export type DunningOutcome = (typeof DUNNING_OUTCOMES)[number];

/** What the record of a case tells. */
export const DUNNING_EVENT_KINDS = [
  'opened',
  'followed',
  'stage_entered',
  'notice_sent',
  'notice_failed',
  'notice_suppressed',
  'effect_applied',
  'command',
  'closed',
] as const;
export type DunningEventKind = (typeof DUNNING_EVENT_KINDS)[number];

/** A stage that was entered for an invoice, and what became of what it does. */
export type DunningStep = {
  /** The invoice that was the anchor then. */
  anchor: string;
  stage: string;
  notice: StepNotice | null;
  /** Has the stage's effect been applied? */
  isApplied: boolean;
};

export type StepNotice =
  /** `retryAt`: the mail server was away; not before then. */
  | { status: 'queued'; retryAt: Date | null }
  | { status: 'sent'; sentAt: Date }
  /** No address takes it: an operator has to find one. */
  | { status: 'failed' }
  /** The invoice was settled in the last moment. */
  | { status: 'suppressed' };

/** All that a case remembers. */
export type CaseFile = {
  /** The invoice that the case follows; null before the first look. */
  anchor: string | null;
  /** What is in force. */
  access: CaseAccess;
  steps: readonly DunningStep[];
  pausedUntil: Date | null;
  excludedInvoices: readonly string[];
  isWriteOffRequested: boolean;
};

/** The dates of one invoice, computed in the tenant's time zone. */
export type Calendar = {
  stages: readonly DatedStage[];
  /** The first instant, this one or later, at which something may be told or done. */
  allowedFrom: (instant: Date) => Date;
};
export type DatedStage = DunningStage & {
  /** Not before this, quiet times left out. */
  dueAt: Date;
  /** The same without regard to quiet times; distances are measured by it. */
  nominalAt: Date;
};

export type DunningSituation = {
  file: CaseFile;
  /** false: it has ended, so there is nothing left to withhold. */
  isSubscriptionLive: boolean;
  /** All that are unpaid now, excluded ones too. */
  unpaid: readonly UnpaidInvoice[];
  /** How the invoice that the case followed last stands now; null when there was none. */
  lastAnchorStatus: InvoiceStatus | null;
  /** Of the invoice that `anchorOf` names; empty when there is none. */
  calendar: Calendar;
  now: Date;
};

export type DunningDecision =
  | { do: 'close'; outcome: DunningOutcome }
  /** Follow this invoice from now on; access is eased to what it calls for. */
  | { do: 'follow'; invoice: string; state: DunningState; access: CaseAccess }
  /**
   * Enter a stage: its notice is queued, in place of those of the stages `inPlaceOf`, which were not sent. Effects of stages
   * that were passed over are in `access`; `isApplied` says that the stage's own effect is in force already, or that it has
   * none.
   */
  | {
      do: 'enter';
      stage: DatedStage;
      inPlaceOf: readonly string[];
      /** null: it stays as it is until the stage's effect is applied. */
      state: DunningState | null;
      access: CaseAccess;
      isApplied: boolean;
    }
  | { do: 'deliver'; stage: string }
  /** Apply the effect of a stage that was entered. */
  | { do: 'apply'; stage: DatedStage; effect: DunningEffect }
  /** An operator's decision, whatever the stage. */
  | { do: 'write_off' }
  | { do: 'wait'; until: Date | null; because: WaitReason };

export type WaitReason = 'next_stage' | 'mail_server' | 'paused' | 'processing' | 'unreachable';

/** Money that is on its way comes with an event; should that be lost, it is looked after once a day. */
const PROCESSING_LOOK_MS = 24 * 60 * 60 * 1000;

/** The invoice that decides: the one that has been unpaid for longest, but for those that are excluded. */
export function anchorOf(
  unpaid: readonly UnpaidInvoice[],
  excluded: readonly string[],
): UnpaidInvoice | undefined {
  return oldestUnpaid(unpaid.filter((invoice) => !excluded.includes(invoice.id)));
}

/**
 * What comes next for a case. One thing at a time: whoever carries it out asks again.
 *
 * What always holds: no effect before its notice was sent and, from then on, as much time has passed as the policy has
 * between the two; of several stages that are due only the last one's notice goes; nothing but easing and closing while a
 * case is paused, money is on its way, or a notice reaches nobody.
 */
export function decideDunning(situation: DunningSituation): DunningDecision {
  const { file, calendar, now } = situation;
  const anchor = anchorOf(situation.unpaid, file.excludedInvoices);
  if (!situation.isSubscriptionLive) return { do: 'close', outcome: 'canceled' };
  if (anchor === undefined) return { do: 'close', outcome: outcomeOf(situation) };
  if (file.isWriteOffRequested) return { do: 'write_off' };
  const view = viewOf(file, anchor, calendar, now);
  if (anchor.id !== file.anchor) return follow(view, anchor);
  if (file.pausedUntil !== null && file.pausedUntil > now) {
    return { do: 'wait', until: file.pausedUntil, because: 'paused' };
  }
  if (anchor.isProcessing) {
    return { do: 'wait', until: new Date(now.getTime() + PROCESSING_LOOK_MS), because: 'processing' };
  }
  return inAllowedTime(view, finishStage(view) ?? nextStage(view));
}

/** What is late may be decided at any hour, but is told and done in none that is quiet. */
function inAllowedTime({ calendar, now }: View, decision: DunningDecision): DunningDecision {
  if (!['enter', 'deliver', 'apply'].includes(decision.do)) return decision;
  const from = calendar.allowedFrom(now);
  return from > now ? { do: 'wait', until: from, because: 'next_stage' } : decision;
}

/** What became of the invoice that was followed; others may have been excluded beside it. */
function outcomeOf({ file, unpaid, lastAnchorStatus }: DunningSituation): DunningOutcome {
  if (lastAnchorStatus === 'paid') return 'recovered';
  if (lastAnchorStatus === 'void') return 'voided';
  if (lastAnchorStatus === 'uncollectible') return 'written_off';
  if (unpaid.length > 0) return 'excluded';
  // What is open costs nothing any more.
  return file.isWriteOffRequested ? 'written_off' : 'recovered';
}

/** A case seen from its invoice: which of its stages were entered, and which are due. */
type View = {
  file: CaseFile;
  calendar: Calendar;
  now: Date;
  stages: readonly DatedStage[];
  /** By place in `stages`; undefined where the stage was not entered. */
  steps: readonly (DunningStep | undefined)[];
  /** Places in `stages`; -1: none. */
  entered: number;
  due: number;
};

function viewOf(file: CaseFile, anchor: UnpaidInvoice, calendar: Calendar, now: Date): View {
  const { stages } = calendar;
  const steps = stages.map((stage) =>
    file.steps.find((step) => step.anchor === anchor.id && step.stage === stage.name),
  );
  return {
    file,
    calendar,
    now,
    stages,
    steps,
    entered: steps.findLastIndex((step) => step !== undefined),
    due: stages.findLastIndex((stage) => stage.dueAt <= now),
  };
}

/** Another invoice is the oldest now: what is in force is eased to what that one calls for, and never made harsher. */
function follow(view: View, anchor: UnpaidInvoice): DunningDecision {
  const reach = reachOf(view);
  const called = harshest(view.stages.slice(0, view.due + 1));
  return {
    do: 'follow',
    invoice: anchor.id,
    state: view.stages[reach]?.state ?? 'retrying',
    access: milder(called, view.file.access),
  };
}

/** What a stage that was entered still has to do: its notice, then its effect. */
function finishStage(view: View): DunningDecision | undefined {
  const { file, now, stages, steps } = view;
  // Of whichever of the policy's lists: a mailbox does not come back because the invoice's decline code changed.
  const isUnreachable = file.steps.some(
    (step) => step.anchor === file.anchor && step.notice?.status === 'failed',
  );
  if (isUnreachable) return { do: 'wait', until: null, because: 'unreachable' };
  for (const [index, stage] of stages.entries()) {
    const notice = steps[index]?.notice;
    if (notice?.status !== 'queued') continue;
    // The mail server was away for so long that another notice is due: that one goes instead.
    if (stages.slice(view.entered + 1, reachOf(view) + 1).some(hasNotice)) return undefined;
    const { retryAt } = notice;
    if (retryAt !== null && retryAt > now) return { do: 'wait', until: retryAt, because: 'mail_server' };
    return { do: 'deliver', stage: stage.name };
  }
  const stage = stages[view.entered];
  if (stage?.effect === undefined || steps[view.entered]?.isApplied !== false) return undefined;
  // Another invoice brought something harsher meanwhile.
  if (isWithin(stage.effect, file.access)) return undefined;
  const from = effectFrom(view, view.entered);
  if (from === null) return announce(view, view.entered);
  if (from > now) return { do: 'wait', until: from, because: 'next_stage' };
  return { do: 'apply', stage, effect: stage.effect };
}

/** The next stage that may be entered, or until when to wait for it. */
function nextStage(view: View): DunningDecision {
  const { stages, steps, entered, due } = view;
  const reach = reachOf(view);
  if (reach > entered) {
    const told = stages.slice(0, reach + 1).findLastIndex(hasNotice);
    // A stage without a notice is entered by way of the last one that has one: somebody has to be told.
    return enter(view, told > entered && steps[told] === undefined ? told : reach);
  }
  const blocked = reach + 1;
  const last = stages[entered];
  if (blocked === stages.length && last !== undefined && !isDoneAtStripe(last)) {
    return { do: 'close', outcome: last.state === 'canceled' ? 'canceled' : 'written_off' };
  }
  if (blocked > due) return { do: 'wait', until: stages[blocked]?.dueAt ?? null, because: 'next_stage' };
  const from = effectFrom(view, blocked);
  return from === null ? announce(view, blocked) : { do: 'wait', until: from, because: 'next_stage' };
}

/** Does Stripe have to carry its effect out, which ends the case by what is owed afterwards? */
function isDoneAtStripe({ effect }: DunningStage): boolean {
  return effect !== undefined && accessOfEffect(effect) === null;
}

function enter(view: View, index: number): DunningDecision {
  const stage = view.stages[index];
  if (stage === undefined) throw new Error('a stage was to be entered that is not there');
  // What was passed over while something as harsh was in force need not have been announced.
  const passed = view.stages.filter((_, before) => before < index && mayApply(view, before));
  const isInForce = stage.effect === undefined || isWithin(stage.effect, view.file.access);
  return {
    do: 'enter',
    stage,
    inPlaceOf: stage.notice === undefined ? [] : untold(view, index),
    state: isInForce ? stage.state : null,
    access: harsher(harshest(passed), view.file.access),
    isApplied: isInForce,
  };
}

/**
 * Stages of this list before the one at `index` whose notice has yet to go. Those of another variant keep theirs: the
 * invoice may be followed by that one again, and what its effects were to be announced by must not be lost.
 */
function untold({ stages, steps }: View, index: number): string[] {
  return stages.slice(0, index).flatMap((stage, before) => {
    const status = steps[before]?.notice?.status;
    return status === 'queued' || status === 'failed' ? [stage.name] : [];
  });
}

function hasNotice(stage: DunningStage): boolean {
  return stage.notice !== undefined;
}

/** The notice of an effect was passed over, so it is told late; the effect waits for its full time from then. */
function announce(view: View, effectIndex: number): DunningDecision {
  const index = announcingIndex(view.stages, effectIndex);
  if (index === undefined || view.steps[index] !== undefined) {
    // Its notice was suppressed, or an operator left it out: nobody was told, so nothing happens.
    return { do: 'wait', until: null, because: 'unreachable' };
  }
  const decision = enter(view, index);
  return decision.do === 'enter' ? { ...decision, state: null } : decision;
}

/** The last stage that is due and not behind an effect which may not be applied yet. */
function reachOf(view: View): number {
  const blocked = view.stages.findIndex(
    (_, index) => index <= view.due && index > view.entered && !mayApply(view, index),
  );
  return blocked === -1 ? Math.max(view.due, view.entered) : blocked - 1;
}

function mayApply(view: View, index: number): boolean {
  const effect = view.stages[index]?.effect;
  if (effect === undefined || isWithin(effect, view.file.access)) return true;
  const from = effectFrom(view, index);
  return from !== null && from <= view.now;
}

/** From when the effect of a stage may be applied; null while its notice was not sent. */
function effectFrom({ stages, steps, calendar }: View, index: number): Date | null {
  const announcing = announcingIndex(stages, index);
  const [stage, announced] = [stages[index], announcing === undefined ? undefined : stages[announcing]];
  const notice = announcing === undefined ? undefined : steps[announcing]?.notice;
  if (stage === undefined || announced === undefined || notice?.status !== 'sent') return null;
  const warningMs = stage.nominalAt.getTime() - announced.nominalAt.getTime();
  const warned = calendar.allowedFrom(new Date(notice.sentAt.getTime() + warningMs));
  return later(warned, stage.dueAt);
}

const ACCESS_OF: Readonly<Record<DunningEffect, CaseAccess | null>> = {
  restrict: 'restricted',
  suspend: 'suspended',
  cancel: null,
  write_off: null,
};

/** What an effect makes of access; null when it does something else. */
export function accessOfEffect(effect: DunningEffect): CaseAccess | null {
  return ACCESS_OF[effect];
}

/** Is what the effect would do in force already? */
function isWithin(effect: DunningEffect, access: CaseAccess): boolean {
  const called = accessOfEffect(effect);
  return called !== null && harsher(called, access) === access;
}

function harshest(stages: readonly DunningStage[]): CaseAccess {
  return stages.reduce<CaseAccess>((access, { effect }) => {
    const called = effect === undefined ? null : accessOfEffect(effect);
    return called === null ? access : harsher(called, access);
  }, 'active');
}

function harsher(a: CaseAccess, b: CaseAccess): CaseAccess {
  return CASE_ACCESS.indexOf(a) >= CASE_ACCESS.indexOf(b) ? a : b;
}

function milder(a: CaseAccess, b: CaseAccess): CaseAccess {
  return CASE_ACCESS.indexOf(a) <= CASE_ACCESS.indexOf(b) ? a : b;
}

/** What will happen when if nothing changes, for people. */
export type PlannedStage = {
  stage: string;
  at: Date;
  state: DunningState;
  notice: StageNotice | null;
  effect: DunningEffect | null;
  isEntered: boolean;
};

/**
 * The calendar of an invoice with what was entered already. Effects stand at the earliest time at which they may be
 * applied, also when the notice before them has yet to be sent at `now`; what comes behind them stands no earlier.
 */
export function plannedStages(situation: DunningSituation): PlannedStage[] {
  const anchor = anchorOf(situation.unpaid, situation.file.excludedInvoices);
  if (anchor === undefined) return [];
  const view = viewOf(situation.file, anchor, situation.calendar, situation.now);
  const planned: PlannedStage[] = [];
  let behind: Date | null = null;
  for (const [index, stage] of view.stages.entries()) {
    const isEntered = view.steps[index] !== undefined;
    const waits = stage.effect !== undefined && !isWithin(stage.effect, view.file.access);
    const from = waits ? (effectFrom(view, index) ?? promisedFrom(view, index, planned)) : stage.dueAt;
    const at: Date = behind === null || isEntered ? from : later(from, behind);
    if (waits && index > view.entered) behind = at;
    planned.push({
      stage: stage.name,
      at,
      state: stage.state,
      notice: stage.notice ?? null,
      effect: stage.effect ?? null,
      isEntered,
    });
  }
  return planned;
}

/** As long after its notice as the policy has it, with a notice that is sent now at the earliest. */
function promisedFrom(
  { stages, calendar, now }: View,
  index: number,
  planned: readonly PlannedStage[],
): Date {
  const announcing = announcingIndex(stages, index);
  const [stage, announced] = [stages[index], announcing === undefined ? undefined : stages[announcing]];
  const told = announcing === undefined ? undefined : planned[announcing];
  if (stage === undefined || announced === undefined || told === undefined) return now;
  const warningMs = stage.nominalAt.getTime() - announced.nominalAt.getTime();
  const warned = calendar.allowedFrom(new Date(later(told.at, now).getTime() + warningMs));
  return later(warned, stage.dueAt);
}

function later(a: Date, b: Date): Date {
  return a >= b ? a : b;
}
