import { Counter, Histogram, type Registry } from 'prom-client';
import type { SweepResult } from '../client/contract.ts';
import { DRIFT_KINDS, type DriftKind } from '../domain/billing-drift.ts';
import { declineGroup } from '../domain/decline-codes.ts';
import { DUNNING_OUTCOMES, type DunningOutcome } from '../domain/dunning.ts';
import { FAILURES, UNEXPECTED } from '../domain/failures.ts';
import { NOTICE_KINDS, NOTIFICATION_STATUSES, type NotificationStatus } from '../domain/notification.ts';

/** Stripe tells an event's time in whole seconds; a day is as long as an outage should ever last. */
const SETTLED_STATUSES = ['processed', 'ignored', 'parked', 'failed'] as const;
const LAG_BUCKETS_S = [1, 2, 5, 10, 30, 60, 120, 300, 900, 3_600, 21_600, 86_400];

const DAY_S = 86_400;
const RECOVERY_BUCKETS_DAYS = [0.04, 0.5, 1, 2, 3, 5, 7, 10, 14, 21, 30, 45, 60, 90];

/** A case that is over, as the metrics tell it. */
export type ClosedCase = {
  outcome: DunningOutcome;
  /** The stage that it was in; null when it had entered none. */
  stage: string | null;
  declineCode: string | null;
  currency: string | null;
  recoveredMinor: number;
  openMs: number;
};

/** What activities count. Labels come from closed lists of ours: statuses and names of failures. */
export type ActivityMetrics = ReturnType<typeof createActivityMetrics>;

