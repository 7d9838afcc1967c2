import { describe, expect, test } from 'vitest';
import { clockFinding, skewMs } from '../../cli/doctor/clock.ts';
import { defaultWebhookUrl } from '../../cli/doctor/environment.ts';
import { failedFinding, latenessFinding, parkedFindings } from '../../cli/doctor/events.ts';
import { CHECK_NAMES, type CheckName, ok } from '../../cli/doctor/finding.ts';
import {
  type Answer,
  baseOf,
  healthFinding,
  secretFinding,
  strangerTrouble,
} from '../../cli/doctor/gateway.ts';
import { pollerFinding } from '../../cli/doctor/pollers.ts';
import { migrationFindings, versionFinding } from '../../cli/doctor/postgres.ts';
import { prerequisite } from '../../cli/doctor/prerequisite.ts';
import { reportOf } from '../../cli/doctor/report.ts';
import { type Check, NotLookedAt, runChecks, Trouble } from '../../cli/doctor/run-checks.ts';
import { type DescribedSchedule, scheduleFinding } from '../../cli/doctor/schedules.ts';
import { secretsIn, withoutSecrets } from '../../cli/doctor/secrets.ts';
import { keyFinding, priceFinding } from '../../cli/doctor/stripe.ts';
import { isKeptBack, searchAttributeFindings } from '../../cli/doctor/temporal.ts';
import { apiVersionFinding, endpointFindings, eventTypeFindings } from '../../cli/doctor/webhook-endpoint.ts';
import { examineConfig } from '../../config.ts';
import { ALL_STRIPE_EVENT_TYPES } from '../../domain/stripe-event-types.ts';
import { WEBHOOK_REFUSALS } from '../../domain/webhook-refusals.ts';
import { STRIPE_API_VERSION } from '../../stripe/account.ts';
import type { WebhookEndpoint } from '../../stripe/webhook-endpoints.ts';

const statuses = (findings: readonly { status: string }[]) => findings.map(({ status }) => status);

describe('running checks', () => {
  const every = (check: Check) =>
    Object.fromEntries(CHECK_NAMES.map((name) => [name, check])) as Record<CheckName, Check>;
  const fine: Check = async () => [ok('fine')];

  test('what one throws is its own red finding, and the others’ are theirs', async () => {
    const findings = await runChecks({
      ...every(fine),
      postgres: async () => {
        throw new Error('it broke', { cause: new Error('a wire') });
      },
      temporal: () => {
        throw new Trouble('It is off.', 'Switch it on.');
      },
    });
    expect(findings).toHaveLength(CHECK_NAMES.length);
    const others = findings.filter(({ status }) => status !== 'ok');
    expect(others).toMatchObject([
      { check: 'postgres', status: 'red', detail: 'it broke: a wire' },
      { check: 'temporal', status: 'red', detail: 'It is off.', fix: 'Switch it on.' },
    ]);
  });

  test('one that never ends is red at its deadline', async () => {
    const findings = await runChecks(
      { ...every(fine), mail_server: () => new Promise(() => undefined) },
      { deadlineMs: 20 },
    );
    const late = findings.filter(({ status }) => status !== 'ok');
    expect(late).toMatchObject([{ check: 'mail_server', status: 'red', detail: 'No answer within 0.02 s.' }]);
  });

  test('all run at the same time', async () => {
    let running = 0;
    const together: Check = async () => {
      running += 1;
      while (running < CHECK_NAMES.length) await new Promise((resolve) => setTimeout(resolve, 1));
      return [ok('fine')];
    };
    const findings = await runChecks(every(together), { deadlineMs: 30_000 });
    expect(reportOf(findings).ok).toBe(true);
  });

  test('what can’t be looked at is a warning, and no reason for a red report', async () => {
    const unknown: Check = async () => {
      throw new NotLookedAt('it is dark');
    };
    const findings = await runChecks({ ...every(fine), pollers: unknown });
    const dark = { check: 'pollers', status: 'warning', detail: 'Not looked at: it is dark.', fix: null };
    expect(findings.filter(({ status }) => status !== 'ok')).toEqual([dark]);
    expect(reportOf(findings).ok).toBe(true);
  });
});

