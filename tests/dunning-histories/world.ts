import { datesOf } from '../../activities/dunning-calendar.ts';
import { declineGroup } from '../../domain/decline-codes.ts';
import {
  accessOfEffect,
  anchorOf,
  type Calendar,
  type CaseFile,
  type DunningDecision,
  type DunningSituation,
  decideDunning,
  plannedStages,
} from '../../domain/dunning.ts';
import {
  type CommandedCase,
  commandedCase,
  type DunningCommand,
  type DunningCommandName,
  readDunningCommand,
  refusalOf,
  stageToSkip,
} from '../../domain/dunning-command.ts';
import { type DunningPolicy, stagesFor } from '../../domain/dunning-policy.ts';
import { Failure } from '../../domain/failures.ts';
import type { CollectionMethod, InvoiceStatus, UnpaidInvoice } from '../../domain/invoice.ts';
import { Witness } from './witness.ts';

/** What is put to the proof; a test puts something worse in its place. */
export type Deciders = {
  decide: typeof decideDunning;
  plan: typeof plannedStages;
  refuse: typeof refusalOf;
};
export const GOOD_DECIDERS: Deciders = { decide: decideDunning, plan: plannedStages, refuse: refusalOf };

/** Under what a history happens. */
export type Setting = { policy: DunningPolicy; timeZone: string; plan: string | null };

/** What the activities around the decisions see to; a test takes one away and sees histories go wrong. */
export type Guarantees = {
  /** A notice that went is on record as sent. */
  recordsSending: boolean;
  /** A stage that was entered is on record. */
  recordsEntering: boolean;
  /** Before a notice goes, it is decided once more that it shall. */
  asksAgain: boolean;
  /** Before a notice goes, its invoice is read once more. */
  readsAgain: boolean;
  /** A command that makes no sense is not carried out. */
  refuses: boolean;
};

export const ALL_GUARANTEES: Guarantees = {
  recordsSending: true,
  recordsEntering: true,
  asksAgain: true,
  readsAgain: true,
  refuses: true,
};

export type ModelInvoice = {
  id: string;
  status: InvoiceStatus;
  unpaidSince: Date;
  collectionMethod: CollectionMethod;
  currency: string;
  amountMinor: number;
  declineCode: string | null;
  isProcessing: boolean;
};

/** A case and its columns, as the tables keep them. */
export type ModelCase = {
  number: number;
  file: CaseFile;
  extendedDays: number;
  skippedStages: readonly string[];
  isUnreachable: boolean;
};

/** What a look said has to be done outside of the database. */
type Task =
  | { do: 'deliver'; anchor: string; stage: string }
  | { do: 'cancel'; invoice: string }
  | { do: 'write_off'; invoices: readonly string[] };

type Mailbox = 'takes' | 'away' | 'bounces';

const MAIL_PAUSE_MS = 30_000;
const DAY_MS = 24 * 60 * 60 * 1000;
const BEGIN = new Date('2026-03-02T10:00:00Z');

/**
 * One subscription, its invoices, its customer's mailbox and its dunning: plays the part of `activities/dunning.ts` and
 * of the tables below it, small enough that anything may happen between any two records.
 */
export class World {
  readonly witness = new Witness();
  readonly invoices: ModelInvoice[] = [];
  now = BEGIN;
  isSubscriptionLive = true;
  mailbox: Mailbox = 'takes';
  dunned: ModelCase | null = null;
  task: Task | null = null;
  /** What the run waits for; null: it looks. */
  waiting: Extract<DunningDecision, { do: 'wait' }> | null = null;
  readonly setting: Setting;
  private readonly deciders: Deciders;
  private readonly guarantees: Guarantees;
  private readonly left = new Set<string>();
  private cases = 0;
  private readonly calendars = new Map<string, Calendar>();

