import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { Server } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { SMTPServer } from 'smtp-server';
import type Stripe from 'stripe';
import { afterAll, afterEach, describe, expect, inject, onTestFinished, test } from 'vitest';
import { diagnose } from '../../cli/doctor/diagnose.ts';
import { CHECK_NAMES, type CheckName, type Finding } from '../../cli/doctor/finding.ts';
import type { Report } from '../../cli/doctor/report.ts';
import { scheduleId } from '../../client/contract.ts';
import { ALL_STRIPE_EVENT_TYPES } from '../../domain/stripe-event-types.ts';
import { createDatabaseFromTemplate, dropDatabase } from '../../sandbox/postgres/template.ts';
import { withClient } from '../../sandbox/postgres/with-client.ts';
import { freePort } from '../../sandbox/processes/free-port.ts';
import { waitUntil } from '../../sandbox/processes/wait-until.ts';
import { startStack } from '../../sandbox/stack.ts';
import { ensureSchedules } from '../../worker/setup-temporal.ts';
import { MASTER_BILLING_TENANT_ID } from '../database.ts';
import { silentServer } from '../silent-server.ts';
import { runCli } from './run-cli.ts';

/** Whatever is away: a check's own deadline, and the start of a process on a busy machine. */
const END_LIMIT_MS = 30_000;
const WAIT_MS = 40_000;

const stack = await startStack({ durable: false, log: () => undefined });
const { stripe, env } = stack;
const connection = await Connection.connect({ address: stack.temporal.address });
const temporal = new Client({ connection, namespace: stack.temporal.namespace });
const queue = 'alga-psa-workflows';
const closedPort = await freePort();
const webhookUrl = `${stack.gatewayUrl}/webhooks/stripe`;

afterAll(async () => {
  await connection.close();
  await stack.close();
});

type Diagnosis = {
  report: Report;
  /** Checks that are not ok, each with its worst status. */
  troubles: Partial<Record<CheckName, Finding['status']>>;
  /** The details and fixes of a check's findings. */
  says: (check: CheckName) => string;
};

/** Runs the command as a process, with these variables beside or in place of those of the stack. */
async function doctor(more: Record<string, string | undefined> = {}): Promise<Diagnosis> {
  const startedMs = Date.now();
  const run = await runCli(['doctor', '--json'], variables(more));
  expect(run.stderr).toBe('');
  expect(Date.now() - startedMs).toBeLessThan(END_LIMIT_MS);
  const report = run.json() as Report;
  expect(run.code).toBe(report.ok ? 0 : 3);
  return diagnosisOf(report);
}