describe('what several checks need', () => {
  test('is asked for once; its own check learns what went wrong, the others that it isn’t there', async () => {
    let asked = 0;
    const server = prerequisite('the server doesn’t answer', async () => {
      asked += 1;
      throw new Error('ECONNREFUSED');
    });
    await expect(server.examined()).rejects.toThrow('ECONNREFUSED');
    await expect(server.needed()).rejects.toEqual(new NotLookedAt('the server doesn’t answer'));
    expect(asked).toBe(1);
  });

  test('a reason that is known already is handed on', async () => {
    const server = prerequisite('the server doesn’t answer', async () => {
      throw new NotLookedAt('DATABASE_URL is not usable');
    });
    await expect(server.needed()).rejects.toThrow('DATABASE_URL is not usable');
  });
});

describe('clocks', () => {
  test('the distance is measured from the middle of the request', () => {
    expect(skewMs({ theirsMs: 5_000, beforeMs: 1_000, afterMs: 3_000 })).toBe(3_000);
    expect(skewMs({ theirsMs: 1_000, beforeMs: 1_000, afterMs: 3_000 })).toBe(-1_000);
  });

  test.each([
    [30_000, 'ok'],
    [30_001, 'warning'],
    [-30_001, 'warning'],
    [240_000, 'warning'],
    [240_001, 'red'],
    [-240_001, 'red'],
  ])('%i ms is %s', (skew, status) => {
    expect(clockFinding('Stripe’s clock', skew).status).toBe(status);
  });

  test('the direction is told', () => {
    expect(clockFinding('Stripe’s clock', 60_000).detail).toContain('60.0 s ahead of');
    expect(clockFinding('Stripe’s clock', -60_000).detail).toContain('60.0 s behind');
  });
});

describe('the webhook endpoint', () => {
  const webhookUrl = 'https://pay.example.com/webhooks/stripe';
  const endpoint = (overrides: Partial<WebhookEndpoint> = {}): WebhookEndpoint => ({
    id: 'we_1',
    url: webhookUrl,
    isEnabled: true,
    eventTypes: ALL_STRIPE_EVENT_TYPES,
    apiVersion: null,
    livemode: true,
    ...overrides,
  });
  const judged = (...endpoints: WebhookEndpoint[]) =>
    statuses(endpointFindings(endpoints, { webhookUrl, isLive: true }));

  test('one with our address, enabled, of the key’s mode', () => {
    expect(judged(endpoint(), endpoint({ id: 'we_2', url: 'https://elsewhere.example.com/' }))).toEqual([
      'ok',
    ]);
    expect(judged(endpoint({ url: 'https://PAY.example.com:443/webhooks/stripe' }))).toEqual(['ok']);
    expect(judged()).toEqual(['red']);
    expect(judged(endpoint({ url: 'no URL' }))).toEqual(['red']);
    expect(judged(endpoint({ url: `${webhookUrl}/` }))).toEqual(['red']);
    expect(judged(endpoint({ isEnabled: false }))).toEqual(['red']);
    expect(judged(endpoint({ livemode: false }))).toEqual(['red']);
  });

  test('a second one is a warning, unless it is disabled', () => {
    expect(judged(endpoint(), endpoint({ id: 'we_2' }))).toEqual(['warning']);
    expect(judged(endpoint(), endpoint({ id: 'we_2', isEnabled: false }))).toEqual(['ok']);
  });

  test('two endpoints may share the event types', () => {
    const [one, other] = [ALL_STRIPE_EVENT_TYPES.slice(5), ALL_STRIPE_EVENT_TYPES.slice(0, 5)];
    expect(statuses(eventTypeFindings([endpoint({ eventTypes: one })]))).toEqual(['red']);
    const both = [endpoint({ eventTypes: one }), endpoint({ id: 'we_2', eventTypes: other })];
    expect(statuses(eventTypeFindings(both))).toEqual(['ok']);
  });

  test('what is missing and what is not needed are two findings', () => {
    const eventTypes = [...ALL_STRIPE_EVENT_TYPES.slice(1), 'charge.refunded'];
    expect(statuses(eventTypeFindings([endpoint({ eventTypes })]))).toEqual(['red', 'warning']);
    expect(statuses(eventTypeFindings([endpoint({ eventTypes: ['*'] })]))).toEqual(['warning']);
  });

  test('ours and the account’s default version are fine, another is a warning', () => {
    expect(apiVersionFinding(endpoint()).status).toBe('ok');
    expect(apiVersionFinding(endpoint({ apiVersion: STRIPE_API_VERSION })).status).toBe('ok');
    expect(apiVersionFinding(endpoint({ apiVersion: '2020-08-27' })).status).toBe('warning');
  });
});

