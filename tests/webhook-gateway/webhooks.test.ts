import { expect, test } from 'vitest';
import { InboxWriter, type StoreAnswer } from '../../webhook-gateway/inbox-writer.ts';
import {
  CONNECTIONS_MAX,
  GROUP_ROWS_MAX,
  GROUPS_IN_FLIGHT_MAX,
  WAITING_ROWS_MAX,
} from '../../webhook-gateway/limits.ts';
import {
  fakeGateway,
  NOW_S,
  SNAPSHOT_SECRET,
  signature,
  subscriptionEvent,
  THIN_SECRET,
} from './fake-gateway.ts';

type Delivery = { path?: string; secret?: string; timestampS?: number; headers?: Record<string, string> };

function deliver(gateway: ReturnType<typeof fakeGateway>, body: string | Buffer, delivery: Delivery = {}) {
  const { path = '/webhooks/stripe', secret = SNAPSHOT_SECRET, timestampS = NOW_S, headers } = delivery;
  return gateway.app.inject({
    method: 'POST',
    url: path,
    payload: body,
    headers: {
      'content-type': 'application/json',
      'stripe-signature': signature(body, secret, timestampS),
      ...headers,
    },
  });
}
const json = JSON.stringify;

test.each(['/webhooks/stripe', '/api/webhooks/stripe', '/api/stripe/webhook'])(
  '%s takes events',
  async (path) => {
    const gateway = fakeGateway();
    const answer = await deliver(gateway, json(subscriptionEvent()), { path });
    expect([answer.statusCode, answer.json()]).toEqual([200, { received: true }]);
    expect(gateway.rows.get('evt_1')).toMatchObject({ subject: 'cus_1', status: 'received' });
    expect(gateway.woken).toEqual(['cus_1']);
  },
);

test('the stored payload is the signed text, byte for byte', async () => {
  const gateway = fakeGateway();
  const text = ` ${json(subscriptionEvent(), null)}\n`.replace(
    '"sub_1"',
    '"sub_1", "n": 1.0, "n": 2, "s": "\\u0000é"',
  );
  expect((await deliver(gateway, text)).statusCode).toBe(200);
  expect(gateway.rows.get('evt_1')?.payload).toBe(text);
});

test.each([
  'text/plain',
  'application/x-www-form-urlencoded',
  'no type at all',
  'application/json; charset=latin1',
])('the content type %s changes nothing', async (type) => {
  const gateway = fakeGateway();
  const body = json(subscriptionEvent());
  expect((await deliver(gateway, body, { headers: { 'content-type': type } })).statusCode).toBe(200);
});

test('I2: a Stripe event id is stored once, and its repetition is acknowledged without a wake', async () => {
  const gateway = fakeGateway();
  for (let delivery = 0; delivery < 3; delivery += 1) {
    expect((await deliver(gateway, json(subscriptionEvent()))).statusCode).toBe(200);
  }
  expect(gateway.rows.size).toBe(1);
  expect(gateway.woken).toEqual(['cus_1']);
});

test.each<[string, StoreAnswer, number]>([
  ['the database is away', { outcome: 'unavailable', reason: 'database_away' }, 503],
  ['too many wait', { outcome: 'unavailable', reason: 'overloaded' }, 503],
  ['the commit takes too long', { outcome: 'unavailable', reason: 'late' }, 503],
  ['Postgres refuses the row', { outcome: 'refused', sqlState: '22021' }, 400],
])('I1: no 2xx and no wake when %s', async (_, answer, status) => {
  const gateway = fakeGateway({ inbox: { store: async () => answer } });
  const response = await deliver(gateway, json(subscriptionEvent()));
  expect(response.statusCode).toBe(status);
  expect(response.headers['content-type']).toContain('application/problem+json');
  if (status === 503) expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
  if (status === 400) expect(response.json().detail).toContain('22021');
  expect(gateway.woken).toEqual([]);
});