  constructor(setting: Setting, deciders: Deciders = GOOD_DECIDERS, guarantees = ALL_GUARANTEES) {
    this.setting = setting;
    this.deciders = deciders;
    this.guarantees = guarantees;
  }

  /** The run looks at the case and makes one decision. @param isCrashing it dies before that is on record */
  look(isCrashing = false): void {
    const { dunned } = this;
    if (dunned === null) return;
    this.waiting = null;
    const situation = this.situation(dunned);
    const decision = this.deciders.decide(situation);
    this.witness.decides({ caseNumber: dunned.number, situation, decision });
    if (!isCrashing) this.record(dunned, situation, decision);
  }

  /** The run does what its look said. */
  act(): void {
    const { task } = this;
    this.task = null;
    if (task === null) return;
    if (task.do === 'deliver') this.deliver(task);
    else if (task.do === 'cancel') this.isSubscriptionLive &&= this.invoice(task.invoice)?.status !== 'open';
    else for (const id of task.invoices) this.settle(id, 'uncollectible');
    this.witness.happens();
  }

  passes(ms: number): void {
    this.now = new Date(this.now.getTime() + ms);
    this.witness.happens();
  }

  /** Billing sync sees what is unpaid, and opens a case of it. */
  sync(): void {
    if (this.dunned !== null || !this.isSubscriptionLive) return;
    const unpaid = this.unpaid();
    if (unpaid.every(({ id }) => this.left.has(id))) return;
    this.cases += 1;
    this.dunned = {
      number: this.cases,
      file: {
        anchor: null,
        access: 'active',
        steps: [],
        pausedUntil: null,
        excludedInvoices: unpaid.map(({ id }) => id).filter((id) => this.left.has(id)),
        isWriteOffRequested: false,
      },
      extendedDays: 0,
      skippedStages: [],
      isUnreachable: false,
    };
  }

  /** An open invoice leaves its status; a final one stays as it is. */
  settle(id: string, status: 'paid' | 'void' | 'uncollectible'): void {
    const invoice = this.invoice(id);
    if (invoice?.status === 'open') Object.assign(invoice, { status, isProcessing: false });
  }

  /** An operator's update, as it came. */
  command(name: DunningCommandName, value: unknown): void {
    const { dunned } = this;
    if (dunned === null) return;
    const command = read(name, value);
    if (command === undefined) return;
    const situation = this.situation(dunned);
    const { extendedDays, isUnreachable } = dunned;
    const file = { ...dunned.file, outcome: null, extendedDays, isUnreachable };
    const anchor = anchorOf(situation.unpaid, file.excludedInvoices);
    const commanded = commandedCase({ file, situation, anchor });
    const before = JSON.stringify(dunned);
    const refusal = this.deciders.refuse(command, commanded, this.now);
    if (refusal === undefined || !this.guarantees.refuses) this.carryOut(dunned, command, commanded);
    if (refusal !== undefined && JSON.stringify(dunned) !== before) this.witness.blames('refused', refusal);
  }

  private carryOut(dunned: ModelCase, command: DunningCommand, commanded: CommandedCase): void {
    switch (command.name) {
      case 'pause':
        this.file(dunned, { pausedUntil: new Date(command.until) });
        break;
      case 'resume':
        this.resume(dunned);
        break;
      case 'extend':
        dunned.extendedDays += command.days;
        this.witness.forgetsPromises();
        break;
      case 'skipStage': {
        const skipped = stageToSkip(command.stage, commanded);
        if (skipped !== undefined) dunned.skippedStages = [...dunned.skippedStages, skipped];
        this.witness.forgetsPromises();
        break;
      }
      case 'retryPaymentNow':
        break;
      case 'excludeInvoice':
        this.file(dunned, { excludedInvoices: [...dunned.file.excludedInvoices, command.invoice] });
        break;
      case 'writeOff':
        this.file(dunned, { isWriteOffRequested: true });
        break;
      default:
        command satisfies never;
    }
  }

