import { settleAccess } from '../db/access.ts';
import { customerState, writeSnapshot } from '../db/billing-projection.ts';
import type { Transaction } from '../db/connect.ts';
import { caseClosedAt, casesDue, factsOf, openCaseOf, postponeCases } from '../db/dunning-cases.ts';
import type { DunningFile, FiledStep } from '../db/dunning-files.ts';
import {
  recordApplied,
  recordClosed,
  recordEntered,
  recordFollowed,
  recordWaiting,
} from '../db/dunning-files.ts';
import { invoiceStanding } from '../db/invoices.ts';
import type { CaseAccess, DunningDecision, DunningOutcome, WaitReason } from '../domain/dunning.ts';
import { accessOfEffect, decideDunning, plannedStages } from '../domain/dunning.ts';
import {
  type DunningEffect,
  type DunningStage,
  type DunningState,
  readDunningPolicy,
  type StageNotice,
} from '../domain/dunning-policy.ts';
import { Failure } from '../domain/failures.ts';
import { stripeCustomerIdSchema, stripeInvoiceIdSchema, stripeSubscriptionIdSchema } from '../domain/ids.ts';
import { markUncollectible, payInvoice, retrieveInvoice } from '../stripe/invoices.ts';
import { cancelSubscription } from '../stripe/subscriptions.ts';
import { fetchSnapshot } from './customer-snapshot.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { queueClosingNotice, queueStageNotice } from './dunning-notices.ts';
import { type StandingCase, standingCase } from './dunning-situation.ts';
import type { ClosedCase } from './metrics.ts';
import { retryStale } from './stale-snapshot.ts';
import { sweepPartTimer } from './sweep-time.ts';

/** Decisions of one look: a case that follows, enters and applies at once takes a few; more would be a circle. */
const DECISIONS_PER_LOOK_MAX = 20;

/** What a look at a case came to, and what its workflow has to do next. */
export type DunningLook = {
  next: DunningNext;
  /** null when the subscription has no open case. */
  dunned: DunnedCase | null;
  /** Other subscriptions of the customer whose dunning has to be woken. */
  wake: string[];
};

export type DunningNext =
  | { do: 'deliver'; notification_id: string }
  | { do: 'cancel'; invoice: string }
  | { do: 'write_off'; invoices: string[] }
  /** `until` null: for an event or an operator. */
  | { do: 'wait'; until: string | null; because: WaitReason }
  /** `notification_id`: what is told of it. */
  | { do: 'end'; outcome: DunningOutcome | null; notification_id: string | null };

export type DunnedCase = {
  case_id: string;
  tenant: string;
  customer: string;
  policy_version: string;
  state: DunningState;
  stage: string | null;
  access: CaseAccess;
  invoice: string | null;
  paused_until: string | null;
  calendar: PlannedStageText[];
};

type PlannedStageText = {
  stage: string;
  at: string;
  state: DunningState;
  notice: StageNotice | null;
  effect: DunningEffect | null;
  is_entered: boolean;
};

/** Activities of dunning that call Stripe. */
export function createDunningStripeActivities(dependencies: ActivityDependencies) {
  const { stripe, metrics } = dependencies;
  return {
    /**
     * Looks at a subscription's case: reads the truth from Stripe, writes it through billing sync's own apply, and in the
     * same transaction decides and records, until there is something to do outside of the database.
     *
     * @param options.now of the workflow, as ISO 8601: what is decided is decided by its clock
     */
    async lookAtDunning(options: { subscription: string; now: string }): Promise<DunningLook> {
      const { look, closed } = await retryStale(() => lookOnce(dependencies, options));
      if (closed) metrics.dunningClosed(closed);
      return look;
    },

    /** Cancels the subscription of an invoice, unless the invoice was settled in the last moment. */
    async cancelUnpaid(options: { subscription: string; invoice: string }): Promise<{ canceled: boolean }> {
      const invoice = await retrieveInvoice(stripe, stripeInvoiceIdSchema.parse(options.invoice));
      if (invoice?.status !== 'open') return { canceled: false };
      await cancelSubscription(stripe, stripeSubscriptionIdSchema.parse(options.subscription));
      return { canceled: true };
    },

    /** Writes invoices off; those that were settled meanwhile are left as they are. */
    async writeOffInvoices(options: { invoices: string[]; key: string }): Promise<void> {
      for (const id of options.invoices) {
        const invoice = stripeInvoiceIdSchema.parse(id);
        await markUncollectible(stripe, { invoice, idempotencyKey: `${options.key}/${invoice}` });
      }
    },

    /** Charges an invoice now, by an operator's command; its key is made of the command. */
    async payInvoiceNow(options: {
      invoice: string;
      key: string;
    }): Promise<{ paid: boolean; decline_code: string | null }> {
      const invoice = stripeInvoiceIdSchema.parse(options.invoice);
      const charged = await payInvoice(stripe, { invoice, idempotencyKey: options.key });
      return { paid: charged.paid, decline_code: charged.paid ? null : charged.declineCode };
    },
  };
}