test('I1: while nothing is committed, some of as many requests as there are connections are told to come again', async () => {
  const commits: (() => void)[] = [];
  let inserted = 0;
  const inbox = new InboxWriter({
    insert: (rows) => {
      inserted += rows.length;
      return new Promise((resolve) => commits.push(() => resolve(rows.map(() => 'stored'))));
    },
    onGroup: () => undefined,
    onError: () => undefined,
  });
  const gateway = fakeGateway({ inbox });
  const early: Awaited<ReturnType<typeof deliver>>[] = [];
  const answering = Array.from({ length: CONNECTIONS_MAX }, async (_, index) => {
    const answer = await deliver(gateway, json(subscriptionEvent({ id: `evt_${index}` })));
    if (answer.statusCode !== 200) early.push(answer);
  });
  await expect.poll(() => inserted + inbox.waiting + early.length, { interval: 1 }).toBe(CONNECTIONS_MAX);
  const held = WAITING_ROWS_MAX + GROUPS_IN_FLIGHT_MAX * GROUP_ROWS_MAX;
  expect(held).toBeLessThan(CONNECTIONS_MAX);
  expect(early.length).toBeGreaterThanOrEqual(CONNECTIONS_MAX - held);
  for (const { statusCode, headers } of early) {
    expect([statusCode, headers['content-type']]).toEqual([503, 'application/problem+json']);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
  }
  const metrics = (await gateway.app.inject({ url: '/metrics' })).body;
  expect(metrics).toContain(`tenantry_webhook_refused_total{reason="overloaded"} ${early.length}`);
  const closing = inbox.close();
  const commitAll = () => {
    for (const commit of commits.splice(0)) commit();
    return inbox.waiting;
  };
  await expect.poll(commitAll, { interval: 1 }).toBe(0);
  await Promise.all([closing, ...answering]);
});

test('I1: the answer waits for the commit', async () => {
  let commit: (answer: StoreAnswer) => void = () => undefined;
  const stored = new Promise<StoreAnswer>((resolve) => {
    commit = resolve;
  });
  let isAnswered = false;
  let isAsked: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    isAsked = resolve;
  });
  const store = () => {
    isAsked();
    return stored;
  };
  const gateway = fakeGateway({ inbox: { store } });
  const answering = deliver(gateway, json(subscriptionEvent())).then((answer) => {
    isAnswered = true;
    return answer;
  });
  await asked;
  // An answer that waited for nothing would be out before this one.
  await gateway.app.inject({ url: '/health/live' });
  expect([isAnswered, gateway.woken]).toEqual([false, []]);
  commit({ outcome: 'stored' });
  expect((await answering).statusCode).toBe(200);
});

test('a bad signature is refused before anything else is looked at', async () => {
  const gateway = fakeGateway();
  for (const body of ['not json', json(subscriptionEvent()), '']) {
    const answer = await deliver(gateway, body, { secret: 'whsec_wrong' });
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({
      status: 400,
      detail: expect.stringContaining('No signature fits'),
    });
  }
  const missing = await gateway.app.inject({ method: 'POST', url: '/webhooks/stripe', payload: '{}' });
  expect(missing.json().detail).toContain('missing');
  for (const timestampS of [NOW_S - 301, NOW_S + 301]) {
    expect((await deliver(gateway, '{}', { timestampS })).json().detail).toContain('300 s');
  }
  expect(gateway.rows.size).toBe(0);
});

test.each([
  ['no JSON', 'not json', 'not JSON'],
  ['nothing', '', 'not JSON'],
  ['a byte that is no UTF-8', Buffer.from('7b226964223a22ff227d', 'hex'), 'not JSON'],
  ['an array', '[]', 'no Stripe event'],
  ['null', 'null', 'no Stripe event'],
  ['an object without id', json({ type: 'customer.updated' }), 'no Stripe event'],
  ['an object without type', json({ id: 'evt_1' }), 'no Stripe event'],
])('a signed body that is %s is a 400', async (_, body, detail) => {
  const answer = await deliver(fakeGateway(), body);
  expect(answer.statusCode).toBe(400);
  expect(answer.json().detail).toContain(detail);
});

