import { and, eq, inArray } from 'drizzle-orm';
import type { CaseAccess, DunningOutcome, DunningStep, StepNotice } from '../domain/dunning.ts';
import type { DunningStage, DunningState } from '../domain/dunning-policy.ts';
import type { SubscriptionStatus } from '../domain/subscription.ts';
import type { Database, Transaction } from './connect.ts';
import { attentionAfter, type FoundCase } from './dunning-cases.ts';
import { recordDunningEvent } from './dunning-events.ts';
import { caseIsOfSubscription, subscriptionIsOfCustomer } from './joins.ts';
import {
  dunningCases as cases,
  dunningPolicies,
  dunningSteps,
  notifications,
  stripeCustomers,
  stripeSubscriptions as subscriptions,
} from './schema.ts';

type CaseId = Pick<FoundCase, 'tenant' | 'caseId'>;

/** A stage that was entered, with the mail that it queued. */
export type FiledStep = DunningStep & { notificationId: string | null };

/** All that is on record of a case. */
export type DunningFile = CaseId & {
  subscription: {
    id: string;
    externalId: string;
    status: SubscriptionStatus;
    cancellationReason: string | null;
  };
  customerEmail: string | null;
  policy: { version: string; source: unknown; digest: string };
  state: DunningState;
  stage: string | null;
  access: CaseAccess;
  anchor: string | null;
  pausedUntil: Date | null;
  extendedDays: number;
  skippedStages: string[];
  excludedInvoices: string[];
  isWriteOffRequested: boolean;
  isUnreachable: boolean;
  outcome: DunningOutcome | null;
  openedAt: Date;
  steps: FiledStep[];
};

/** Reads a case with its steps and locks it until the transaction ends; after the tenant's row, never before. */
export async function lockDunningFile(transaction: Transaction, id: CaseId): Promise<DunningFile> {
  const rows = await caseRows(transaction, id).for('no key update', { of: cases });
  return fileOf(id, rows, await stepsOf(transaction, id));
}

/** The same for a reader who decides nothing. */
export async function readDunningFile(database: Database, id: CaseId): Promise<DunningFile> {
  return fileOf(id, await caseRows(database, id), await stepsOf(database, id));
}

function caseRows(executor: Transaction | Database, id: CaseId) {
  return executor
    .select({
      dunned: cases,
      subscription: {
        id: subscriptions.stripeSubscriptionId,
        externalId: subscriptions.stripeSubscriptionExternalId,
        status: subscriptions.status,
        cancellationReason: subscriptions.cancellationReason,
      },
      customerEmail: stripeCustomers.email,
      policy: {
        version: dunningPolicies.version,
        source: dunningPolicies.source,
        digest: dunningPolicies.digest,
      },
    })
    .from(cases)
    .innerJoin(subscriptions, caseIsOfSubscription)
    .innerJoin(stripeCustomers, subscriptionIsOfCustomer)
    .innerJoin(dunningPolicies, eq(dunningPolicies.dunningPolicyId, cases.dunningPolicyId))
    .where(ofCase(id));
}

function fileOf(id: CaseId, rows: Awaited<ReturnType<typeof caseRows>>, steps: FiledStep[]): DunningFile {
  const [row] = rows;
  if (row === undefined) throw new Error('a dunning case that was found is gone');
  const { dunned, ...others } = row;
  return {
    ...id,
    ...others,
    state: dunned.state,
    stage: dunned.stage,
    access: dunned.access,
    anchor: dunned.anchorInvoice,
    pausedUntil: dunned.pausedUntil,
    extendedDays: dunned.extendedDays,
    skippedStages: dunned.skippedStages,
    excludedInvoices: dunned.excludedInvoices,
    isWriteOffRequested: dunned.writeOffRequestedAt !== null,
    isUnreachable: dunned.isUnreachable,
    outcome: dunned.outcome,
    openedAt: dunned.openedAt,
    steps,
  };
}

