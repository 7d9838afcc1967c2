import { createHmac } from 'node:crypto';
import { pino } from 'pino';
import type { InboxOutcome, InboxRow } from '../../db/inbox.ts';
import { prepareWebhookKeys } from '../../stripe/signature.ts';
import { buildApp, type GatewayDependencies } from '../../webhook-gateway/app.ts';
import { InboxWriter } from '../../webhook-gateway/inbox-writer.ts';
import { createGatewayMetrics } from '../../webhook-gateway/metrics.ts';

export const SNAPSHOT_SECRET = 'whsec_snapshot';
export const THIN_SECRET = 'whsec_thin';
export const API_KEY = 'store-key-0123456789';
export const NOW_S = 1_800_000_000;

/** A gateway whose surroundings are fakes: an inbox in memory, a waker that notes, no Temporal. */
export function fakeGateway(overrides: Partial<GatewayDependencies> = {}) {
  const rows = new Map<string, InboxRow>();
  const woken: string[] = [];
  const logLines: string[] = [];
  const insert = async (group: readonly InboxRow[]): Promise<InboxOutcome[]> =>
    group.map((row) => {
      if (rows.has(row.stripeEventId)) return 'duplicate';
      rows.set(row.stripeEventId, row);
      return 'stored';
    });
  const notExpected = () => Promise.reject(new Error('not expected'));
  const app = buildApp({
    webhookKeys: prepareWebhookKeys({ snapshot: [SNAPSHOT_SECRET], thin: [THIN_SECRET] }),
    livemode: false,
    checkoutApiKeys: ['another-key-0123456789', API_KEY],
    inbox: new InboxWriter({ insert, onGroup: () => undefined, onError: () => undefined }),
    waker: { notice: (subject) => woken.push(subject) },
    tenancy: {
      startCheckout: notExpected,
      describe: notExpected,
      progressOf: notExpected,
      resultOf: notExpected,
    },
    findCheckoutTenant: notExpected,
    pings: { postgres: async () => 1, temporal: async () => 1 },
    metrics: createGatewayMetrics(),
    log: pino({ level: 'trace' }, { write: (line: string) => void logLines.push(line) }),
    nowMs: () => NOW_S * 1000,
    ...overrides,
  });
  return { app, rows, woken, logLines };
}

export function signature(body: string | Buffer, secret = SNAPSHOT_SECRET, timestampS = NOW_S): string {
  const mac = createHmac('sha256', secret).update(`${timestampS}.`).update(body).digest('hex');
  return `t=${timestampS},v1=${mac}`;
}

export function subscriptionEvent(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: 'evt_1',
    object: 'event',
    type: 'customer.subscription.updated',
    api_version: '2026-01-28.clover',
    livemode: false,
    created: NOW_S,
    data: { object: { id: 'sub_1', object: 'subscription', customer: 'cus_1' } },
    ...overrides,
  };
}
