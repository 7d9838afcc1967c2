import { randomBytes } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { ActivityDependencies } from '../activities/dependencies.ts';
import { readDunningPolicyFile } from '../activities/dunning-policy-file.ts';
import { createMailer } from '../activities/mail.ts';
import { createMailRenderer } from '../activities/mail-templates.ts';
import { createTenancyClient } from '../client/tenancy-client.ts';
import { wakeBillingSync } from '../client/wake-billing-sync.ts';
import { wakeDunning } from '../client/wake-dunning.ts';
import type { Config } from '../config.ts';
import { connectDatabase, type DatabaseConnection } from '../db/connect.ts';
import { dunningFigures } from '../db/dunning-figures.ts';
import { inboxBacklog } from '../db/inbox-backlog.ts';
import { reconcileFigures } from '../db/reconcile.ts';
import { isLiveKey } from '../domain/stripe-key.ts';
import { createStripe } from '../stripe/client.ts';
import { createWorkerMetrics } from './metrics.ts';

export type WorkerDependencies = {
  activities: (client: Client) => ActivityDependencies;
  pool: DatabaseConnection['pool'];
  /** The worker's own metrics in Prometheus's text format. */
  metricsText: () => Promise<string>;
  close: () => Promise<void>;
};

/**
 * Builds what activities touch, once for the process; nothing is connected before it is used.
 *
 * @throws Error when a mail template is broken or the dunning policy can't be followed
 */
export function buildDependencies(config: Config<'worker'>, log: Logger): WorkerDependencies {
  const dunningPolicy = readDunningPolicyFile(config.DUNNING_POLICY_FILE);
  const mailRenderer = createMailRenderer({ overrides: config.MAIL_TEMPLATES_DIR });
  const { database, pool, close } = connectDatabase({
    url: config.DATABASE_URL,
    applicationName: 'tenantry worker',
    onError: (error) => log.warn({ err: error }, 'a database connection broke'),
  });
  const mailer = createMailer({ smtpUrl: config.SMTP_URL, from: config.MAIL_FROM });
  const metrics = createWorkerMetrics({
    readBacklog: () => inboxBacklog(database),
    readDunning: () => dunningFigures(database),
    readReconcile: () => reconcileFigures(database, config.MASTER_BILLING_TENANT_ID),
    nowMs: Date.now,
  });
  const stripe = createStripe({
    secretKey: config.STRIPE_SECRET_KEY,
    apiBase: config.STRIPE_API_BASE,
    onRequest: metrics.stripeRequest,
  });
  return {
    activities: (client) => ({
      database,
      stripe,
      mailer,
      mailRenderer,
      wakeBillingSync: (subject) =>
        wakeBillingSync(client.workflow, { subject, taskQueue: config.TASK_QUEUE }),
      wakeDunning: (stripeSubscriptionId) =>
        wakeDunning(client.workflow, { stripeSubscriptionId, taskQueue: config.TASK_QUEUE }),
      startCreateTenant: async (input) => {
        await createTenancyClient({ client, taskQueue: config.TASK_QUEUE }).createTenant(input);
      },
      dunningPolicy,
      licensePrices: config.STRIPE_PRO_PRICE_ID ? new Set(config.STRIPE_PRO_PRICE_ID) : 'any',
      billingTenant: config.MASTER_BILLING_TENANT_ID,
      livemode: isLiveKey(config.STRIPE_SECRET_KEY),
      appUrl: config.APP_URL,
      now: () => new Date(),
      randomBytes,
      metrics: metrics.activities,
      log,
    }),
    pool,
    metricsText: () => metrics.registry.metrics(),
    close: async () => {
      mailer.close();
      await close();
    },
  };
}
