import type { ConnectionOptions } from '@temporalio/client';
import type { Logger } from 'pino';
import { createTenancyClient, isRefused } from '../client/tenancy-client.ts';
import { findCheckoutTenant } from '../db/checkouts.ts';
import { connectDatabase } from '../db/connect.ts';
import { databaseFailure } from '../db/errors.ts';
import { insertWebhookEvents } from '../db/inbox.ts';
import { isLiveKey } from '../domain/stripe-key.ts';
import { prepareWebhookKeys } from '../stripe/signature.ts';
import { buildApp } from './app.ts';
import type { App } from './dependencies.ts';
import { InboxWriter } from './inbox-writer.ts';
import { createGatewayMetrics } from './metrics.ts';
import { connectTemporal, ping } from './temporal.ts';
import { Waker } from './waker.ts';

/** Two for the inbox's groups, the others for the store's questions and the health check. */
const POOL_SIZE = 6;
/** Stripe waits ten seconds and more for an answer; a statement that takes longer helps nobody. */
const STATEMENT_TIMEOUT_MS = 8_000;

export type GatewaySettings = {
  databaseUrl: string;
  temporal: { connectionOptions: ConnectionOptions; namespace?: string };
  taskQueue: string;
  stripeSecretKey: string;
  webhookSecrets: { snapshot: readonly string[]; thin: readonly string[] };
  checkoutApiKeys: readonly string[];
};

export type Gateway = { app: App; close: () => Promise<void> };

/**
 * Puts the gateway together: connections (none is made before it is used, so it starts without Postgres and without
 * Temporal), inbox, waker, routes. It doesn't listen.
 *
 * @returns close(): finishes the requests that were accepted, then inbox, waker and connections, in this order
 */
export function createGateway(settings: GatewaySettings, log: Logger): Gateway {
  const database = connectDatabase({
    url: settings.databaseUrl,
    applicationName: 'tenantry gateway',
    poolSize: POOL_SIZE,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    onError: (error) => log.warn({ err: databaseFailure(error) }, 'a database connection broke'),
  });
  const metrics = createGatewayMetrics();
  const asking = connectTemporal({ ...settings.temporal, triesAgain: true });
  // A connection of its own: a burst of wakes must not stand in the way of a checkout. The waker tries again itself.
  const waking = connectTemporal({ ...settings.temporal, triesAgain: false });
  const { taskQueue } = settings;
  const { wakeBillingSync } = createTenancyClient({ client: waking.client, taskQueue });
  const inbox = new InboxWriter({
    insert: (rows) => insertWebhookEvents(database.pool, rows),
    onGroup: (rows) => metrics.groupRows.observe(rows),
    onError: (error) => log.error({ err: databaseFailure(error) }, 'events were not stored'),
  });
  const waker = new Waker({
    wake: wakeBillingSync,
    isWriterBusy: () => inbox.isBusy(),
    isRefusal: isRefused,
    onOutcome: (outcome) => metrics.wakes.inc({ outcome }),
    onError: (err) => log.warn({ err }, 'a billing sync was not woken; the sweep will find its events'),
  });
  metrics.waiting('inbox', () => inbox.waiting);
  metrics.waiting('waker', () => waker.waiting);
  const app = buildApp({
    webhookKeys: prepareWebhookKeys(settings.webhookSecrets),
    livemode: isLiveKey(settings.stripeSecretKey),
    checkoutApiKeys: settings.checkoutApiKeys,
    inbox,
    waker,
    tenancy: createTenancyClient({ client: asking.client, taskQueue }),
    findCheckoutTenant: (workflowId) => findCheckoutTenant(database.database, workflowId),
    pings: { postgres: () => database.pool.query('select 1'), temporal: () => ping(waking) },
    metrics,
    log,
    nowMs: Date.now,
  });
  const close = async () => {
    await app.close();
    await inbox.close();
    await waker.close();
    await Promise.all([database.close(), asking.connection.close(), waking.connection.close()]);
  };
  return { app, close };
}