  private resume(dunned: ModelCase): void {
    const { anchor, steps } = dunned.file;
    dunned.isUnreachable = false;
    this.file(dunned, {
      pausedUntil: null,
      steps: steps.map((step) =>
        step.anchor === anchor && step.notice?.status === 'failed'
          ? { ...step, notice: { status: 'queued', retryAt: null } }
          : step,
      ),
    });
  }

  private record(dunned: ModelCase, situation: DunningSituation, decision: DunningDecision): void {
    const { file } = dunned;
    switch (decision.do) {
      case 'close':
        for (const { id } of situation.unpaid) this.left.add(id);
        this.dunned = null;
        break;
      case 'follow':
        this.file(dunned, { anchor: decision.invoice, access: decision.access });
        break;
      case 'enter':
        this.witness.promises({ caseNumber: dunned.number, situation, decision, plan: this.deciders.plan });
        if (this.guarantees.recordsEntering) this.enter(dunned, decision);
        break;
      case 'apply':
        this.apply(dunned, decision);
        break;
      case 'deliver':
        this.task = { do: 'deliver', anchor: file.anchor ?? '', stage: decision.stage };
        break;
      case 'write_off':
        this.task = { do: 'write_off', invoices: this.writable(file) };
        break;
      case 'wait':
        this.waiting = decision;
        dunned.isUnreachable = decision.because === 'unreachable';
        break;
      default:
        decision satisfies never;
    }
  }

  /** Queues the stage's notice in place of those that the decision names; one that is on record stays as it is. */
  private enter(dunned: ModelCase, decision: Extract<DunningDecision, { do: 'enter' }>): void {
    const { stage, access, isApplied, inPlaceOf } = decision;
    const { steps, anchor } = dunned.file;
    if (anchor === null) throw new Error('a stage was entered for no invoice');
    const kept = steps.map((step) =>
      step.anchor === anchor && inPlaceOf.includes(step.stage)
        ? { ...step, notice: { status: 'suppressed' } as const }
        : step,
    );
    const isKnown = steps.some((step) => step.anchor === anchor && step.stage === stage.name);
    const notice = stage.notice === undefined ? null : ({ status: 'queued', retryAt: null } as const);
    const entered = { anchor, stage: stage.name, notice, isApplied };
    this.file(dunned, { access, steps: isKnown ? kept : [...kept, entered] });
  }

  private apply(dunned: ModelCase, { effect, stage }: Extract<DunningDecision, { do: 'apply' }>): void {
    const { anchor, steps } = dunned.file;
    const access = accessOfEffect(effect);
    if (access !== null) {
      this.file(dunned, {
        access,
        steps: steps.map((step) =>
          step.anchor === anchor && step.stage === stage.name ? { ...step, isApplied: true } : step,
        ),
      });
    } else if (effect === 'cancel') this.task = { do: 'cancel', invoice: anchor ?? '' };
    else this.task = { do: 'write_off', invoices: this.writable(dunned.file) };
  }

  private writable({ excludedInvoices }: CaseFile): string[] {
    return this.unpaid()
      .map(({ id }) => id)
      .filter((id) => !excludedInvoices.includes(id));
  }

  private deliver({ anchor, stage }: Extract<Task, { do: 'deliver' }>): void {
    const { dunned } = this;
    const step = dunned?.file.steps.find((each) => each.anchor === anchor && each.stage === stage);
    if (dunned === null || step?.notice?.status !== 'queued') return;
    if (this.guarantees.readsAgain && this.invoice(anchor)?.status !== 'open') {
      this.notice(dunned, { anchor, stage }, { status: 'suppressed' });
      return;
    }
    const situation = this.situation(dunned);
    if (this.guarantees.asksAgain) {
      const again = this.deciders.decide(situation);
      if (again.do !== 'deliver' || again.stage !== stage || dunned.file.anchor !== anchor) return;
    }
    if (this.mailbox === 'away') {
      const retryAt = new Date(this.now.getTime() + MAIL_PAUSE_MS);
      this.notice(dunned, { anchor, stage }, { status: 'queued', retryAt });
    } else if (this.mailbox === 'bounces') {
      this.notice(dunned, { anchor, stage }, { status: 'failed' });
    } else {
      const isOpen = this.invoice(anchor)?.status === 'open';
      this.witness.reads({ caseNumber: dunned.number, situation, anchor, stage, isOpen });
      if (this.guarantees.recordsSending)
        this.notice(dunned, { anchor, stage }, { status: 'sent', sentAt: this.now });
    }
  }

