import { Counter, Histogram, type Registry } from 'prom-client';
import type { SweepResult } from '../client/contract.ts';

/** Stripe tells an event's time in whole seconds; a day is as long as an outage should ever last. */
const SETTLED_STATUSES = ['processed', 'ignored', 'parked', 'failed'] as const;
const LAG_BUCKETS_S = [1, 2, 5, 10, 30, 60, 120, 300, 900, 3_600, 21_600, 86_400];

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
  // From zero on: a counter that appears with its first event shows no increase.
  for (const status of SETTLED_STATUSES) settled.inc({ status }, 0);
  return {
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
    swept({ woken, failed_wakes }: Pick<SweepResult, 'woken' | 'failed_wakes'>): void {
      sweeps.inc();
      sweepWakes.inc({ outcome: 'woken' }, woken);
      sweepWakes.inc({ outcome: 'refused' }, failed_wakes);
    },
  };
}