/** Those of the stack with changes; undefined takes one away. */
function variables(more: Record<string, string | undefined>): Record<string, string> {
  const all = Object.entries({ ...env, ...more });
  return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** The same without a process, for further variants of a trouble. */
async function variant(more: Record<string, string | undefined> = {}): Promise<Diagnosis> {
  return diagnosisOf(await diagnose(variables(more)));
}

function diagnosisOf(report: Report): Diagnosis {
  const troubles: Diagnosis['troubles'] = {};
  for (const { check, status } of report.findings) {
    if (status !== 'ok' && troubles[check] !== 'red') troubles[check] = status;
  }
  const says = (check: CheckName) =>
    report.findings
      .filter((finding) => finding.check === check)
      .map(({ detail, fix }) => `${detail} ${fix ?? ''}`)
      .join('\n');
  return { report, troubles, says };
}

const notLookedAt = (...checks: CheckName[]) =>
  Object.fromEntries(checks.map((check) => [check, 'warning' as const]));
const OF_POSTGRES = notLookedAt(
  'migrations',
  'master_tenant',
  'clock_postgres',
  'events_waiting',
  'events_failed',
  'events_parked',
  'billing_drift',
  'notifications_failed',
);
const OF_TEMPORAL = notLookedAt('search_attributes', 'schedules', 'pollers');
const OF_ENDPOINT = notLookedAt('webhook_event_types', 'webhook_api_version');
const OF_STRIPE = { ...notLookedAt('license_prices', 'webhook_endpoint', 'clock_stripe'), ...OF_ENDPOINT };
const OF_GATEWAY = notLookedAt('gateway_health', 'webhook_secret');

describe('a healthy installation', () => {
  test('every check is there and ok, in order, with nothing to mend, and the exit code is 0', async () => {
    const { report, troubles } = await doctor();
    expect(troubles).toEqual({});
    expect(report.ok).toBe(true);
    expect([...new Set(report.findings.map(({ check }) => check))]).toEqual(CHECK_NAMES);
    expect(new Set(report.findings.map(({ fix }) => fix))).toEqual(new Set([null]));
  });

  test('people see a line for each finding, and the sum', async () => {
    const { code, stdout, stderr } = await runCli(['doctor'], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const check of CHECK_NAMES) expect(stdout).toMatch(new RegExp(`^ok +${check} +\\S`, 'm'));
    expect(stdout).toMatch(/^0 red, 0 warning, \d+ ok$/m);
  });

  test('the pings leave no row behind', async () => {
    await variant();
    const { rows } = await withClient(stack.postgres.url, (client) =>
      client.query("select count(*)::int as rows from stripe_webhook_events where source = 'webhook'"),
    );
    expect(rows).toEqual([{ rows: 0 }]);
  });
});

test.each([['now'], ['--frobnicate']])(
  '%s is wrong usage: exit code 2, the usage on standard error',
  async (word) => {
    const { code, stdout, stderr } = await runCli(['doctor', word], env);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: tenantry doctor');
  },
);

test('people see what mends a red finding below it, and the exit code is 3', async () => {
  const { code, stdout } = await runCli(['doctor'], variables({ APP_URL: undefined }));
  expect(code).toBe(3);
  expect(stdout).toMatch(/^red +environment +APP_URL is missing\.\n +→ Set APP_URL as/m);
  expect(stdout).toMatch(/^1 red, 0 warning, \d+ ok$/m);
});

describe('the environment', () => {
  test('a missing and a malformed variable are named, and everything else is looked at', async () => {
    const { troubles, says } = await doctor({ APP_URL: undefined, METRICS_PORT: 'hunter2' });
    expect(troubles).toEqual({ environment: 'red' });
    expect(says('environment')).toContain('APP_URL is missing.');
    expect(says('environment')).toMatch(/METRICS_PORT .*\n?/);
    expect(says('environment')).not.toContain('hunter2');
  });

  test('what builds upon a missing variable is not looked at, the rest is', async () => {
    const { troubles, says } = await variant({ DATABASE_URL: undefined });
    expect(troubles).toEqual({ environment: 'red', postgres: 'warning', ...OF_POSTGRES });
    expect(says('postgres')).toContain('Not looked at: DATABASE_URL is not usable.');
  });

  test('nothing at all: one red finding for each variable that is needed, and no crash', async () => {
    const nothing = Object.fromEntries(Object.keys(env).map((name) => [name, undefined]));
    const { report } = await variant({
      ...nothing,
      TEMPORAL_ADDRESS: `127.0.0.1:${closedPort}`,
      PORT: String(closedPort),
    });
    const faults = report.findings.filter(({ check }) => check === 'environment');
    expect(faults.map(({ detail }) => detail).sort()).toEqual(
      [
        'APP_URL',
        'CHECKOUT_API_KEYS',
        'DATABASE_URL',
        'MAIL_FROM',
        'MASTER_BILLING_TENANT_ID',
        'SMTP_URL',
        'STRIPE_SECRET_KEY',
        'STRIPE_WEBHOOK_SECRET',
      ].map((name) => `${name} is missing.`),
    );
  });

  test('I9 no secret is printed, neither where all is well nor where nothing is', async () => {
    const secrets = {
      DATABASE_URL: `postgres://user:hunter2-database@127.0.0.1:${closedPort}/x`,
      SMTP_URL: `smtp://user:hunter2-mail@127.0.0.1:${closedPort}`,
      STRIPE_SECRET_KEY: 'sk_live_hunter2',
      STRIPE_WEBHOOK_SECRET: 'whsec_hunter2,whsec_hunter2b',
      CHECKOUT_API_KEYS: 'hunter2-hunter2-hunter2',
    };
    const broken = await runCli(['doctor'], { ...env, ...secrets });
    expect(broken.stdout + broken.stderr).not.toContain('hunter2');
    const healthy = await runCli(['doctor', '--json'], env);
    for (const secret of [env.STRIPE_WEBHOOK_SECRET, env.STRIPE_SECRET_KEY, env.CHECKOUT_API_KEYS]) {
      expect(healthy.stdout).not.toContain(secret);
    }
  });
});

describe('Postgres', () => {
  test('away: it is red, and what stands in it is not looked at', async () => {
    const { troubles } = await doctor({ DATABASE_URL: `postgres://u:p@127.0.0.1:${closedPort}/x` });
    expect(troubles).toEqual({ postgres: 'red', ...OF_POSTGRES });
  });

  test('silent: the same, within seconds', async () => {
    const { troubles } = await doctor({ DATABASE_URL: `postgres://u:p@127.0.0.1:${await silentServer()}/x` });
    expect(troubles).toEqual({ postgres: 'red', ...OF_POSTGRES });
  });

  test('never set up: the migrations are red, and tables that are missing are not looked at', async () => {
    const { url } = await emptyDatabase();
    const { troubles, says } = await variant({ DATABASE_URL: url });
    const { clock_postgres: _, ...others } = OF_POSTGRES;
    expect(troubles).toEqual({ ...others, migrations: 'red' });
    expect(says('migrations')).toContain('npm run setup');
  });

  test('a migration that is missing', async () => {
    const { url, query } = await migratedDatabase();
    await query(
      'delete from drizzle.__drizzle_migrations where created_at = (select max(created_at) from drizzle.__drizzle_migrations)',
    );
    const { troubles, says } = await doctor({ DATABASE_URL: url });
    expect(troubles).toEqual({ migrations: 'red' });
    expect(says('migrations')).toMatch(/Not applied: \d{4}_\w+\. npm run setup/);
  });

  test('a migration of a newer version is a warning, one with another text is red', async () => {
    const { url, query } = await migratedDatabase();
    await query(`insert into drizzle.__drizzle_migrations (hash, created_at) values ('x', 9999999999999)`);
    expect((await variant({ DATABASE_URL: url })).troubles).toEqual({ migrations: 'warning' });
    await query(`update drizzle.__drizzle_migrations set hash = 'y' where id = 1`);
    expect((await variant({ DATABASE_URL: url })).troubles).toEqual({ migrations: 'red' });
  });

  test('no row for the master tenant', async () => {
    const { troubles, says } = await variant({ MASTER_BILLING_TENANT_ID: randomUUID() });
    expect(troubles).toEqual({ master_tenant: 'red' });
    expect(says('master_tenant')).toContain('npm run setup');
  });
});

describe('what waits in Postgres', () => {
  const received = `insert into stripe_webhook_events
    (stripe_event_id, event_type, subject, payload, status, status_reason, created_at, next_attempt_at)
    values ('evt_1', 'customer.updated', 'cus_1', '{}', $1, $2, now() - $3::interval, now() - $4::interval)`;

  test.each([
    [
      'due for three minutes, and nobody takes it',
      ['received', null, '210 s', '180 s'],
      { events_waiting: 'red' },
    ],
    ['ten minutes old, taken and put off', ['received', null, '10 min', '-30 s'], { events_waiting: 'red' }],
    ['just received', ['received', null, '20 s', '-10 s'], {}],
    ['that failed', ['failed', 'StripePermissionDenied', '1 h', '1 h'], { events_failed: 'warning' }],
    ['parked of the other mode', ['parked', 'livemode_mismatch', '1 h', '1 h'], { events_parked: 'warning' }],
    ['parked until its tenant comes', ['parked', 'unknown_customer', '1 h', '1 h'], {}],
  ])('an event %s', async (name, values, troubles) => {
    const { url, query } = await migratedDatabase();
    await query(received, values);
    const isOneOfAKind = name === 'that failed' || name.startsWith('due');
    const diagnosis = await (isOneOfAKind ? doctor : variant)({ DATABASE_URL: url });
    expect(diagnosis.troubles).toEqual(troubles);
    const [status, reason] = values;
    if (status === 'failed')
      expect(diagnosis.says('events_failed')).toContain(`1 ${reason}. tenantry events list --status failed`);
    if (status === 'parked') expect(diagnosis.says('events_parked')).toContain(`1 ${reason}`);
  });

  test('open drift is red and names its kinds; repaired drift is history', async () => {
    const { url, query } = await migratedDatabase();
    await query(
      `insert into billing_drift (kind, subject, field, found_by, last_seen_by, repaired_at, repair) values
       ('subscription', 'sub_1', 'quantity', 'a run', 'a run', null, null),
       ('subscription', 'sub_2', 'quantity', 'a run', 'a run', null, null),
       ('customer', 'cus_1', 'existence', 'a run', 'a run', now(), 'billing_sync')`,
    );
    const { troubles, says } = await doctor({ DATABASE_URL: url });
    expect(troubles).toEqual({ billing_drift: 'red' });
    expect(says('billing_drift')).toContain('2 subscription. tenantry reconcile');
  });

  test('a mail that no address took is a warning; one of long ago is history', async () => {
    const { url, query } = await migratedDatabase();
    const insert = `insert into notifications (tenant, dedupe_key, kind, recipient, status, created_at)
      values ($1, $2, 'reminder', 'ada@example.com', 'failed', now() - $3::interval)`;
    await query(insert, [MASTER_BILLING_TENANT_ID, 'old', '1 year']);
    expect((await variant({ DATABASE_URL: url })).troubles).toEqual({});
    await query(insert, [MASTER_BILLING_TENANT_ID, 'new', '1 hour']);
    const { troubles, says } = await variant({ DATABASE_URL: url });
    expect(troubles).toEqual({ notifications_failed: 'warning' });
    expect(says('notifications_failed')).toContain('1 reminder');
    expect(says('notifications_failed')).not.toContain('ada@');
  });
});

describe('Temporal', () => {
  test('away: it is red, and what it holds is not looked at', async () => {
    const { troubles } = await doctor({ TEMPORAL_ADDRESS: `127.0.0.1:${closedPort}` });
    expect(troubles).toEqual({ temporal: 'red', ...OF_TEMPORAL });
  });

  test('silent: the same, within seconds', async () => {
    const { troubles } = await doctor({ TEMPORAL_ADDRESS: `127.0.0.1:${await silentServer()}` });
    expect(troubles).toEqual({ temporal: 'red', ...OF_TEMPORAL });
  });

  test('no such namespace: it says how to make it', async () => {
    const { troubles, says } = await variant({ TEMPORAL_NAMESPACE: 'nowhere' });
    expect(troubles).toEqual({ temporal: 'red', ...OF_TEMPORAL });
    expect(says('temporal')).toContain('temporal operator namespace create --namespace nowhere');
  });

  test('a namespace that was never set up: search attributes, schedules and pollers are red', async () => {
    const namespace = `bare-${randomUUID()}`;
    const retention = { seconds: 86_400 as never, nanos: 0 };
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: retention,
    });
    const isThere = async () => {
      await new Client({ connection, namespace }).workflow.count();
      return true;
    };
    await waitUntil({ what: 'the namespace is there', check: isThere, limitMs: WAIT_MS });
    const { troubles, says } = await variant({ TEMPORAL_NAMESPACE: namespace });
    expect(troubles).toEqual({ search_attributes: 'red', schedules: 'red', pollers: 'red' });
    expect(says('search_attributes')).toContain('TenantId');
  });

  test('a schedule that is paused', async () => {
    const id = scheduleId('sweepWebhookEvents', queue);
    const schedule = temporal.schedule.getHandle(id);
    await schedule.pause();
    onTestFinished(() => schedule.unpause());
    const { troubles, says } = await doctor();
    expect(troubles).toEqual({ schedules: 'red' });
    expect(says('schedules')).toContain(`temporal schedule toggle --unpause --schedule-id ${id}`);
  });

  test('a schedule that is missing, and one that nobody polls for', async () => {
    const missing = await variant({ TASK_QUEUE: 'quiet' });
    expect(missing.troubles).toEqual({ schedules: 'red', pollers: 'red' });
    expect(missing.says('schedules')).toContain('npm run setup');
    await ensureSchedules(temporal, 'quiet');
    const { troubles, report } = await doctor({ TASK_QUEUE: 'quiet' });
    expect(troubles).toEqual({ pollers: 'red' });
    expect(report.findings.filter(({ check }) => check === 'pollers').map(({ detail }) => detail)).toEqual([
      'Nobody polls for workflow tasks of quiet.',
      'Nobody polls for activity tasks of quiet.',
      'Nobody polls for activity tasks of quiet-stripe.',
    ]);
  });

  test('a worker without the role stripe: only the queue of Stripe has nobody', async () => {
    await ensureSchedules(temporal, 'half');
    const worker = await stack.startWorker({ TASK_QUEUE: 'half', WORKER_ROLES: 'workflows' });
    onTestFinished(async () => void (await worker.stop()));
    const { troubles, report } = await variant({ TASK_QUEUE: 'half' });
    expect(troubles).toEqual({ pollers: 'red' });
    const red = report.findings.filter(({ status }) => status === 'red');
    expect(red.map(({ detail }) => detail)).toEqual(['Nobody polls for activity tasks of half-stripe.']);
  });
});