  private notice(
    dunned: ModelCase,
    of: { anchor: string; stage: string },
    notice: CaseFile['steps'][number]['notice'],
  ): void {
    this.file(dunned, {
      steps: dunned.file.steps.map((step) =>
        step.anchor === of.anchor && step.stage === of.stage ? { ...step, notice } : step,
      ),
    });
  }

  private file(dunned: ModelCase, change: Partial<CaseFile>): void {
    dunned.file = { ...dunned.file, ...change };
  }

  private invoice(id: string): ModelInvoice | undefined {
    return this.invoices.find((invoice) => invoice.id === id);
  }

  private unpaid(): UnpaidInvoice[] {
    if (!this.isSubscriptionLive) return [];
    return this.invoices
      .filter(({ status, amountMinor }) => status === 'open' && amountMinor > 0)
      .map((invoice) => ({
        id: invoice.id,
        number: null,
        unpaidSince: invoice.unpaidSince,
        createdAt: invoice.unpaidSince,
        collectionMethod: invoice.collectionMethod,
        currency: invoice.currency,
        amountRemainingMinor: invoice.amountMinor,
        decline: invoice.declineCode === null ? null : declineGroup(invoice.declineCode),
        declineCode: invoice.declineCode,
        isProcessing: invoice.isProcessing,
        nextPaymentAttempt: null,
        hostedInvoiceUrl: null,
      }));
  }

  private situation(dunned: ModelCase): DunningSituation {
    const { file } = dunned;
    const unpaid = this.unpaid();
    const anchor = anchorOf(unpaid, file.excludedInvoices);
    return {
      file,
      isSubscriptionLive: this.isSubscriptionLive,
      unpaid,
      lastAnchorStatus: file.anchor === null ? null : (this.invoice(file.anchor)?.status ?? null),
      calendar: this.calendar(dunned, anchor),
      now: this.now,
    };
  }

  /** The same dates are computed once. */
  private calendar(dunned: ModelCase, anchor: UnpaidInvoice | undefined): Calendar {
    const { policy, timeZone, plan } = this.setting;
    const listed = anchor === undefined ? [] : stagesFor(policy, { ...anchor, plan });
    const { extendedDays, skippedStages } = dunned;
    const key = [anchor?.id, listed[0]?.name, extendedDays, ...skippedStages].join(' ');
    const known = this.calendars.get(key);
    if (known) return known;
    const dated = datesOf({
      stages: listed.filter(({ name }) => !skippedStages.includes(name)),
      anchor: anchor?.unpaidSince ?? this.now,
      extendedDays,
      timeZone,
      quietTimes: policy,
    });
    this.calendars.set(key, dated);
    return dated;
  }

  /** How long the run sleeps if nobody wakes it; the sweep looks after it once a day all the same. */
  sleepMs(): number {
    const until = this.waiting?.until ?? new Date(this.now.getTime() + DAY_MS);
    return Math.max(until.getTime() - this.now.getTime(), 1);
  }
}

/** @returns undefined for what is no command */
function read(name: DunningCommandName, value: unknown): DunningCommand | undefined {
  try {
    return readDunningCommand(name, value);
  } catch (error) {
    if (error instanceof Failure && error.name === 'InvalidInput') return undefined;
    throw error;
  }
}