describe('key and prices', () => {
  test('the key’s mode is that of what it reads', () => {
    expect(keyFinding(true, true).status).toBe('ok');
    expect(keyFinding(true, null).status).toBe('ok');
    expect(keyFinding(true, false).status).toBe('red');
    expect(keyFinding(false, true).status).toBe('red');
  });

  test.each([
    [null, 'red'],
    [{ isActive: true, isRecurring: true, livemode: true }, 'ok'],
    [{ isActive: true, isRecurring: true, livemode: false }, 'red'],
    [{ isActive: false, isRecurring: true, livemode: true }, 'warning'],
    [{ isActive: true, isRecurring: false, livemode: true }, 'red'],
  ])('a price %j is %s in live mode', (standing, status) => {
    expect(priceFinding('price_1', standing, true).status).toBe(status);
  });
});

describe('the gateway', () => {
  const problem = (detail: string, status = 400): Answer => ({
    status,
    location: null,
    body: { type: 'about:blank', title: 'Bad Request', status, detail, request_id: '1' },
  });

  test('only the refusal of an unsigned request makes it ours', () => {
    expect(strangerTrouble('u', problem(WEBHOOK_REFUSALS.signature_missing))).toBeUndefined();
    for (const answer of [
      problem('There is nothing at this address.', 404),
      { status: 200, location: null, body: { received: true } },
      { status: 502, location: null, body: undefined },
      { status: 201, location: '/elsewhere', body: undefined },
    ]) {
      expect(strangerTrouble('u', answer)?.message).toContain(`(HTTP ${answer.status})`);
    }
    const redirect = { status: 301, location: 'https://example.com/', body: undefined };
    expect(strangerTrouble('u', redirect)?.message).toContain('redirects to https://example.com/');
  });

  test.each([
    ['not_an_event', 'ok', 'knows'],
    ['signature_mismatch', 'red', 'refuses'],
    ['timestamp_outside_tolerance', 'red', 'clock'],
    ['signature_malformed', 'red', 'header'],
    ['signature_missing', 'red', 'header'],
    ['not_json', 'red', 'HTTP 400'],
  ] as const)('a ping that is refused as %s is %s', (reason, status, word) => {
    const finding = secretFinding('STRIPE_WEBHOOK_SECRET', problem(WEBHOOK_REFUSALS[reason]));
    expect(finding.status).toBe(status);
    expect(finding.detail).toContain(word);
  });

  test('an event that was stored is no proof, but a fault of the ping', () => {
    const stored = { status: 200, location: null, body: { received: true } };
    expect(secretFinding('STRIPE_WEBHOOK_SECRET', stored).status).toBe('red');
  });

  test('live and ready', () => {
    const live = { status: 200, location: null, body: { status: 'live' } };
    const ready = (temporal: string) => ({
      status: 200,
      location: null,
      body: { status: 'ready', checks: { postgres: 'up', temporal } },
    });
    const elsewhere = { status: 404, location: null, body: undefined };
    expect(healthFinding(live, ready('up')).status).toBe('ok');
    expect(healthFinding(live, ready('down')).status).toBe('warning');
    expect(healthFinding(live, problem('Postgres is away.', 503)).status).toBe('red');
    expect(healthFinding(elsewhere, ready('up')).status).toBe('warning');
    expect(healthFinding(live, elsewhere).status).toBe('warning');
    expect(healthFinding(live, { ...live, body: '<html>' }).status).toBe('warning');
  });

  test.each([
    ['http://127.0.0.1:3000/webhooks/stripe', 'http://127.0.0.1:3000'],
    ['https://example.com/api/webhooks/stripe', 'https://example.com'],
    ['https://example.com/pay/api/stripe/webhook', 'https://example.com/pay'],
    ['https://example.com/elsewhere', 'https://example.com'],
  ])('the health of %s is looked at below %s', (url, base) => {
    expect(baseOf(url)).toBe(base);
  });

  test('where it listens by itself', () => {
    expect(defaultWebhookUrl('127.0.0.1', 3000)).toBe('http://127.0.0.1:3000/webhooks/stripe');
    expect(defaultWebhookUrl('::1', 80)).toBe('http://[::1]:80/webhooks/stripe');
  });
});