describe('Stripe', () => {
  test('away: the key is red, and what Stripe holds is not looked at', async () => {
    const { troubles } = await doctor({ STRIPE_API_BASE: `http://127.0.0.1:${closedPort}` });
    expect(troubles).toEqual({ stripe_key: 'red', ...OF_STRIPE });
  });

  test('silent: the same, within seconds', async () => {
    const { troubles } = await doctor({ STRIPE_API_BASE: `http://127.0.0.1:${await silentServer()}` });
    expect(troubles).toEqual({ stripe_key: 'red', ...OF_STRIPE });
  });

  test('a key that it doesn’t take', async () => {
    const { troubles, says } = await variant({ STRIPE_SECRET_KEY: 'sk_live_1' });
    expect(troubles).toEqual({ stripe_key: 'red', ...OF_STRIPE });
    expect(says('stripe_key')).toContain('Stripe doesn’t take the key');
  });

  test('a key of another mode than price and endpoint', async () => {
    const inLiveMode = await stripeBehind(({ status, body }) => ({
      status,
      body: body.replaceAll('"livemode":false', '"livemode":true'),
    }));
    const { troubles } = await doctor({ STRIPE_API_BASE: inLiveMode });
    expect(troubles).toEqual({ stripe_key: 'red', license_prices: 'red', webhook_endpoint: 'red' });
  });

  test('a key that may not read endpoints is a warning', async () => {
    const restricted = await stripeBehind((answer) =>
      answer.path.startsWith('/v1/webhook_endpoints')
        ? { status: 403, body: '{"error":{"type":"invalid_request_error","message":"no"}}' }
        : answer,
    );
    const { troubles, says } = await variant({ STRIPE_API_BASE: restricted });
    expect(troubles).toEqual({ webhook_endpoint: 'warning', ...OF_ENDPOINT });
    expect(says('webhook_endpoint')).toContain('Webhook Endpoints: read');
  });

  test('prices: unknown, archived, paid once', async () => {
    const product = (await stripe.products.create({ name: 'Other' })).id;
    const price = { product, currency: 'usd', unit_amount: 100 };
    const once = await stripe.prices.create(price);
    const archived = await stripe.prices.create({ ...price, recurring: { interval: 'year' } });
    await stripe.prices.update(archived.id, { active: false });
    const statuses = async (ids: string[]) => {
      const { troubles, report } = await variant({ STRIPE_PRO_PRICE_ID: ids.join(',') });
      expect(Object.keys(troubles)).toEqual(['license_prices']);
      return report.findings.filter(({ check }) => check === 'license_prices').map(({ status }) => status);
    };
    expect(await statuses([stack.licensePriceId, archived.id])).toEqual(['ok', 'warning']);
    expect(await statuses(['price_unknown', once.id])).toEqual(['red', 'red']);
  });

  test.each([
    ['a minute ahead', 60_000, 'warning'],
    ['ten minutes behind', -600_000, 'red'],
  ])('its clock is %s', async (_name, offsetMs, status) => {
    onTestFinished(async () => void (await stack.simulator.control.setTimeOffset(0)));
    await stack.simulator.control.setTimeOffset(offsetMs);
    expect((await variant()).troubles).toEqual({ clock_stripe: status });
  });
});

