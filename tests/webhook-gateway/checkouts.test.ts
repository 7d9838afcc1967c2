import { expect, test } from 'vitest';
import { TemporalUnavailable } from '../../client/temporal-unavailable.ts';
import type { DescribedRun } from '../../client/tenancy-client.ts';
import type { GatewayDependencies } from '../../webhook-gateway/app.ts';
import { API_KEY, fakeGateway } from './fake-gateway.ts';

const CHECKOUT = {
  email: 'ada@example.com',
  client_name: 'Ada’s Workshop',
  stripe_customer_id: 'cus_1',
  initial_license_count: 10,
};
const ID = 'create-tenant-cus_1';
const AUTHORIZED = { authorization: `Bearer ${API_KEY}` };

function withTenancy(
  tenancy: Partial<GatewayDependencies['tenancy']>,
  rest: Partial<GatewayDependencies> = {},
) {
  const notExpected = () => Promise.reject(new Error('not expected'));
  const none = {
    startCheckout: notExpected,
    describe: notExpected,
    progressOf: notExpected,
    resultOf: notExpected,
  };
  return fakeGateway({ tenancy: { ...none, ...tenancy }, ...rest });
}
type Fake = ReturnType<typeof fakeGateway>;
const post = ({ app }: Fake, payload: unknown, headers: Record<string, string> = AUTHORIZED) =>
  app.inject({
    method: 'POST',
    url: '/checkouts',
    headers: { 'content-type': 'application/json', ...headers },
    payload: typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload),
  });
const get = ({ app }: Fake, id = ID, headers: Record<string, string> = AUTHORIZED) =>
  app.inject({ url: `/checkouts/${id}`, headers });

test('a checkout is accepted with its workflow id and where to look', async () => {
  const started: unknown[] = [];
  const gateway = withTenancy({
    startCheckout: async (checkout) => {
      started.push(checkout);
      return { outcome: 'accepted', workflowId: ID, runId: 'r', joined: started.length > 1 };
    },
  });
  const answers = [await post(gateway, CHECKOUT), await post(gateway, CHECKOUT)];
  for (const answer of answers) {
    expect([answer.statusCode, answer.json()]).toEqual([202, { workflow_id: ID }]);
    expect(answer.headers.location).toBe(`/checkouts/${ID}`);
  }
  expect(started).toEqual([CHECKOUT, CHECKOUT]);
});

test('another checkout of the same customer is a 409', async () => {
  const gateway = withTenancy({ startCheckout: async () => ({ outcome: 'conflict', workflowId: ID }) });
  const answer = await post(gateway, CHECKOUT);
  expect(answer.statusCode).toBe(409);
  expect(answer.json()).toMatchObject({ status: 409, workflow_id: ID });
});

test.each([
  ['no key', {}],
  ['a wrong key', { authorization: 'Bearer wrong-key-0123456789' }],
  ['a prefix of a key', { authorization: `Bearer ${API_KEY.slice(0, -1)}` }],
  ['an empty key', { authorization: 'Bearer ' }],
  ['another scheme', { authorization: `Basic ${API_KEY}` }],
])('%s is a 401, before the body is looked at', async (_, headers) => {
  const gateway = withTenancy({});
  for (const answer of [await post(gateway, '{"broken', headers), await get(gateway, ID, headers)]) {
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(answer.headers['content-type']).toContain('application/problem+json');
  }
});

test('a 422 names every wrong field', async () => {
  const answer = await post(withTenancy({}), {
    email: 'no at sign',
    client_name: '',
    stripe_customer_id: 'sub_1',
    stripe_subscription_id: 'cus_1',
    initial_license_count: 1.5,
    plan: 'pro',
    colour: 'red',
  });
  expect(answer.statusCode).toBe(422);
  expect(answer.headers['content-type']).toContain('application/problem+json');
  const errors: { field: string; message: string }[] = answer.json().errors;
  expect(errors.map((error) => error.field).sort()).toEqual([
    'client_name',
    'colour',
    'email',
    'initial_license_count',
    'plan',
    'stripe_customer_id',
    'stripe_subscription_id',
  ]);
  for (const error of errors) expect(error.message).toMatch(/\w/);
});

test.each<[string, unknown]>([
  ['email', { ...CHECKOUT, email: `${'a'.repeat(251)}@b.c` }],
  ['client_name', { ...CHECKOUT, client_name: 'x'.repeat(201) }],
  ['initial_license_count', { ...CHECKOUT, initial_license_count: -1 }],
  ['initial_license_count', { ...CHECKOUT, initial_license_count: 1_000_001 }],
  ['initial_license_count', { ...CHECKOUT, initial_license_count: '10' }],
  ['stripe_customer_id', { email: 'a@b', client_name: 'A', stripe_subscription_id: 'sub_1' }],
  ['', []],
  ['', null],
  ['__proto__', JSON.stringify(CHECKOUT).replace('{', '{"__proto__":{"email":"eve@example.com"},')],
  ['constructor', { ...CHECKOUT, constructor: { prototype: {} } }],
])('the wrong field %j is found', async (field, body) => {
  const answer = await post(withTenancy({}), body);
  expect(answer.statusCode).toBe(422);
  expect(answer.json().errors).toEqual([{ field, message: expect.any(String) }]);
});