/** Activities of dunning on Postgres and Temporal alone. */
export function createDunningActivities({ database, wakeDunning, now, log }: ActivityDependencies) {
  return {
    /** Starts or wakes the dunning of subscriptions. */
    async wakeDunning(options: { subscriptions: string[] }): Promise<void> {
      for (const subscription of options.subscriptions) await wakeDunning(subscription);
    },

    /**
     * Wakes cases whose workflow was not woken, or is gone, as many as there is time for. A crash in between wakes twice,
     * never not at all; a case whose wake is refused is put off like the others, so that it can't keep them from theirs.
     */
    async wakeDueDunning(): Promise<{ woken: number }> {
      const isOver = sweepPartTimer(now);
      let woken = 0;
      for (const subscription of await casesDue(database, { limit: CASES_PER_SWEEP_MAX })) {
        if (isOver()) break;
        try {
          await wakeDunning(subscription);
          woken += 1;
        } catch (error) {
          log.warn(
            { err: error, subscription },
            'Temporal refused to wake a dunning case; a later sweep tries again',
          );
        }
        await postponeCases(database, [subscription]);
      }
      return { woken };
    },
  };
}

/** Cases one sweep wakes; what is left is the next one's. */
const CASES_PER_SWEEP_MAX = 200;

type Looked = { look: DunningLook; closed: ClosedCase | null };

async function lookOnce(
  dependencies: ActivityDependencies,
  options: { subscription: string; now: string },
): Promise<Looked> {
  const { database, licensePrices, billingTenant, dunningPolicy } = dependencies;
  const now = new Date(options.now);
  const found = await openCaseOf(database, options.subscription);
  if (found === null) return { look: await endedLook(dependencies, options), closed: null };
  const customer = stripeCustomerIdSchema.parse(found.customer);
  const state = await customerState(database, customer);
  if (state === null) throw new Failure('StaleSnapshot', 'The customer of a case changed hands');
  const snapshot = await fetchSnapshot(dependencies, { customer, state, events: [], withInvoices: true });
  return database.transaction(async (transaction) => {
    const write = { snapshot, verdicts: [], licensePrices, billingTenant, dunningPolicy, now };
    const applied = await writeSnapshot(transaction, write);
    const wake = applied.dunned.filter((subscription) => subscription !== options.subscription);
    const looked = await decideUntilOutside(transaction, { dependencies, found, now });
    return { ...looked, look: { ...looked.look, wake } };
  });
}

/** There is no open case, unless this look closed it and is tried again: then it answers what it answered. */
async function endedLook(
  { database }: ActivityDependencies,
  options: { subscription: string; now: string },
): Promise<DunningLook> {
  const now = new Date(options.now);
  const closed = await caseClosedAt(database, { subscription: options.subscription, at: now });
  if (closed === null) return NO_CASE;
  const { outcome, notificationId } = closed;
  const standing = await database.transaction((transaction) => standingCase(transaction, closed, now));
  return {
    next: { do: 'end', outcome, notification_id: notificationId },
    dunned: describe(standing, closed.customer),
    wake: [],
  };
}

const NO_CASE: DunningLook = {
  next: { do: 'end', outcome: null, notification_id: null },
  dunned: null,
  wake: [],
};

type Looking = {
  dependencies: ActivityDependencies;
  found: { tenant: string; caseId: string; customer: string };
  now: Date;
};

async function decideUntilOutside(transaction: Transaction, looking: Looking): Promise<Looked> {
  for (let decisions = 0; decisions < DECISIONS_PER_LOOK_MAX; decisions += 1) {
    const standing = await standingCase(transaction, looking.found, looking.now);
    const decision = decideDunning(standing.situation);
    const outside = await carryOut(transaction, { ...looking, standing, decision });
    if (outside === undefined) continue;
    const after = await standingCase(transaction, looking.found, looking.now);
    const { next, closed = null } = outside;
    return { look: { next, dunned: describe(after, looking.found.customer), wake: [] }, closed };
  }
  throw new Error('the decisions of a dunning case go round in a circle');
}