/** Adds the metrics of activities to the process's registry. */
export function createActivityMetrics(registry: Registry) {
  const registers = [registry];
  const settled = new Counter({
    name: 'tenantry_events_settled_total',
    help: 'Events that billing syncs brought to their end, by status: processed, ignored, parked or failed',
    labelNames: ['status'],
    registers,
  });
  const failedAttempts = new Counter({
    name: 'tenantry_event_attempts_failed_total',
    help: 'Attempts of events’ syncs that failed for good, by failure; most are tried again later',
    labelNames: ['reason'],
    registers,
  });
  const applyLag = new Histogram({
    name: 'tenantry_apply_lag_seconds',
    help: 'Time from an event’s creation in Stripe to the commit that brought the database in line with Stripe',
    buckets: LAG_BUCKETS_S,
    registers,
  });
  const sweeps = new Counter({ name: 'tenantry_sweeps_total', help: 'Sweeps that ended', registers });
  const sweepWakes = new Counter({
    name: 'tenantry_sweep_wakes_total',
    help: 'Subjects whose events nobody had been woken for, by outcome: woken, or refused by Temporal',
    labelNames: ['outcome'],
    registers,
  });
  const closedCases = new Counter({
    name: 'tenantry_dunning_closed_total',
    help: 'Dunning cases that ended, by outcome, the stage they were in, and what the customer could do about the decline',
    labelNames: ['outcome', 'stage', 'decline'],
    registers,
  });
  const recovered = new Counter({
    name: 'tenantry_dunning_recovered_minor_total',
    help: 'What was paid of the invoices that recovered cases followed last, in minor units by currency, decline code and stage',
    labelNames: ['currency', 'decline_code', 'stage'],
    registers,
  });
  const recoveryDays = new Histogram({
    name: 'tenantry_dunning_recovery_days',
    help: 'Days from the opening of a dunning case to its payment',
    buckets: RECOVERY_BUCKETS_DAYS,
    registers,
  });
  const notices = new Counter({
    name: 'tenantry_notices_total',
    help: 'Tries to send a notice (invitations are none), by kind and what became of it: sent, queued for another try, failed, or suppressed',
    labelNames: ['kind', 'status'],
    registers,
  });
  const foundDrift = new Counter({
    name: 'tenantry_drift_found_total',
    help: 'Differences between Stripe and us that reconcile found, by kind',
    labelNames: ['kind'],
    registers,
  });
  const repairedDrift = new Counter({
    name: 'tenantry_drift_repaired_total',
    help: 'Differences that reconcile brought in line, by kind',
    labelNames: ['kind'],
    registers,
  });
  const foundEvents = new Counter({
    name: 'tenantry_reconcile_events_found_total',
    help: 'Events that no delivery had brought five minutes after they were made, and that reconcile put into the inbox',
    registers,
  });
  const reconciles = new Counter({
    name: 'tenantry_reconciles_total',
    help: 'Reconciliations that ended',
    registers,
  });
  // From zero on: a counter that appears with its first event shows no increase.
  for (const reason of [...Object.keys(FAILURES), UNEXPECTED]) failedAttempts.inc({ reason }, 0);
  for (const outcome of ['woken', 'refused']) sweepWakes.inc({ outcome }, 0);
  for (const status of SETTLED_STATUSES) settled.inc({ status }, 0);
  for (const outcome of DUNNING_OUTCOMES) closedCases.inc({ outcome, stage: 'none', decline: 'none' }, 0);
  for (const kind of NOTICE_KINDS.filter((each) => each !== 'invitation')) {
    for (const status of NOTIFICATION_STATUSES) notices.inc({ kind, status }, 0);
  }
  for (const kind of DRIFT_KINDS) {
    foundDrift.inc({ kind }, 0);
    repairedDrift.inc({ kind }, 0);
  }
  return {
    /** After the commit. */
    driftFound(counts: Partial<Record<DriftKind, number>>): void {
      for (const [kind, count] of Object.entries(counts)) foundDrift.inc({ kind }, count);
    },
    /** After the commit. */
    driftRepaired(counts: Partial<Record<DriftKind, number>>): void {
      for (const [kind, count] of Object.entries(counts)) repairedDrift.inc({ kind }, count);
    },
    /** After the commit. @param count of those that no delivery can still be bringing */
    eventsFound(count: number): void {
      foundEvents.inc(count);
    },
    reconciled(): void {
      reconciles.inc();
    },
    /** After the commit. */
    eventsSettled(counts: Partial<Record<(typeof SETTLED_STATUSES)[number], number>>): void {
      for (const [status, count] of Object.entries(counts)) settled.inc({ status }, count);
    },
    /** After the commit. @param createdAt of each event; null where Stripe did not say */
    eventsApplied({ createdAt, now }: { createdAt: readonly (Date | null)[]; now: Date }): void {
      for (const instant of createdAt) {
        // The clocks of Stripe and of this machine may differ.
        if (instant) applyLag.observe(Math.max(0, now.getTime() - instant.getTime()) / 1000);
      }
    },
    attemptsFailed(reason: string, count: number): void {
      failedAttempts.inc({ reason }, count);
    },
    /** After the commit. Stages and codes come from the policy and from Stripe's own list. */
    dunningClosed(closed: ClosedCase): void {
      const stage = closed.stage ?? 'none';
      const decline = closed.declineCode === null ? 'none' : declineGroup(closed.declineCode);
      closedCases.inc({ outcome: closed.outcome, stage, decline });
      if (closed.outcome !== 'recovered') return;
      recoveryDays.observe(closed.openMs / 1000 / DAY_S);
      if (closed.currency === null) return;
      const labels = { currency: closed.currency, decline_code: closed.declineCode ?? 'none', stage };
      recovered.inc(labels, closed.recoveredMinor);
    },
    /** @param status what became of this try */
    noticeDelivered(kind: string, status: NotificationStatus): void {
      notices.inc({ kind, status });
    },
    swept({ woken, failed_wakes }: Pick<SweepResult, 'woken' | 'failed_wakes'>): void {
      sweeps.inc();
      sweepWakes.inc({ outcome: 'woken' }, woken);
      sweepWakes.inc({ outcome: 'refused' }, failed_wakes);
    },
  };
}