async function stepsOf(
  transaction: Transaction | Database,
  { tenant, caseId }: CaseId,
): Promise<FiledStep[]> {
  const rows = await transaction
    .select({
      anchor: dunningSteps.anchorInvoice,
      stage: dunningSteps.stage,
      isApplied: dunningSteps.isApplied,
      notificationId: dunningSteps.notificationId,
      status: notifications.status,
      sentAt: notifications.sentAt,
      retryAt: notifications.nextAttemptAt,
    })
    .from(dunningSteps)
    .leftJoin(
      notifications,
      and(
        eq(notifications.tenant, dunningSteps.tenant),
        eq(notifications.notificationId, dunningSteps.notificationId),
      ),
    )
    .where(and(eq(dunningSteps.tenant, tenant), eq(dunningSteps.dunningCaseId, caseId)))
    .orderBy(dunningSteps.enteredAt, dunningSteps.stage);
  return rows.map(({ status, sentAt, retryAt, ...step }) => ({
    ...step,
    notice: status === null ? null : noticeOf(status, sentAt, retryAt),
  }));
}

function noticeOf(
  status: 'queued' | 'sent' | 'failed' | 'suppressed',
  sentAt: Date | null,
  retryAt: Date | null,
): StepNotice {
  if (status === 'queued') return { status, retryAt };
  if (status !== 'sent') return { status };
  if (sentAt === null) throw new Error('a notice that was sent has no time');
  return { status, sentAt };
}

/** The case follows another invoice from now on. */
export async function recordFollowed(
  transaction: Transaction,
  id: CaseId,
  followed: { invoice: string; state: DunningState; access: CaseAccess; now: Date },
): Promise<void> {
  const { invoice, state, access, now } = followed;
  await transaction
    .update(cases)
    .set({ anchorInvoice: invoice, state, access, stage: null })
    .where(ofCase(id));
  await recordDunningEvent(transaction, { ...id, kind: 'followed', invoice, state, access, now });
}

/** A stage was entered; the notices of the stages `inPlaceOf`, which were not sent, give way to this one's. */
export async function recordEntered(
  transaction: Transaction,
  id: CaseId,
  entered: {
    anchor: string;
    stage: DunningStage;
    inPlaceOf: readonly string[];
    state: DunningState | null;
    access: CaseAccess;
    isApplied: boolean;
    notificationId: string | null;
    now: Date;
  },
): Promise<void> {
  const { anchor, stage, inPlaceOf, state, access, isApplied, notificationId, now } = entered;
  if (inPlaceOf.length > 0) await suppressUnsent(transaction, id, { anchor, stages: inPlaceOf });
  await transaction
    .insert(dunningSteps)
    .values({
      tenant: id.tenant,
      dunningCaseId: id.caseId,
      anchorInvoice: anchor,
      stage: stage.name,
      notificationId,
      isApplied,
      enteredAt: now,
    })
    .onConflictDoNothing();
  await transaction
    .update(cases)
    .set({ stage: stage.name, access, ...(state !== null && { state }) })
    .where(ofCase(id));
  await recordDunningEvent(transaction, {
    ...id,
    kind: 'stage_entered',
    stage: stage.name,
    invoice: anchor,
    access,
    now,
    ...(state !== null && { state }),
    detail: { ...(stage.notice && { notice: stage.notice }), ...(stage.effect && { effect: stage.effect }) },
  });
}

/** A stage's effect was applied. */
export async function recordApplied(
  transaction: Transaction,
  id: CaseId,
  applied: { anchor: string; stage: DunningStage; access: CaseAccess; now: Date },
): Promise<void> {
  const { anchor, stage, access, now } = applied;
  await transaction
    .update(dunningSteps)
    .set({ isApplied: true })
    .where(
      and(
        eq(dunningSteps.tenant, id.tenant),
        eq(dunningSteps.dunningCaseId, id.caseId),
        eq(dunningSteps.anchorInvoice, anchor),
        eq(dunningSteps.stage, stage.name),
      ),
    );
  await transaction.update(cases).set({ state: stage.state, access }).where(ofCase(id));
  await recordDunningEvent(transaction, {
    ...id,
    kind: 'effect_applied',
    stage: stage.name,
    state: stage.state,
    invoice: anchor,
    access,
    now,
    detail: { effect: stage.effect },
  });
}