describe('the webhook endpoint', async () => {
  const endpoint = await ourEndpoint();
  const original = { url: webhookUrl, enabled_events: eventTypes(ALL_STRIPE_EVENT_TYPES), disabled: false };
  afterEach(async () => {
    await stripe.webhookEndpoints.update(endpoint, original);
    for (const { id } of (await stripe.webhookEndpoints.list()).data) {
      if (id !== endpoint) await stripe.webhookEndpoints.del(id);
    }
  });

  test.each<[string, Stripe.WebhookEndpointUpdateParams, Diagnosis['troubles'], string]>([
    ['disabled', { disabled: true }, { webhook_endpoint: 'red' }, `${endpoint} is disabled`],
    [
      'without two of the events that are needed',
      { enabled_events: eventTypes(ALL_STRIPE_EVENT_TYPES.slice(2)) },
      { webhook_event_types: 'red' },
      `doesn’t send ${ALL_STRIPE_EVENT_TYPES.slice(0, 2).join(', ')}.`,
    ],
    [
      'with an event that is not needed',
      { enabled_events: eventTypes([...ALL_STRIPE_EVENT_TYPES, 'charge.refunded']) },
      { webhook_event_types: 'warning' },
      'charge.refunded',
    ],
    ['with all events', { enabled_events: ['*'] }, { webhook_event_types: 'warning' }, 'all events (*)'],
    [
      'at an address of somebody else',
      { url: 'https://example.com/webhooks/stripe' },
      { webhook_endpoint: 'red', ...OF_ENDPOINT },
      `has the address ${webhookUrl}.`,
    ],
    [
      'at another path of the same gateway',
      { url: `${stack.gatewayUrl}/api/webhooks/stripe` },
      { webhook_endpoint: 'red', ...OF_ENDPOINT },
      `Set WEBHOOK_URL to ${stack.gatewayUrl}/api/webhooks/stripe.`,
    ],
  ])('%s', async (name, change, troubles, sentence) => {
    await stripe.webhookEndpoints.update(endpoint, change);
    const isOneOfAKind = /^(disabled|without|at an address)/.test(name);
    const diagnosis = await (isOneOfAKind ? doctor : variant)();
    expect(diagnosis.troubles).toEqual(troubles);
    expect(diagnosis.report.findings.map(({ detail, fix }) => `${detail} ${fix}`).join('\n')).toContain(
      sentence,
    );
  });

  test('WEBHOOK_URL names the path that the endpoint has, and all is well', async () => {
    const url = `${stack.gatewayUrl}/api/webhooks/stripe`;
    await stripe.webhookEndpoints.update(endpoint, { url });
    expect((await variant({ WEBHOOK_URL: url })).troubles).toEqual({});
  });

  test('one with another API version beside ours: two warnings', async () => {
    await addEndpoint(webhookUrl, '2020-08-27');
    const { troubles, says } = await variant();
    expect(troubles).toEqual({ webhook_endpoint: 'warning', webhook_api_version: 'warning' });
    expect(says('webhook_api_version')).toContain('2020-08-27');
  });

  test('a stranger, or a redirect, at WEBHOOK_URL is told from our gateway', async () => {
    for (const [status, sentence] of [
      [200, 'is not the webhook route of our gateway (HTTP 200)'],
      [308, 'redirects to https://example.com/, and Stripe follows no redirects'],
    ] as const) {
      const url = await answeringServer(status);
      await addEndpoint(url);
      const { troubles, says } = await variant({ WEBHOOK_URL: url });
      expect(troubles).toEqual({ gateway: 'red', ...OF_GATEWAY });
      expect(says('gateway')).toContain(sentence);
    }
  });
});