test('more than 1 MiB is a 413, exactly 1 MiB is not', async () => {
  const gateway = fakeGateway();
  const event = json(subscriptionEvent());
  const fill = (bytes: number) => event + ' '.repeat(bytes - event.length);
  expect((await deliver(gateway, fill(1_048_577))).statusCode).toBe(413);
  expect((await deliver(gateway, fill(1_048_576))).statusCode).toBe(200);
});

test('each kind of event is accepted only with its own secrets', async () => {
  const gateway = fakeGateway();
  const thin = json({
    id: 'evt_thin',
    object: 'v2.core.event',
    type: 'v1.customer.subscription.updated',
    related_object: { id: 'sub_1', type: 'subscription' },
  });
  expect((await deliver(gateway, thin, { secret: SNAPSHOT_SECRET })).statusCode).toBe(400);
  expect((await deliver(gateway, json(subscriptionEvent()), { secret: THIN_SECRET })).statusCode).toBe(400);
  expect(gateway.rows.size).toBe(0);
  expect((await deliver(gateway, thin, { secret: THIN_SECRET })).statusCode).toBe(200);
  expect(gateway.woken).toEqual(['sub_1']);
});

test('what is of no concern, of another mode or of another account is kept and wakes nobody', async () => {
  const gateway = fakeGateway();
  await deliver(gateway, json(subscriptionEvent({ id: 'evt_type', type: 'charge.succeeded' })));
  await deliver(gateway, json(subscriptionEvent({ id: 'evt_mode', livemode: true })));
  await deliver(gateway, json(subscriptionEvent({ id: 'evt_account', account: 'acct_1' })));
  expect([...gateway.rows.values()].map((row) => [row.stripeEventId, row.status, row.statusReason])).toEqual([
    ['evt_type', 'ignored', 'event_type'],
    ['evt_mode', 'parked', 'livemode_mismatch'],
    ['evt_account', 'ignored', 'connected_account'],
  ]);
  expect(gateway.woken).toEqual([]);
});

test('I9: neither log nor metrics hold an e-mail address, a name or a signature', async () => {
  const gateway = fakeGateway();
  const object = { id: 'cus_1', email: 'ada@example.com', name: 'Ada Lovelace' };
  const body = json(subscriptionEvent({ type: 'customer.updated', data: { object } }));
  await deliver(gateway, body);
  await deliver(gateway, body, { secret: 'whsec_wrong' });
  await deliver(gateway, `${body}x`);
  const metrics = (await gateway.app.inject({ url: '/metrics' })).body;
  const written = gateway.logLines.join('\n') + metrics;
  expect(written).toContain('answered');
  expect(written).not.toMatch(/ada@|Lovelace|whsec_|v1=|cus_1/);
});

test('outcomes are counted', async () => {
  const gateway = fakeGateway();
  await deliver(gateway, json(subscriptionEvent()));
  await deliver(gateway, json(subscriptionEvent()));
  await deliver(gateway, 'x');
  await deliver(gateway, '{}', { secret: 'whsec_wrong' });
  await deliver(gateway, 'x'.repeat(1_048_577));
  const metrics = (await gateway.app.inject({ url: '/metrics' })).body;
  expect(metrics).toContain('tenantry_webhook_events_total{outcome="stored"} 1');
  expect(metrics).toContain('tenantry_webhook_events_total{outcome="duplicate"} 1');
  expect(metrics).toContain('tenantry_webhook_refused_total{reason="not_json"} 1');
  expect(metrics).toContain('tenantry_webhook_refused_total{reason="signature_mismatch"} 1');
  expect(metrics).toContain('tenantry_webhook_refused_total{reason="too_large"} 1');
  expect(metrics).toContain('tenantry_webhook_ack_seconds_count{status="200"} 2');
});
