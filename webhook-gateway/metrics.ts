import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { REFUSAL_REASONS } from './refusal-reasons.ts';
import type { WakeOutcome } from './waker.ts';

/** What the gateway counts. Labels come from closed lists of ours, never from a request. */
export type GatewayMetrics = ReturnType<typeof createGatewayMetrics>;

const ACK_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const WAKE_OUTCOMES: readonly WakeOutcome[] = ['woken', 'retried', 'gave_up', 'dropped'];
const GROUP_BUCKETS_ROWS = [1, 2, 5, 10, 20, 50, 100, 200];

/** Makes a registry of its own, so that two gateways in one process don't share numbers. */
export function createGatewayMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const events = new Counter({
    name: 'tenantry_webhook_events_total',
    help: 'Events that were acknowledged, by outcome: stored or duplicate',
    labelNames: ['outcome'],
    registers,
  });
  const refused = new Counter({
    name: 'tenantry_webhook_refused_total',
    help: 'Requests at a webhook’s address that were not acknowledged, by reason',
    labelNames: ['reason'],
    registers,
  });
  const wakes = new Counter({
    name: 'tenantry_wakes_total',
    help: 'Wakes of billing syncs, by outcome: woken, retried, gave_up, dropped; the sweep finds the last two',
    labelNames: ['outcome'],
    registers,
  });
  const checkouts = new Counter({
    name: 'tenantry_checkouts_total',
    help: 'Checkouts, by outcome: started, joined, conflict',
    labelNames: ['outcome'],
    registers,
  });
  // From zero on: a counter that appears with its first event shows no increase.
  for (const outcome of ['stored', 'duplicate']) events.inc({ outcome }, 0);
  for (const reason of REFUSAL_REASONS) refused.inc({ reason }, 0);
  for (const outcome of ['started', 'joined', 'conflict']) checkouts.inc({ outcome }, 0);
  for (const outcome of WAKE_OUTCOMES) wakes.inc({ outcome }, 0);
  return {
    registry,
    events,
    refused,
    wakes,
    ack: new Histogram({
      name: 'tenantry_webhook_ack_seconds',
      help: 'Time from a webhook request to its answer, by status code',
      labelNames: ['status'],
      buckets: ACK_BUCKETS_S,
      registers,
    }),
    groupRows: new Histogram({
      name: 'tenantry_inbox_group_rows',
      help: 'Rows that were inserted by one statement',
      buckets: GROUP_BUCKETS_ROWS,
      registers,
    }),
    checkouts,
    waiting: (queue: 'inbox' | 'waker', read: () => number) =>
      new Gauge({
        name: `tenantry_${queue}_waiting`,
        help: queue === 'inbox' ? 'Rows that wait for their commit' : 'Subjects that wait for their wake',
        registers,
        collect() {
          this.set(read());
        },
      }),
  };
}