describe('the gateway', () => {
  test('has another secret', async () => {
    const { troubles, says } = await doctor({ STRIPE_WEBHOOK_SECRET: 'whsec_other' });
    expect(troubles).toEqual({ webhook_secret: 'red' });
    expect(says('webhook_secret')).toContain('refuses what is signed with STRIPE_WEBHOOK_SECRET:');
  });

  test('has one of two secrets, and none for thin events: each is told apart', async () => {
    const { troubles, report } = await variant({
      STRIPE_WEBHOOK_SECRET: `${env.STRIPE_WEBHOOK_SECRET},whsec_other`,
      STRIPE_WEBHOOK_SECRET_THIN: 'whsec_thin',
    });
    expect(troubles).toEqual({ webhook_secret: 'red' });
    const secrets = report.findings.filter(({ check }) => check === 'webhook_secret');
    expect(
      secrets.map(({ status, detail }) => [status, /STRIPE_\w+(?: \(.*?\))?/.exec(detail)?.[0]]),
    ).toEqual([
      ['ok', 'STRIPE_WEBHOOK_SECRET (1 of 2)'],
      ['red', 'STRIPE_WEBHOOK_SECRET (2 of 2)'],
      ['red', 'STRIPE_WEBHOOK_SECRET_THIN'],
    ]);
  });

  test('has lost Temporal: a warning, because events are stored all the same', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/webhooks/stripe`;
    const gateway = await stack.startGateway({
      PORT: `${port}`,
      TEMPORAL_ADDRESS: `127.0.0.1:${closedPort}`,
    });
    const endpoint = await addEndpoint(url);
    onTestFinished(async () => {
      await gateway.stop();
      await stripe.webhookEndpoints.del(endpoint);
    });
    expect((await variant({ PORT: `${port}` })).troubles).toEqual({ gateway_health: 'warning' });
  });

  test('hangs, or is down', async () => {
    stack.gateway.kill('SIGSTOP');
    const hanging = await doctor().finally(() => stack.gateway.kill('SIGCONT'));
    expect(hanging.troubles).toEqual({ gateway: 'red', ...OF_GATEWAY });
    await stack.gateway.stop();
    onTestFinished(restartGateway);
    const { troubles, says } = await doctor();
    expect(troubles).toEqual({ gateway: 'red', ...OF_GATEWAY });
    expect(says('gateway')).toContain(`Nothing answers at ${webhookUrl}`);
  });
});

describe('the mail server', () => {
  test('away or silent', async () => {
    const away = await doctor({ SMTP_URL: `smtp://127.0.0.1:${closedPort}` });
    expect(away.troubles).toEqual({ mail_server: 'red' });
    const silent = await doctor({ SMTP_URL: `smtp://127.0.0.1:${await silentServer()}` });
    expect(silent.troubles).toEqual({ mail_server: 'red' });
  });

  test('refuses the login', async () => {
    const server = new SMTPServer({
      disabledCommands: ['STARTTLS'],
      allowInsecureAuth: true,
      onAuth: (_auth, _session, done) => done(new Error('no')),
    });
    server.on('error', () => undefined);
    const port = await listening(server.listen(0, '127.0.0.1'));
    onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
    const { troubles, says } = await variant({ SMTP_URL: `smtp://user:hunter2@127.0.0.1:${port}` });
    expect(troubles).toEqual({ mail_server: 'red' });
    expect(says('mail_server')).toContain('refuses the login (535)');
  });
});