/** The case is over. What it would still have told is told no more. */
export async function recordClosed(
  transaction: Transaction,
  id: CaseId,
  closed: {
    outcome: DunningOutcome;
    state: DunningState;
    access: CaseAccess;
    leftInvoices: readonly string[];
    now: Date;
  },
): Promise<void> {
  const { outcome, state, access, leftInvoices, now } = closed;
  await suppressUnsent(transaction, id);
  await transaction
    .update(cases)
    .set({ outcome, state, access, leftInvoices: [...leftInvoices], closedAt: now, isUnreachable: false })
    .where(ofCase(id));
  await recordDunningEvent(transaction, { ...id, kind: 'closed', state, access, now, detail: { outcome } });
}

/** The case waits; the sweep looks after it should its workflow not do so. */
export async function recordWaiting(
  transaction: Transaction,
  id: CaseId,
  waiting: { until: Date | null; isUnreachable: boolean; facts: string },
): Promise<void> {
  const { until, isUnreachable, facts } = waiting;
  await transaction
    .update(cases)
    .set({ attentionDueAt: attentionAfter(until), isUnreachable, facts })
    .where(ofCase(id));
}

/** @param of an invoice's stages; without it, all of the case */
async function suppressUnsent(
  transaction: Transaction,
  { tenant, caseId }: CaseId,
  of?: { anchor: string; stages: readonly string[] },
): Promise<void> {
  const ofSteps = transaction
    .select({ id: dunningSteps.notificationId })
    .from(dunningSteps)
    .where(
      and(
        eq(dunningSteps.tenant, tenant),
        eq(dunningSteps.dunningCaseId, caseId),
        of && eq(dunningSteps.anchorInvoice, of.anchor),
        of && inArray(dunningSteps.stage, [...of.stages]),
      ),
    );
  await transaction
    .update(notifications)
    .set({ status: 'suppressed', nextAttemptAt: null })
    .where(
      and(
        eq(notifications.tenant, tenant),
        inArray(notifications.notificationId, ofSteps),
        inArray(notifications.status, ['queued', 'failed']),
      ),
    );
}

/** What an operator's command changes of a case. */
export type CaseChange = Partial<{
  pausedUntil: Date | null;
  extendedDays: number;
  skippedStages: string[];
  excludedInvoices: string[];
  writeOffRequestedAt: Date;
  isUnreachable: boolean;
}>;

export async function changeCase(transaction: Transaction, id: CaseId, change: CaseChange): Promise<void> {
  if (Object.keys(change).length > 0) await transaction.update(cases).set(change).where(ofCase(id));
}

/** Has the notices of an invoice that reached nobody sent once more, to this address. */
export async function requeueFailed(
  transaction: Transaction,
  { tenant }: CaseId,
  notices: { ids: readonly string[]; recipient: string },
): Promise<void> {
  if (notices.ids.length === 0) return;
  await transaction
    .update(notifications)
    .set({
      status: 'queued',
      recipient: notices.recipient,
      attempts: 0,
      lastError: null,
      nextAttemptAt: null,
    })
    .where(
      and(
        eq(notifications.tenant, tenant),
        inArray(notifications.notificationId, [...notices.ids]),
        eq(notifications.status, 'failed'),
      ),
    );
}

function ofCase({ tenant, caseId }: CaseId) {
  return and(eq(cases.tenant, tenant), eq(cases.dunningCaseId, caseId));
}

/** The step that queued a notice; null for one that no stage sent. */
export async function noticedStep(
  database: Database,
  notification: { tenant: string; notificationId: string },
): Promise<{ caseId: string; anchor: string; stage: string } | null> {
  const [row] = await database
    .select({
      caseId: dunningSteps.dunningCaseId,
      anchor: dunningSteps.anchorInvoice,
      stage: dunningSteps.stage,
    })
    .from(dunningSteps)
    .where(
      and(
        eq(dunningSteps.tenant, notification.tenant),
        eq(dunningSteps.notificationId, notification.notificationId),
      ),
    );
  return row ?? null;
}