describe('a schedule', () => {
  const NOW = new Date('2026-11-30T12:00:00Z');
  const ago = (seconds: number) => new Date(NOW.getTime() - seconds * 1000);
  const schedule = (info: Partial<DescribedSchedule['info']>, isPaused = false): DescribedSchedule => ({
    spec: { intervals: [{ every: 30_000 }] },
    state: { paused: isPaused },
    info: { recentActions: [], nextActionTimes: [ago(-20)], createdAt: ago(86_400), ...info },
  });
  const judged = (described: DescribedSchedule | undefined) =>
    scheduleFinding('sweep', described, NOW).status;

  test('there, not paused, and run lately', () => {
    expect(judged(undefined)).toBe('red');
    expect(judged(schedule({ recentActions: [{ takenAt: ago(10) }] }, true))).toBe('red');
    expect(judged(schedule({ recentActions: [{ takenAt: ago(900) }, { takenAt: ago(149) }] }))).toBe('ok');
    expect(judged(schedule({ recentActions: [{ takenAt: ago(151) }] }))).toBe('red');
  });

  test('a new or changed one had no chance yet', () => {
    expect(judged(schedule({ createdAt: ago(20) }))).toBe('ok');
    expect(judged(schedule({ createdAt: ago(151) }))).toBe('red');
    expect(judged(schedule({ lastUpdatedAt: ago(20) }))).toBe('ok');
  });

  test('an hourly one may be older', () => {
    const hourly = {
      ...schedule({ recentActions: [{ takenAt: ago(3_500) }] }),
      spec: { intervals: [{ every: 3_600_000 }] },
    };
    expect(judged(hourly)).toBe('ok');
  });

  test('a server that doesn’t begin what it had planned', () => {
    const info = { recentActions: [{ takenAt: ago(120) }], nextActionTimes: [ago(95)] };
    expect(judged(schedule(info))).toBe('red');
    expect(judged({ ...schedule(info), spec: {} })).toBe('red');
    expect(judged({ ...schedule({ ...info, nextActionTimes: [] }), spec: {} })).toBe('ok');
  });
});

describe('Temporal', () => {
  const NOW = new Date('2026-11-30T12:00:00Z');
  const QUEUE = { name: 'q', kind: 'activity', role: 'stripe' } as const;
  const poller = (secondsAgo: number) => ({ lastAccess: new Date(NOW.getTime() - secondsAgo * 1000) });

  test('a poller that has not polled for two minutes is gone', () => {
    expect(pollerFinding(QUEUE, [], NOW).status).toBe('red');
    expect(pollerFinding(QUEUE, [poller(121), poller(250)], NOW).status).toBe('red');
    expect(pollerFinding(QUEUE, [poller(119), poller(250)], NOW)).toMatchObject({
      status: 'ok',
      detail: '1 polling for activity tasks of q.',
    });
  });

  test('search attributes are registered, and as keywords', () => {
    const all = { TenantId: 2, StripeCustomerId: 2, StripeSubscriptionId: 2, TenantryState: 2, Other: 1 };
    expect(statuses(searchAttributeFindings(all))).toEqual(['ok']);
    expect(statuses(searchAttributeFindings({ ...all, TenantId: 1 }))).toEqual(['red']);
    expect(searchAttributeFindings({})).toMatchObject([{ status: 'red', fix: 'npm run setup' }]);
  });
});