type Outside = { next: DunningNext; closed?: ClosedCase };
type CarryingOut = Looking & { standing: StandingCase; decision: DunningDecision };

/** Records a decision. @returns what is to be done outside of the database; undefined when the next decision can follow */
async function carryOut(transaction: Transaction, options: CarryingOut): Promise<Outside | undefined> {
  const { decision, standing, now } = options;
  const { file, anchor } = standing;
  switch (decision.do) {
    case 'close':
      return close(transaction, { ...options, outcome: decision.outcome });
    case 'follow':
      await recordFollowed(transaction, file, { ...decision, now });
      await settleAccess(transaction, [file.tenant]);
      return undefined;
    case 'enter':
      await enter(transaction, { ...options, decision });
      return undefined;
    case 'apply':
      return apply(transaction, { ...options, decision });
    case 'write_off':
      return { next: { do: 'write_off', invoices: openOf(standing) } };
    case 'deliver': {
      const step = stepOf(file, anchor?.id, decision.stage);
      if (!step?.notificationId) throw new Error('a notice that is to be delivered is not there');
      return { next: { do: 'deliver', notification_id: step.notificationId } };
    }
    case 'wait':
      await recordWaiting(transaction, file, {
        until: decision.until,
        isUnreachable: decision.because === 'unreachable',
        facts: factsOf(file.subscription.status, standing.situation.unpaid),
      });
      return {
        next: {
          do: 'wait',
          until: decision.until?.toISOString() ?? null,
          because: decision.because,
        },
      };
    default:
      return decision satisfies never;
  }
}

async function enter(
  transaction: Transaction,
  options: CarryingOut & { decision: Extract<DunningDecision, { do: 'enter' }> },
): Promise<void> {
  const { decision, dependencies, now } = options;
  const { file, anchor } = options.standing;
  if (anchor === undefined) throw new Error('a stage was entered for no invoice');
  const { stage } = decision;
  // What was passed over is in force before the notice tells of it.
  const standing = { ...options.standing, file: { ...file, access: decision.access } };
  const notificationId = await queueStageNotice(transaction, {
    standing,
    anchor,
    stage,
    appUrl: dependencies.appUrl,
  });
  await recordEntered(transaction, file, { ...decision, anchor: anchor.id, notificationId, now });
  await settleAccess(transaction, [file.tenant]);
}

async function apply(
  transaction: Transaction,
  options: CarryingOut & { decision: Extract<DunningDecision, { do: 'apply' }> },
): Promise<Outside | undefined> {
  const { decision, standing, now } = options;
  const { file, anchor } = standing;
  if (anchor === undefined) throw new Error('an effect was applied for no invoice');
  const access = accessOfEffect(decision.effect);
  if (access !== null) {
    await recordApplied(transaction, file, { anchor: anchor.id, stage: decision.stage, access, now });
    await settleAccess(transaction, [file.tenant]);
    return undefined;
  }
  return decision.effect === 'cancel'
    ? { next: { do: 'cancel', invoice: anchor.id } }
    : { next: { do: 'write_off', invoices: openOf(standing) } };
}

async function close(
  transaction: Transaction,
  options: CarryingOut & { outcome: DunningOutcome },
): Promise<Outside> {
  const { standing, outcome, now } = options;
  const { file, situation } = standing;
  await recordLastEffect(transaction, options);
  await recordClosed(transaction, file, {
    outcome,
    state: STATE_OF[outcome] ?? file.state,
    // A policy's write-off gives up the money, not the ground on which access was withheld; an operator forgives.
    access: outcome === 'written_off' && !isForgiven(file) ? file.access : 'active',
    leftInvoices: situation.unpaid.map((invoice) => invoice.id),
    now,
  });
  const access = (await settleAccess(transaction, [file.tenant])).get(file.tenant);
  const notification_id = await tellOfEnd(transaction, { ...options, hasAccess: access === 'active' });
  return {
    next: { do: 'end', outcome, notification_id },
    closed: await closedCase(transaction, file, { outcome, now }),
  };
}

function isForgiven({ isWriteOffRequested, excludedInvoices, anchor }: DunningFile): boolean {
  return isWriteOffRequested || (anchor !== null && excludedInvoices.includes(anchor));
}

const STATE_OF: Partial<Record<DunningOutcome, DunningState>> = {
  canceled: 'canceled',
  written_off: 'written_off',
};

