import {
  accessOfEffect,
  CASE_ACCESS,
  type Calendar,
  type CaseAccess,
  type DatedStage,
  type DunningDecision,
  type DunningOutcome,
  type DunningSituation,
  type plannedStages,
} from '../../domain/dunning.ts';
import type { UnpaidInvoice } from '../../domain/invoice.ts';

/** What must hold after every step of every history. */
export const INVARIANTS = {
  noticeOnce: 'I11 no notice goes twice',
  noticeOfDebt: 'I11 no notice goes for an invoice that is settled',
  toldBefore: 'I11 no effect before its announcing notice was sent and the warning time has passed',
  promiseKept: 'no effect before the time that its notice told',
  mailFirst: 'in a stage with both, the mail goes before the effect',
  onlyHarder: 'an effect never eases',
  heldStill: 'nothing is told or done while paused, processing or unreachable',
  quiet: 'nothing is told or done in quiet times',
  easedAtOnce: 'a change of the oldest invoice is followed at once, and eases to what that one calls for',
  closedAtOnce: 'a case is closed at the first look that finds nothing to follow, and not before',
  outcome: 'a case ends with what became of the invoice that it followed',
  noBurst: 'the notice that goes is the last one that is due before an effect that has to wait',
  refused: 'a refused command changes nothing',
  noCircle: 'decisions do not go in a circle',
  waitsForSomething: 'a wait is for a time to come, or for an address',
  ends: 'every history ends',
} as const;
export type Invariant = keyof typeof INVARIANTS;

/** As many as one look of the activities makes. */
const DECISIONS_AT_ONCE_MAX = 20;

type Deciding = { caseNumber: number; situation: DunningSituation; decision: DunningDecision };

/** Watches a history from outside, with a memory of its own, and says what went wrong. */
export class Witness {
  readonly violations: { invariant: Invariant; detail: string }[] = [];
  private readonly sent = new Map<string, Date>();
  /** When which effect comes, as a notice told it. */
  private readonly promised = new Map<string, ReadonlyMap<string, Date>>();
  private decisions = 0;

  /** Something else than a decision happened. */
  happens(): void {
    this.decisions = 0;
  }

  blames(invariant: Invariant, detail: string): void {
    this.violations.push({ invariant, detail });
  }

  /** A decision was made; it need not come on record. */
  decides(deciding: Deciding): void {
    const { situation, decision } = deciding;
    this.decisions += 1;
    if (this.decisions > DECISIONS_AT_ONCE_MAX) this.blames('noCircle', JSON.stringify(decision));
    this.judgesEnd(situation, decision);
    const anchor = oldestOf(situation);
    if (anchor === undefined || decision.do === 'close' || decision.do === 'write_off') return;
    if (anchor.id !== situation.file.anchor) this.judgesFollowing(situation, anchor, decision);
    else if (decision.do === 'wait') this.judgesWaiting(situation, decision);
    else this.judgesDoing(deciding, anchor);
  }

  private judgesEnd(situation: DunningSituation, decision: DunningDecision): void {
    const { isSubscriptionLive, file, calendar } = situation;
    const anchor = oldestOf(situation);
    const last = calendar.stages.at(-1);
    const isOver = !isSubscriptionLive || anchor === undefined;
    const isThrough =
      last !== undefined &&
      last.effect !== 'cancel' &&
      last.effect !== 'write_off' &&
      file.steps.some((step) => step.anchor === anchor?.id && step.stage === last.name);
    if (isOver ? decision.do !== 'close' : decision.do === 'close' && !isThrough)
      this.blames('closedAtOnce', decision.do);
    if (isOver && decision.do === 'close' && decision.outcome !== outcomeOf(situation))
      this.blames('outcome', `${decision.outcome} instead of ${outcomeOf(situation)}`);
  }

  private judgesFollowing(
    situation: DunningSituation,
    anchor: UnpaidInvoice,
    decision: DunningDecision,
  ): void {
    const { calendar, file, now } = situation;
    if (decision.do !== 'follow' || decision.invoice !== anchor.id) {
      this.blames('easedAtOnce', `${decision.do} instead of following ${anchor.id}`);
      return;
    }
    const called = calendar.stages.filter(({ dueAt }) => dueAt <= now).map(accessOf);
    const milder = Math.min(rank(file.access), Math.max(0, ...called.map(rank)));
    if (rank(decision.access) !== milder)
      this.blames('easedAtOnce', `${decision.access} instead of ${CASE_ACCESS[milder]}`);
  }

