import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { createActivityMetrics } from '../activities/metrics.ts';
import type { DunningFigures } from '../db/dunning-figures.ts';
import type { InboxBacklog } from '../db/inbox-backlog.ts';
import type { ReconcileFigures } from '../db/reconcile.ts';
import { DRIFT_KINDS } from '../domain/billing-drift.ts';
import type { StripeRequest } from '../stripe/client.ts';

/** However often somebody looks, Postgres is asked this often. */
const READING_MAX_AGE_MS = 10_000;

/** Makes a registry of its own with what the worker counts, beside the Temporal SDK's own metrics. */
export function createWorkerMetrics(options: {
  readBacklog: () => Promise<InboxBacklog>;
  readDunning: () => Promise<DunningFigures>;
  readReconcile: () => Promise<ReconcileFigures>;
  nowMs: () => number;
}) {
  const { readBacklog, readDunning, readReconcile, nowMs } = options;
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const stripeRequests = new Counter({
    name: 'tenantry_stripe_requests_total',
    help: 'Requests to Stripe, by method and class of answer: 2xx, 4xx, 429, 5xx, or none',
    labelNames: ['method', 'answer'],
    registers,
  });
  // From zero on: a counter that appears with its first request shows no increase.
  for (const method of METHODS) {
    for (const answer of ANSWERS) stripeRequests.inc({ method, answer }, 0);
  }
  addBacklogGauges(registry, remembered(readBacklog, nowMs));
  addDunningGauges(registry, remembered(readDunning, nowMs));
  addReconcileGauges(registry, remembered(readReconcile, nowMs));
  return {
    registry,
    activities: createActivityMetrics(registry),
    stripeRequest({ method, status }: StripeRequest): void {
      stripeRequests.inc({ method, answer: answerClass(status) });
    },
  };
}

/** The methods of Stripe's API. */
const METHODS = ['GET', 'POST', 'DELETE'] as const;
const ANSWERS = ['2xx', '4xx', '429', '5xx', 'none'] as const;

/** 429 stands by itself: it says that the budget is too high. */
function answerClass(status: number | undefined): string {
  if (status === undefined) return 'none';
  return status === 429 ? '429' : `${Math.floor(status / 100)}xx`;
}

/** A gauge that can't be read is missing rather than old: that is what an alert looks for. */
function addBacklogGauges(registry: Registry, read: () => Promise<InboxBacklog | undefined>): void {
  const gauge = (name: string, help: string, value: (backlog: InboxBacklog) => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const backlog = await read();
        if (backlog === undefined) this.remove();
        else this.set(value(backlog));
      },
    });
  gauge('tenantry_inbox_backlog_rows', 'Events that wait for their sync, at most 100000', ({ rows }) => rows);
  gauge(
    'tenantry_inbox_oldest_seconds',
    'How long the oldest of them has waited',
    ({ oldestMs }) => oldestMs / 1000,
  );
  gauge(
    'tenantry_inbox_parked_rows',
    'Events that are parked, at most 100000',
    ({ parkedRows }) => parkedRows,
  );
  gauge(
    'tenantry_inbox_failed_rows',
    'Events whose sync failed for good and that wait for somebody, at most 100000',
    ({ failedRows }) => failedRows,
  );
}

/** Makes gauges of what is read together. */
function gaugesOf<Figures>(registry: Registry, read: () => Promise<Figures | undefined>) {
  return (
    name: string,
    help: string,
    labels: string[],
    show: (set: SetGauge, figures: Figures) => void,
  ): void => {
    new Gauge({
      name,
      help,
      labelNames: labels,
      registers: [registry],
      async collect() {
        const figures = await read();
        // A gauge without labels that is reset is 0, which is not what is known.
        if (labels.length === 0) this.remove();
        else this.reset();
        if (figures !== undefined) show((label, value) => this.set(label, value), figures);
      },
    });
  };
}

function addReconcileGauges(registry: Registry, read: () => Promise<ReconcileFigures | undefined>): void {
  const gauge = gaugesOf(registry, read);
  gauge(
    'tenantry_drift_open_rows',
    'Differences between Stripe and us that stand, by kind',
    ['kind'],
    (set, { openDrift }) => {
      for (const kind of DRIFT_KINDS) set({ kind }, openDrift.find((each) => each.kind === kind)?.rows ?? 0);
    },
  );
  gauge(
    'tenantry_reconcile_age_seconds',
    'Since when nothing was held against Stripe, by half: events, or billing, which is all the rest',
    ['half'],
    (set, { ages }) => {
      for (const { half, ageMs } of ages) set({ half }, ageMs / 1000);
    },
  );
}

function addDunningGauges(registry: Registry, read: () => Promise<DunningFigures | undefined>): void {
  const gauge = gaugesOf(registry, read);
  gauge('tenantry_dunning_open_cases', 'Dunning cases that are open, by state', ['state'], (set, figures) => {
    for (const { state, cases } of figures.openCases) set({ state }, cases);
  });
  gauge(
    'tenantry_dunning_at_risk_minor',
    'What is unpaid and followed, in minor units by currency',
    ['currency'],
    (set, figures) => {
      for (const { currency, minor } of figures.atRisk) set({ currency }, minor);
    },
  );
  gauge('tenantry_dunning_unreachable_cases', 'Open cases that wait for an address', [], (set, figures) => {
    set({}, figures.unreachable);
  });
  gauge(
    'tenantry_restricted_without_debt',
    'Tenants whose access is withheld though nothing of theirs is unpaid; must be 0',
    [],
    (set, figures) => set({}, figures.restrictedWithoutDebt),
  );
  gauge('tenantry_notices_waiting', 'Mails that were decided and not sent yet', [], (set, { mails }) => {
    set({}, mails.waiting);
  });
  gauge('tenantry_notices_oldest_seconds', 'How long the oldest of them has waited', [], (set, { mails }) =>
    set({}, mails.oldestMs / 1000),
  );
}

type SetGauge = (label: Record<string, string>, value: number) => void;

/** @returns what was read last if it is young enough; undefined when it can't be read */
function remembered<T>(read: () => Promise<T>, nowMs: () => number): () => Promise<T | undefined> {
  let latest: { atMs: number; reading: Promise<T | undefined> } | undefined;
  return () => {
    const atMs = nowMs();
    if (latest === undefined || atMs - latest.atMs > READING_MAX_AGE_MS) {
      latest = { atMs, reading: read().catch(() => undefined) };
    }
    return latest.reading;
  };
}
