import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { fakeGateway } from './fake-gateway.ts';
import { open } from './raw-http.ts';

test('what is nowhere is a 404, what has other methods a 405 that names them', async () => {
  const { app } = fakeGateway();
  const nowhere = await app.inject({ url: '/nowhere' });
  expect([nowhere.statusCode, nowhere.json()]).toMatchObject([
    404,
    { type: 'about:blank', title: 'Not Found' },
  ]);
  for (const [method, url, allow] of [
    ['GET', '/webhooks/stripe', 'POST'],
    ['PUT', '/checkouts', 'POST'],
    ['DELETE', '/checkouts/create-tenant-cus_1', 'GET, HEAD'],
    ['POST', '/health/ready', 'GET, HEAD'],
  ] as const) {
    const answer = await app.inject({ method, url, ...(method !== 'GET' && { payload: '<' }) });
    expect([url, answer.statusCode, answer.headers.allow]).toEqual([url, 405, allow]);
    expect(answer.headers['content-type']).toContain('application/problem+json');
  }
});

test('an address that can’t be decoded is a problem too', async () => {
  const answer = await fakeGateway().app.inject({ url: '/checkouts/%ff' });
  expect([answer.statusCode, answer.headers['content-type']]).toEqual([400, 'application/problem+json']);
});

test('ready needs Postgres, and only shows that Temporal is away', async () => {
  const up = async () => 1;
  const down = () => Promise.reject(new Error('away'));
  const hanging = () => new Promise(() => undefined);
  const ready = (postgres: () => Promise<unknown>, temporal: () => Promise<unknown>) =>
    fakeGateway({ pings: { postgres, temporal } }).app.inject({ url: '/health/ready' });
  expect((await ready(up, up)).json()).toEqual({
    status: 'ready',
    checks: { postgres: 'up', temporal: 'up' },
  });
  for (const away of [down, hanging]) {
    const withoutTemporal = await ready(up, away);
    expect([withoutTemporal.statusCode, withoutTemporal.json().checks.temporal]).toEqual([200, 'down']);
    const withoutPostgres = await ready(away, up);
    expect([withoutPostgres.statusCode, withoutPostgres.json().checks]).toEqual([
      503,
      { postgres: 'down', temporal: 'up' },
    ]);
    expect(Number(withoutPostgres.headers['retry-after'])).toBeGreaterThan(0);
  }
  expect(
    (await fakeGateway({ pings: { postgres: down, temporal: down } }).app.inject('/health/live')).statusCode,
  ).toBe(200);
});

test('a connection beyond the limit is dropped, and counted', async () => {
  const { app } = fakeGateway();
  await app.listen({ host: '127.0.0.1', port: 0 });
  app.server.maxConnections = 1;
  const { port } = app.server.address() as AddressInfo;
  const first = await open(port);
  const second = await open(port);
  await once(second, 'close');
  expect((await app.inject({ url: '/metrics' })).body).toContain(
    'tenantry_webhook_refused_total{reason="overloaded"} 1',
  );
  first.destroy();
  await app.close();
});

test('metrics are in the text format, with those of the process', async () => {
  const answer = await fakeGateway().app.inject({ url: '/metrics' });
  expect(answer.headers['content-type']).toContain('text/plain');
  expect(answer.body).toContain('process_cpu_user_seconds_total');
  for (const outcome of ['started', 'joined', 'conflict'])
    expect(answer.body).toContain(`tenantry_checkouts_total{outcome="${outcome}"} 0\n`);
});

test('the document describes every route, with examples, keys and problems', async () => {
  const { app } = fakeGateway();
  const document = (await app.inject({ url: '/openapi.json' })).json();
  expect(Object.keys(document.paths).sort()).toEqual([
    '/checkouts',
    '/checkouts/{workflow_id}',
    '/health/live',
    '/health/ready',
    '/metrics',
    '/webhooks/stripe',
  ]);
  const { post } = document.paths['/checkouts'];
  expect(post.security).toEqual([{ checkoutKey: [] }]);
  expect(Object.keys(post.responses).sort()).toEqual([
    '202',
    '400',
    '401',
    '409',
    '413',
    '415',
    '422',
    '503',
  ]);
  expect(Object.keys(post.responses[422].content)).toEqual(['application/problem+json']);
  expect(JSON.stringify(document.components.schemas)).toContain('ada@example.com');
  expect(Object.keys(document.components.schemas.Problem.properties)).toEqual(
    expect.arrayContaining(['workflow_id', 'checks']),
  );
  expect((await app.inject({ url: '/docs' })).body).toContain('swagger-ui');
});

test('every answer carries its request’s id', async () => {
  const answer = await fakeGateway().app.inject({ url: '/nowhere', headers: { 'x-request-id': 'forged' } });
  expect(answer.headers['x-request-id']).toBe(answer.json().request_id);
  expect(answer.headers['x-request-id']).not.toBe('forged');
});