  private judgesWaiting(situation: DunningSituation, wait: Extract<DunningDecision, { do: 'wait' }>): void {
    const { until, because } = wait;
    const isForSomebody = because === 'unreachable' && failed(situation);
    if (until === null ? !isForSomebody : until <= situation.now)
      this.blames('waitsForSomething', JSON.stringify(wait));
  }

  private judgesDoing({ caseNumber, situation, decision }: Deciding, anchor: UnpaidInvoice): void {
    const { file, calendar, now } = situation;
    this.judgesMoment(situation, anchor, decision.do);
    if (decision.do === 'enter' && rank(decision.access) > rank(file.access)) {
      const place = placeOf(calendar, decision.stage.name);
      const passed = calendar.stages.slice(0, place + 1);
      this.judgesEffect({ caseNumber, situation, anchor, grounds: passed.filter(calls(decision.access)) });
    }
    if (decision.do === 'enter' && rank(decision.access) < rank(file.access))
      this.blames('onlyHarder', `${decision.access} after ${file.access}`);
    if (decision.do !== 'apply') return;
    const access = accessOfEffect(decision.effect);
    if (access !== null && rank(access) < rank(file.access))
      this.blames('onlyHarder', `${access} after ${file.access}`);
    this.judgesEffect({ caseNumber, situation, anchor, grounds: [decision.stage] });
    const own = this.sent.get(keyOf(caseNumber, anchor.id, decision.stage.name));
    if (decision.stage.notice !== undefined && (own === undefined || own > now))
      this.blames('mailFirst', decision.stage.name);
  }

  private judgesMoment({ file, calendar, now }: DunningSituation, anchor: UnpaidInvoice, what: string): void {
    const isUnreachable = file.steps.some(
      (step) => step.anchor === anchor.id && step.notice?.status === 'failed',
    );
    if (file.pausedUntil !== null && file.pausedUntil > now) this.blames('heldStill', `${what} while paused`);
    if (anchor.isProcessing) this.blames('heldStill', `${what} while money is on its way`);
    if (isUnreachable) this.blames('heldStill', `${what} while nobody can be reached`);
    if (calendar.allowedFrom(now) > now) this.blames('quiet', `${what} at ${now.toISOString()}`);
  }

  /** One of the stages must have been announced, and in time. */
  private judgesEffect(effect: {
    caseNumber: number;
    situation: DunningSituation;
    anchor: UnpaidInvoice;
    grounds: readonly DatedStage[];
  }): void {
    const { caseNumber, situation, anchor, grounds } = effect;
    const told = grounds.filter((stage) => this.isTold(caseNumber, situation, anchor.id, stage));
    const what = grounds.map(({ name }) => name).join(', ');
    if (told.length === 0) this.blames('toldBefore', `${what} at ${situation.now.toISOString()}`);
    else if (!told.some((stage) => this.isAsPromised(caseNumber, situation, anchor.id, stage)))
      this.blames('promiseKept', `${what} at ${situation.now.toISOString()}`);
  }

  private isTold(
    caseNumber: number,
    { calendar, now }: DunningSituation,
    anchor: string,
    stage: DatedStage,
  ): boolean {
    const announcing = announcingOf(calendar, stage.name);
    const sentAt = announcing && this.sent.get(keyOf(caseNumber, anchor, announcing.name));
    if (announcing === undefined || sentAt === undefined) return false;
    const warningMs = stage.nominalAt.getTime() - announcing.nominalAt.getTime();
    return now >= stage.dueAt && now.getTime() >= sentAt.getTime() + Math.max(warningMs, 0);
  }

  private isAsPromised(
    caseNumber: number,
    { calendar, now }: DunningSituation,
    anchor: string,
    stage: DatedStage,
  ): boolean {
    const announcing = announcingOf(calendar, stage.name);
    const promises = announcing && this.promised.get(keyOf(caseNumber, anchor, announcing.name));
    const at = promises?.get(stage.name);
    return at === undefined || now >= at;
  }

  /** A notice was queued: it tells what happens when. */
  promises(telling: {
    caseNumber: number;
    situation: DunningSituation;
    decision: Extract<DunningDecision, { do: 'enter' }>;
    plan: typeof plannedStages;
  }): void {
    const { caseNumber, situation, decision, plan } = telling;
    const { anchor } = situation.file;
    if (anchor === null || decision.stage.notice === undefined) return;
    const planned = plan(situation);
    const place = planned.findIndex(({ stage }) => stage === decision.stage.name);
    const ahead = planned.slice(place + 1).filter(({ effect }) => effect !== null);
    this.promised.set(
      keyOf(caseNumber, anchor, decision.stage.name),
      new Map(ahead.map(({ stage, at }) => [stage, at])),
    );
  }