test('Postgres is away for all: the gateway’s finding says so too', async () => {
  await stack.postgres.stop();
  onTestFinished(() => stack.postgres.start());
  const { troubles, says } = await doctor();
  expect(troubles).toEqual({ postgres: 'red', gateway_health: 'red', ...OF_POSTGRES });
  expect(says('gateway_health')).toContain('Postgres is away.');
});

/** Its first connections to Postgres and Temporal are made when they are needed; on a busy machine that takes its time. */
async function restartGateway(): Promise<void> {
  await stack.gateway.restart();
  await waitUntil({
    what: 'the gateway is ready',
    check: async () => (await fetch(`${stack.gatewayUrl}/health/ready`)).ok,
    limitMs: WAIT_MS,
  });
}

/** @returns the URL of its webhook route */
async function answeringServer(status: number): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(status, status === 308 ? { location: 'https://example.com/' } : {}).end('Hello');
  });
  const port = await listening(server.listen(0, '127.0.0.1'));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${port}/webhooks/stripe`;
}

type StripeAnswer = { status: number; body: string };

/** The simulator, whose answers are changed on their way. @returns its address */
async function stripeBehind(
  change: (answer: StripeAnswer & { path: string }) => StripeAnswer,
): Promise<string> {
  const server = createServer(async (request, response) => {
    const { url: path = '', headers } = request;
    const { authorization = '' } = headers;
    const answer = await fetch(`${stack.simulator.url}${path}`, { headers: { authorization } });
    const { status, body } = change({ path, status: answer.status, body: await answer.text() });
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });
  const port = await listening(server.listen(0, '127.0.0.1'));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${port}`;
}