/** Stripe did what a stage called for, and this is the first look after it. */
async function recordLastEffect(
  transaction: Transaction,
  { standing, outcome, now }: CarryingOut & { outcome: DunningOutcome },
): Promise<void> {
  const { file } = standing;
  if (file.anchor === null || (outcome !== 'canceled' && outcome !== 'written_off')) return;
  const effect = outcome === 'canceled' ? 'cancel' : 'write_off';
  // Other stages may have been left unfinished, by a variant that the policy had for the invoice before.
  const stage = file.steps
    .filter((step) => step.anchor === file.anchor && !step.isApplied)
    .map((step) => stageOfPolicy(standing, step.stage))
    .find((each) => each?.effect === effect);
  if (stage === undefined) return;
  await recordApplied(transaction, file, { anchor: file.anchor, stage, access: file.access, now });
}

/** @returns the id of the mail that tells of the end; null when there is nothing to tell, or nobody was told before */
async function tellOfEnd(
  transaction: Transaction,
  {
    standing,
    outcome,
    dependencies,
    hasAccess,
  }: CarryingOut & { outcome: DunningOutcome; hasAccess: boolean },
): Promise<string | null> {
  const { file } = standing;
  const invoice = file.anchor === null ? null : await invoiceStanding(transaction, file.anchor);
  const kind = closingNotice(standing, outcome);
  if (kind === null || invoice === null || file.anchor === null) return null;
  return queueClosingNotice(transaction, {
    standing,
    kind,
    invoice: {
      ...invoice,
      id: file.anchor,
      amountMinor: kind === 'receipt' ? invoice.amountPaidMinor : invoice.amountRemainingMinor,
    },
    since: file.openedAt,
    hasAccess,
    appUrl: dependencies.appUrl,
  });
}

/** Why Stripe ends a subscription over money; whoever asked for another end knows of it. */
const UNASKED_REASONS: ReadonlySet<string | null> = new Set(['payment_failed', 'payment_disputed']);

/** A receipt goes to whom a notice had gone to; an end that the customer did not ask for is told, unless a stage did. */
function closingNotice(standing: StandingCase, outcome: DunningOutcome): 'receipt' | 'canceled' | null {
  const { file, situation } = standing;
  const sent = file.steps.filter((step) => step.notice?.status === 'sent');
  if (outcome === 'recovered') return sent.length > 0 ? 'receipt' : null;
  if (outcome !== 'canceled') return null;
  if (sent.some((step) => stageOfPolicy(standing, step.stage)?.notice === 'canceled')) return null;
  // For Stripe our own cancellation is one that was asked for, and a policy may end without one.
  const isOurs =
    situation.isSubscriptionLive ||
    file.steps.some((step) => !step.isApplied && stageOfPolicy(standing, step.stage)?.effect === 'cancel');
  return isOurs || UNASKED_REASONS.has(file.subscription.cancellationReason) ? 'canceled' : null;
}

async function closedCase(
  transaction: Transaction,
  file: DunningFile,
  { outcome, now }: { outcome: DunningOutcome; now: Date },
): Promise<ClosedCase> {
  const invoice = file.anchor === null ? null : await invoiceStanding(transaction, file.anchor);
  return {
    outcome,
    stage: file.stage,
    declineCode: invoice?.lastDeclineCode ?? null,
    currency: invoice?.currency ?? null,
    recoveredMinor: outcome === 'recovered' ? (invoice?.amountPaidMinor ?? 0) : 0,
    openMs: now.getTime() - file.openedAt.getTime(),
  };
}

function openOf({ situation, file }: StandingCase): string[] {
  return situation.unpaid.map(({ id }) => id).filter((id) => !file.excludedInvoices.includes(id));
}

function stepOf(file: DunningFile, anchor: string | undefined, stage: string): FiledStep | undefined {
  return file.steps.find((step) => step.anchor === anchor && step.stage === stage);
}

/** A stage by its name, whichever of the policy's lists it stands in. */
function stageOfPolicy({ file }: StandingCase, name: string): DunningStage | undefined {
  const policy = readDunningPolicy(file.policy.source);
  return [policy, ...policy.variants].flatMap(({ stages }) => stages).find((stage) => stage.name === name);
}

function describe({ file, situation, anchor }: StandingCase, customer: string): DunnedCase {
  return {
    case_id: file.caseId,
    tenant: file.tenant,
    customer,
    policy_version: file.policy.version,
    state: file.state,
    stage: file.stage,
    access: file.access,
    invoice: anchor?.id ?? file.anchor,
    paused_until: file.pausedUntil?.toISOString() ?? null,
    calendar: plannedStages(situation).map(({ at, isEntered, ...planned }) => ({
      ...planned,
      at: at.toISOString(),
      is_entered: isEntered,
    })),
  };
}
