import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createActivities, createStripeActivities } from '../../activities/create-activities.ts';
import type { ActivityDependencies } from '../../activities/dependencies.ts';
import { type DunningPolicyFile, readDunningPolicyFile } from '../../activities/dunning-policy-file.ts';
import { createMailRenderer } from '../../activities/mail-templates.ts';
import { createActivityMetrics } from '../../activities/metrics.ts';
import { MASTER_BILLING_TENANT_ID } from '../database.ts';

const QUIET = new DefaultLogger('ERROR');
const BUILT_IN = readDunningPolicyFile();

/** What changes from test to test. */
export class Settings {
  /** What new cases begin with. */
  policy: DunningPolicyFile = BUILT_IN;
  /** The time of activities that are given none by a workflow. */
  syncedAt = new Date(0);

  reset(): void {
    this.policy = BUILT_IN;
  }
}

/** The product's own activities, on what a test file has of its own. */
export function dunningActivities(
  world: Pick<ActivityDependencies, 'database' | 'stripe' | 'mailer' | 'wakeDunning'> & {
    settings: Settings;
  },
) {
  const { settings, ...own } = world;
  const dependencies: ActivityDependencies = {
    ...own,
    mailRenderer: createMailRenderer(),
    wakeBillingSync: async () => undefined,
    startCreateTenant: async () => undefined,
    livemode: false,
    get dunningPolicy() {
      return settings.policy;
    },
    licensePrices: 'any',
    billingTenant: MASTER_BILLING_TENANT_ID,
    appUrl: 'https://app.example.com',
    now: () => settings.syncedAt,
    randomBytes: (count) => Buffer.alloc(count, 7),
    log: pino({ level: 'silent' }),
    metrics: createActivityMetrics(new Registry()),
  };
  return { main: createActivities(dependencies), onStripe: createStripeActivities(dependencies) };
}

/** Runs an activity as the workers do, but now and here. */
export function call<Input, Result>(
  activity: (input: Input) => Promise<Result>,
  input: Input,
): Promise<Result> {
  return new MockActivityEnvironment({}, { logger: QUIET }).run(activity, input);
}
