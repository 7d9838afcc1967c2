import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createActivities, createStripeActivities } from '../../activities/create-activities.ts';
import type { ActivityDependencies } from '../../activities/dependencies.ts';
import { readDunningPolicyFile } from '../../activities/dunning-policy-file.ts';
import { createMailRenderer } from '../../activities/mail-templates.ts';
import { createActivityMetrics } from '../../activities/metrics.ts';
import type { CreateTenantInput } from '../../client/contract.ts';
import { MASTER_BILLING_TENANT_ID, type TestDatabase } from '../database.ts';

/** Failures are what many tests are about. */
const QUIET = new DefaultLogger('ERROR');

const mailRenderer = createMailRenderer();

type World = Pick<ActivityDependencies, 'database' | 'stripe'> & Partial<ActivityDependencies>;
type Activity<Argument, Result> = (argument: Argument) => Promise<Result>;

/** All activities on a test's own database and Stripe; what a test doesn't care about is made up. */
export function activityWorld(world: World) {
  const wakes: string[] = [];
  const dunningWakes: string[] = [];
  const created: CreateTenantInput[] = [];
  const logged: string[] = [];
  const registry = new Registry();
  const dependencies: ActivityDependencies = {
    mailer: {
      send: () => Promise.reject(new Error('no mail is expected')),
      close: () => undefined,
    },
    mailRenderer,
    wakeBillingSync: async (subject) => void wakes.push(subject),
    wakeDunning: async (subscription) => void dunningWakes.push(subscription),
    startCreateTenant: async (input) => void created.push(input),
    livemode: false,
    dunningPolicy: readDunningPolicyFile(),
    licensePrices: 'any',
    billingTenant: MASTER_BILLING_TENANT_ID,
    appUrl: 'https://app.example.com',
    now: () => new Date('2026-11-21T12:00:00Z'),
    randomBytes: (count) => Buffer.alloc(count, 7),
    log: pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) }),
    metrics: createActivityMetrics(registry),
    ...world,
  };
  return {
    ...createActivities(dependencies),
    ...createStripeActivities(dependencies),
    wakes,
    dunningWakes,
    /** Tenants whose creation was begun. */
    created,
    metricsText: () => registry.metrics(),
    /** Lines of the log. */
    logged,
    /** Runs an activity as Temporal does, as the given attempt. */
    run<Argument, Result>(
      activity: Activity<Argument, Result>,
      argument: Argument,
      attempt = 1,
    ): Promise<Result> {
      return new MockActivityEnvironment({ attempt }, { logger: QUIET }).run(activity, argument);
    },
  };
}

/** Every text in the database that a dump would show, for tests that look for secrets. */
export async function dump(pool: TestDatabase['pool'], tables: readonly string[]): Promise<string> {
  const texts: string[] = [];
  for (const table of tables) {
    const { rows } = await pool.query(`select row_to_json(t)::text as text from ${table} t`);
    texts.push(...rows.map((row) => String(row.text)));
  }
  return texts.join('\n');
}