async function listening(server: Server): Promise<number> {
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port');
  return address.port;
}

async function ourEndpoint(): Promise<string> {
  const { data } = await stripe.webhookEndpoints.list();
  return data[0]?.id ?? '';
}

async function addEndpoint(url: string, version?: string): Promise<string> {
  const { id } = await stripe.webhookEndpoints.create({
    url,
    enabled_events: eventTypes(ALL_STRIPE_EVENT_TYPES),
    ...(version && { api_version: version as Stripe.WebhookEndpointCreateParams.ApiVersion }),
  });
  return id;
}

function eventTypes(types: readonly string[]) {
  return [...types] as Stripe.WebhookEndpointCreateParams.EnabledEvent[];
}

/** A database of its own, in which no worker settles what a test puts there. */
async function migratedDatabase() {
  const server = inject('postgresUrl');
  const name = `doctor_${randomUUID().replaceAll('-', '')}`;
  const url = await createDatabaseFromTemplate({ url: server, name });
  return withQuery({ server, name, url });
}

/** A database that was never set up. */
async function emptyDatabase() {
  const server = inject('postgresUrl');
  const name = `doctor_${randomUUID().replaceAll('-', '')}`;
  const url = await createDatabaseFromTemplate({ url: server, name, template: 'template1' });
  return withQuery({ server, name, url });
}

function withQuery({ server, name, url }: { server: string; name: string; url: string }) {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  onTestFinished(async () => {
    await pool.end();
    await dropDatabase({ url: server, name });
  });
  return { url, query: (sql: string, values?: unknown[]) => pool.query(sql, values) };
}