test('a missing customer is named beside other wrong fields', async () => {
  const answer = await post(withTenancy({}), {
    email: 'x',
    client_name: 'A',
    stripe_subscription_id: 'sub_1',
  });
  const errors: { field: string }[] = answer.json().errors;
  expect(errors.map((error) => error.field).sort()).toEqual(['email', 'stripe_customer_id']);
});

test('a body that is no JSON is a 400, of another type a 415, too large a 413', async () => {
  const gateway = withTenancy({});
  expect((await post(gateway, '{"email":')).statusCode).toBe(400);
  expect((await post(gateway, '')).statusCode).toBe(400);
  const notUtf8 = Buffer.from(JSON.stringify(CHECKOUT).replace('Ada', 'Ad\u00e9'), 'latin1');
  expect((await post(gateway, notUtf8)).statusCode).toBe(400);
  for (const type of ['text/xml', 'text/plain']) {
    expect((await post(gateway, '{}', { ...AUTHORIZED, 'content-type': type })).statusCode).toBe(415);
  }
  const large = await post(gateway, { ...CHECKOUT, client_name: 'x'.repeat(1_048_576) });
  expect([large.statusCode, large.headers['content-type']]).toEqual([413, 'application/problem+json']);
});

test('Temporal away is a 503 with Retry-After', async () => {
  const away = () => Promise.reject(new TemporalUnavailable('away'));
  const gateway = withTenancy({ startCheckout: away, describe: away });
  for (const answer of [await post(gateway, CHECKOUT), await get(gateway)]) {
    expect(answer.statusCode).toBe(503);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  }
});

test('an unexpected error is a 500 that tells nothing', async () => {
  const gateway = withTenancy({ startCheckout: () => Promise.reject(new Error('inner workings')) });
  const answer = await post(gateway, CHECKOUT);
  expect(answer.statusCode).toBe(500);
  expect(answer.body).not.toContain('inner workings');
  expect(gateway.logLines.join('')).toContain('inner workings');
  expect(gateway.logLines.join('')).not.toMatch(/ada@|Workshop|store-key/);
});

const RUN: DescribedRun = { workflowId: ID, runId: 'run', state: 'running' };

test('the status of a run: its steps, and the tenant from the database', async () => {
  const gateway = withTenancy(
    {
      describe: async () => RUN,
      progressOf: async () => ({ steps: [{ name: 'create_tenant', state: 'done' }] }),
    },
    { findCheckoutTenant: async () => ({ tenant: 't-1', licensedUserCount: 10 }) },
  );
  const answer = await get(gateway);
  expect([answer.statusCode, answer.json()]).toEqual([
    200,
    {
      workflow_id: ID,
      run_id: 'run',
      status: 'running',
      tenant: 't-1',
      licensed_user_count: 10,
      steps: [{ name: 'create_tenant', state: 'done' }],
    },
  ]);
});

test('a run in which a step waits for an operator is waiting', async () => {
  const steps = [{ name: 'send_invitation' as const, state: 'waiting' as const, reason: 'RecipientRefused' }];
  const gateway = withTenancy(
    { describe: async () => RUN, progressOf: async () => ({ steps }) },
    { findCheckoutTenant: async () => undefined },
  );
  expect((await get(gateway)).json()).toMatchObject({ status: 'waiting', tenant: null, steps });
});

test('without a worker that answers, what is known is told', async () => {
  const gateway = withTenancy(
    {
      describe: async () => ({ ...RUN, state: 'completed' }),
      progressOf: () => Promise.reject(new TemporalUnavailable('no worker')),
      resultOf: async () => ({ tenant: 't-2', licensed_user_count: null }),
    },
    { findCheckoutTenant: async () => undefined },
  );
  expect((await get(gateway)).json()).toEqual({
    workflow_id: ID,
    run_id: 'run',
    status: 'completed',
    tenant: 't-2',
    licensed_user_count: null,
    steps: [],
  });
});

test('an unknown id is a 404, however long it is', async () => {
  const gateway = withTenancy({ describe: async () => undefined });
  for (const id of ['unknown', 'x'.repeat(300), 'a%2Fb']) {
    const answer = await get(gateway, id);
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([404, 'application/problem+json']);
  }
});
