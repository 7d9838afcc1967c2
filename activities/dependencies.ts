import type { Logger } from 'pino';
import type { CreateTenantInput } from '../client/contract.ts';
import type { Database } from '../db/connect.ts';
import type { LicensePrices } from '../domain/license-count.ts';
import type { Stripe } from '../stripe/client.ts';
import type { DunningPolicyFile } from './dunning-policy-file.ts';
import type { Mailer } from './mail.ts';
import type { MailRenderer } from './mail-templates.ts';
import type { ActivityMetrics } from './metrics.ts';

/** All that activities touch, chosen once by the process that runs them. */
export type ActivityDependencies = {
  database: Database;
  stripe: Stripe;
  mailer: Mailer;
  mailRenderer: MailRenderer;
  /** Starts or wakes the billing sync of a subject. */
  wakeBillingSync: (subject: string) => Promise<void>;
  /** Starts or wakes the dunning of a subscription. */
  wakeDunning: (subscription: string) => Promise<void>;
  /** Starts the creation of a tenant, or joins the run that began it. */
  startCreateTenant: (input: CreateTenantInput) => Promise<void>;
  /** What new cases begin with. */
  dunningPolicy: DunningPolicyFile;
  licensePrices: LicensePrices;
  /** The tenant that owns products and prices, `MASTER_BILLING_TENANT_ID`. */
  billingTenant: string;
  /** The mode of the Stripe key. */
  livemode: boolean;
  /** The product's public URL, as it is written to Stripe. */
  appUrl: string;
  now: () => Date;
  randomBytes: (count: number) => Buffer;
  metrics: ActivityMetrics;
  log: Logger;
};
