import { describe, expect, test } from 'vitest';
import { ConfigurationError, examineConfig, type ProcessName, readConfig, VARIABLES_OF } from '../config.ts';

const WORKER = {
  DATABASE_URL: 'postgres://user:password@host:5432/database',
  STRIPE_SECRET_KEY: 'sk_test_1',
  MASTER_BILLING_TENANT_ID: '00000000-0000-4000-8000-000000000001',
  APP_URL: 'https://app.example.com',
  SMTP_URL: 'smtp://localhost:2525',
  MAIL_FROM: 'tenantry <no-reply@example.com>',
};
const GATEWAY = {
  DATABASE_URL: WORKER.DATABASE_URL,
  STRIPE_SECRET_KEY: 'sk_test_1',
  STRIPE_WEBHOOK_SECRET: 'whsec_1',
  CHECKOUT_API_KEYS: 'a key of sixteen',
};

function messageOf(name: ProcessName, environment: Record<string, string>): string {
  try {
    readConfig(name, environment);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
  return 'accepted';
}

test.each<[ProcessName, string[]]>([
  ['setup', ['DATABASE_URL', 'MASTER_BILLING_TENANT_ID']],
  ['gateway', Object.keys(GATEWAY)],
  ['worker', Object.keys(WORKER)],
])('an empty environment: one message names all that %s needs, and nothing else', (name, needed) => {
  const message = messageOf(name, {});
  const named = VARIABLES_OF[name].filter((variable) => message.includes(`\n  ${variable} is missing`));
  expect([...named].sort()).toEqual([...needed].sort());
  expect(message.split('\n')).toHaveLength(needed.length + 1);
});

test('missing and malformed variables stand in one message', () => {
  const { SMTP_URL: _, ...rest } = WORKER;
  const message = messageOf('worker', {
    ...rest,
    DATABASE_URL: 'mysql://x',
    METRICS_PORT: '70000',
    LOG_LEVEL: 'loud',
  });
  for (const variable of ['DATABASE_URL', 'METRICS_PORT', 'LOG_LEVEL'])
    expect(message).toContain(`\n  ${variable} `);
  expect(message).toContain('\n  SMTP_URL is missing');
});

describe('malformed', () => {
  test.each([
    ['DATABASE_URL', 'host:5432'],
    ['DATABASE_URL', 'http://host'],
    ['STRIPE_SECRET_KEY', 'pk_test_1'],
    ['STRIPE_API_BASE', 'localhost:12111'],
    ['STRIPE_PRO_PRICE_ID', 'price_1,prod_1'],
    ['STRIPE_PRO_PRICE_ID', ' , '],
    ['STRIPE_MAX_REQUESTS_PER_SECOND', '0'],
    ['STRIPE_MAX_REQUESTS_PER_SECOND', 'many'],
    ['MASTER_BILLING_TENANT_ID', 'master'],
    ['APP_URL', 'app.example.com'],
    ['APP_URL', 'javascript:alert(1)'],
    ['SMTP_URL', 'localhost'],
    ['METRICS_PORT', '-1'],
    ['METRICS_PORT', '80.5'],
    ['WORKER_ROLES', 'workflows,cook'],
    ['WORKER_VERSIONING', 'perhaps'],
  ])('%s=%j is refused and named', (variable, value) => {
    expect(messageOf('worker', { ...WORKER, [variable]: value })).toContain(`\n  ${variable} `);
  });

  test.each([
    ['STRIPE_WEBHOOK_SECRET', 'we_1'],
    ['STRIPE_WEBHOOK_SECRET_THIN', 'whsec_1,x'],
    ['CHECKOUT_API_KEYS', 'short'],
    ['PORT', 'http'],
  ])('%s=%j is refused and named', (variable, value) => {
    expect(messageOf('gateway', { ...GATEWAY, [variable]: value })).toContain(`\n  ${variable} `);
  });
});

test('I9 the message quotes no value: it may be a secret in the wrong place', () => {
  const environment = Object.fromEntries(VARIABLES_OF.worker.map((variable) => [variable, 'hunter2']));
  expect(messageOf('worker', environment)).not.toContain('hunter2');
});

test('an empty variable counts as unset', () => {
  const config = readConfig('worker', {
    ...WORKER,
    METRICS_PORT: '',
    STRIPE_PRO_PRICE_ID: '',
    TASK_QUEUE: '',
  });
  expect(config).toMatchObject({ METRICS_PORT: 9464, TASK_QUEUE: 'alga-psa-workflows' });
  expect(config.STRIPE_PRO_PRICE_ID).toBeUndefined();
  expect(messageOf('worker', { ...WORKER, APP_URL: '' })).toContain('APP_URL is missing');
});

test('what is not said has its default', () => {
  expect(readConfig('worker', WORKER)).toMatchObject({
    TASK_QUEUE: 'alga-psa-workflows',
    STRIPE_MAX_REQUESTS_PER_SECOND: 20,
    METRICS_HOST: '127.0.0.1',
    METRICS_PORT: 9464,
    LOG_LEVEL: 'info',
    WORKER_ROLES: ['workflows', 'stripe'],
    WORKER_VERSIONING: false,
  });
  expect(readConfig('gateway', GATEWAY)).toMatchObject({ HOST: '127.0.0.1', PORT: 3000 });
});

test('lists are separated by commas, white space and empty parts are left out', () => {
  const config = readConfig('gateway', { ...GATEWAY, STRIPE_WEBHOOK_SECRET: ' whsec_new, whsec_old,, ' });
  expect(config.STRIPE_WEBHOOK_SECRET).toEqual(['whsec_new', 'whsec_old']);
});

test('the result can’t be changed', () => {
  const config = readConfig('gateway', GATEWAY);
  expect(Object.isFrozen(config)).toBe(true);
  expect(() => Object.assign(config, { PORT: 1 })).toThrow(TypeError);
});

test('Temporal’s variables are read beside ours, and a malformed one is named in the same message', () => {
  const { temporal } = readConfig('gateway', {
    ...GATEWAY,
    TEMPORAL_ADDRESS: 'temporal:7233',
    TEMPORAL_NAMESPACE: 'shop',
  });
  expect(temporal).toMatchObject({ connectionOptions: { address: 'temporal:7233' }, namespace: 'shop' });
  const message = messageOf('gateway', { TEMPORAL_CONFIG_FILE: '/does/not/exist' });
  expect(message).toContain('DATABASE_URL is missing');
});

test('an examination gives what is usable and tells what is not, without any value', () => {
  const { values, faults } = examineConfig('doctor', { ...WORKER, APP_URL: '', SMTP_URL: 'hunter2' });
  expect(values).toMatchObject({ DATABASE_URL: WORKER.DATABASE_URL, PORT: 3000 });
  expect(Object.keys(values)).not.toContain('SMTP_URL');
  const troubles = Object.fromEntries(faults.map(({ variable, trouble }) => [variable, trouble]));
  expect(troubles).toEqual({
    APP_URL: 'is missing',
    STRIPE_WEBHOOK_SECRET: 'is missing',
    CHECKOUT_API_KEYS: 'is missing',
    SMTP_URL: 'must be a URL like smtp://user:password@host:587',
  });
});

test.each(Object.keys(VARIABLES_OF) as ProcessName[])('doctor examines what %s needs', (name) => {
  expect(VARIABLES_OF.doctor).toEqual(expect.arrayContaining([...VARIABLES_OF[name]]));
});