  /** An operator put stages off or left one out, so that other dates count, and another notice may announce them. */
  forgetsPromises(): void {
    this.promised.clear();
  }

  /** A notice came into the customer's mailbox. */
  reads(mail: {
    caseNumber: number;
    situation: DunningSituation;
    anchor: string;
    stage: string;
    isOpen: boolean;
  }): void {
    const { caseNumber, situation, anchor, stage, isOpen } = mail;
    const key = keyOf(caseNumber, anchor, stage);
    if (this.sent.has(key)) this.blames('noticeOnce', key);
    this.sent.set(key, situation.now);
    if (!isOpen) this.blames('noticeOfDebt', key);
    const oldest = oldestOf(situation);
    if (oldest === undefined) return;
    this.judgesMoment(situation, oldest, `notice of ${stage}`);
    if (oldest.id !== anchor) {
      this.blames('noBurst', `${stage} of ${anchor}, which is not the oldest`);
      return;
    }
    const later = this.laterOne(caseNumber, situation, { anchor, stage });
    if (later) this.blames('noBurst', `${stage}, though ${later.name} is due`);
  }

  /** A later stage that tells something now and stands before every effect that has to wait. */
  private laterOne(
    caseNumber: number,
    situation: DunningSituation,
    { anchor, stage }: { anchor: string; stage: string },
  ): DatedStage | undefined {
    const { calendar, file, now } = situation;
    const behind = calendar.stages.slice(placeOf(calendar, stage) + 1);
    const waiting = behind.findIndex(
      (each) =>
        each.effect !== undefined &&
        !isWithin(each, file.access) &&
        !this.isTold(caseNumber, situation, anchor, each),
    );
    const free = waiting === -1 ? behind : behind.slice(0, waiting);
    return free.findLast(({ notice, dueAt }) => notice !== undefined && dueAt <= now);
  }
}

function keyOf(caseNumber: number, anchor: string, stage: string): string {
  return [caseNumber, anchor, stage].join(' ');
}

/** The invoice that has been unpaid for longest, but for those that are excluded. */
function oldestOf({ unpaid, file }: DunningSituation): UnpaidInvoice | undefined {
  const counted = unpaid.filter(({ id }) => !file.excludedInvoices.includes(id));
  const since = Math.min(...counted.map(({ unpaidSince }) => unpaidSince.getTime()));
  const oldest = counted.filter(({ unpaidSince }) => unpaidSince.getTime() === since);
  return oldest.toSorted((a, b) => (a.id < b.id ? -1 : 1))[0];
}

function outcomeOf({ isSubscriptionLive, lastAnchorStatus, unpaid, file }: DunningSituation): DunningOutcome {
  if (!isSubscriptionLive) return 'canceled';
  if (lastAnchorStatus === 'paid') return 'recovered';
  if (lastAnchorStatus === 'void') return 'voided';
  if (lastAnchorStatus === 'uncollectible') return 'written_off';
  if (unpaid.length > 0) return 'excluded';
  return file.isWriteOffRequested ? 'written_off' : 'recovered';
}

function failed({ file }: DunningSituation): boolean {
  return file.steps.some((step) => step.anchor === file.anchor && step.notice?.status === 'failed');
}

function placeOf({ stages }: Calendar, name: string): number {
  return stages.findIndex((stage) => stage.name === name);
}

/** The last notice in an earlier stage. */
function announcingOf(calendar: Calendar, name: string): DatedStage | undefined {
  return calendar.stages
    .slice(0, Math.max(placeOf(calendar, name), 0))
    .findLast(({ notice }) => notice !== undefined);
}

function accessOf({ effect }: DatedStage): CaseAccess {
  return (effect === undefined ? null : accessOfEffect(effect)) ?? 'active';
}

const calls = (access: CaseAccess) => (stage: DatedStage) => accessOf(stage) === access;

function isWithin(stage: DatedStage, access: CaseAccess): boolean {
  const called = stage.effect === undefined ? 'active' : accessOfEffect(stage.effect);
  return called !== null && rank(called) <= rank(access);
}

function rank(access: CaseAccess): number {
  return CASE_ACCESS.indexOf(access);
}