test('a server that keeps its operator service to itself is told from one that fails', () => {
  const failed = (code: number) => Object.assign(new Error('no'), { code });
  expect([7, 12, 5, 14].map((code) => isKeptBack(failed(code)))).toEqual([true, true, false, false]);
  expect(isKeptBack(new Error('no'))).toBe(false);
});

describe('Postgres', () => {
  test('15 or newer', () => {
    expect(versionFinding(140_020).status).toBe('red');
    expect(versionFinding(150_000)).toMatchObject({ status: 'ok', detail: 'Postgres 15 answers.' });
  });

  test('migrations: each kind of difference is a finding of its own', () => {
    const none = { missing: [], unknown: 0, changed: [] };
    expect(statuses(migrationFindings(none))).toEqual(['ok']);
    expect(statuses(migrationFindings({ ...none, unknown: 1 }))).toEqual(['warning']);
    const all = { missing: ['0001_a'], unknown: 2, changed: ['0000_b'] };
    expect(statuses(migrationFindings(all))).toEqual(['red', 'red', 'warning']);
  });
});

describe('events', () => {
  const none = { dueRows: 0, dueForMs: 0, oldestMs: 0 };

  test.each([
    [none, 'ok'],
    [{ dueRows: 3, dueForMs: 120_000, oldestMs: 150_000 }, 'ok'],
    [{ dueRows: 3, dueForMs: 120_001, oldestMs: 150_001 }, 'red'],
    [{ dueRows: 0, dueForMs: 0, oldestMs: 300_000 }, 'ok'],
    [{ dueRows: 0, dueForMs: 0, oldestMs: 300_001 }, 'red'],
  ])('%j is %s', (lateness, status) => {
    expect(latenessFinding(lateness).status).toBe(status);
  });

  test('failed and parked ones are counted by reason; only the other mode needs somebody', () => {
    const events = [
      { status: 'failed', reason: 'InvalidInput', rows: 2 },
      { status: 'failed', reason: 'DatabaseRefused', rows: 1 },
      { status: 'parked', reason: 'unknown_customer', rows: 5 },
      { status: 'parked', reason: 'livemode_mismatch', rows: 7 },
    ] as const;
    expect(failedFinding(events)).toMatchObject({ status: 'warning' });
    expect(failedFinding(events).detail).toContain('2 InvalidInput, 1 DatabaseRefused.');
    expect(parkedFindings(events)).toMatchObject([{ status: 'warning' }, { status: 'ok' }]);
    expect(parkedFindings(events)[0]?.detail).toContain('7 livemode_mismatch');
    expect(statuses(parkedFindings([]))).toEqual(['ok']);
  });
});

describe('I9 secrets', () => {
  const given = {
    DATABASE_URL: 'postgres://user:pass%20word@host:5432/database',
    SMTP_URL: 'smtp://user:mail-secret@host',
    STRIPE_SECRET_KEY: 'sk_test_abc',
    STRIPE_WEBHOOK_SECRET: 'whsec_one,whsec_two',
    CHECKOUT_API_KEYS: 'checkout-key-of-the-store',
    TEMPORAL_API_KEY: 'temporal-key',
  };

  function hidden(environment: Record<string, string>): string {
    const { values } = examineConfig('doctor', environment);
    const value = (variable: keyof typeof values) => {
      if (!(variable in values)) throw new NotLookedAt('not usable');
      return values[variable] as never;
    };
    const detail = `pass word pass%20word ${Object.values(given).join(' ')}`;
    const finding = { check: 'postgres', status: 'red', detail, fix: detail } as const;
    const { detail: shown, fix } = withoutSecrets(finding, secretsIn({ value }));
    expect(fix).toBe(shown);
    return shown;
  }

  test('are taken out of whatever others say, in each form', () => {
    expect(hidden(given)).toBe('… … postgres://user:…@host:5432/database smtp://user:…@host … …,… … …');
  });

  test('those of usable variables also when others are not usable', () => {
    const shown = hidden({ ...given, SMTP_URL: 'nonsense', MAIL_FROM: '' });
    expect(shown).not.toContain('whsec_one');
    expect(shown).not.toContain('pass word');
  });
});
