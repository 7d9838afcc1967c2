import { expect, test } from 'vitest';
import { WEBHOOK_REFUSALS } from '../../domain/webhook-refusals.ts';
import { createServer } from '../../sandbox/stripe/api/server.ts';
import { createSimulation } from '../../sandbox/stripe/simulation.ts';
import { defaultDeliverySettings } from '../../sandbox/stripe/webhooks/delivery-settings.ts';
import { checkoutStatusSchema } from '../../webhook-gateway/routes/checkout-schemas.ts';
import { API_KEY, fakeGateway } from '../webhook-gateway/fake-gateway.ts';
import {
  codeBlocks,
  documents,
  inlineCode,
  readText,
  section,
  shellCommands,
  tableRows,
} from './documents.ts';

const ROUTE = /^(GET|POST|DELETE) (\/\S*)$/;
const CONTROL = section(readText('docs/simulator.md'), '## The control API');
const STORE = readText('docs/nm-store.md');

type Route = { method: 'GET' | 'POST' | 'DELETE'; url: string };

/** Routes in backticks, `{name}` as Fastify writes it. */
function routesIn(text: string): Route[] {
  return inlineCode(text).flatMap((code) => {
    const [, method, path] = ROUTE.exec(code) ?? [];
    return method && path
      ? [{ method: method as Route['method'], url: path.replaceAll(/\{(\w+)\}/g, ':$1') }]
      : [];
  });
}

test.each(documents.filter(({ path }) => path !== 'docs/simulator.md'))(
  'every route in $path is one of the gateway',
  async ({ text }) => {
    const { app } = fakeGateway();
    await app.ready();
    for (const route of routesIn(text)) expect(app.hasRoute(route), JSON.stringify(route)).toBe(true);
  },
);

test('the control API of the simulator is documented whole, with bodies that it takes', async () => {
  const app = createServer(
    createSimulation({
      seed: 1,
      now: Date.now,
      publicUrl: () => 'http://127.0.0.1',
      deliverySettings: defaultDeliverySettings,
    }),
  );
  const registered: string[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    if (url.startsWith('/_control/') && method !== 'HEAD') registered.push(`${method} ${url}`);
  });
  await app.ready();
  expect(
    routesIn(CONTROL)
      .map(({ method, url }) => `${method} ${url}`)
      .sort(),
  ).toEqual(registered.sort());
  for (const [route = '', body = ''] of tableRows(CONTROL)) {
    const [{ method, url } = { method: 'GET', url: '' }] = routesIn(route);
    if (url.includes(':')) continue;
    const payload = body === '' ? (method === 'POST' ? {} : undefined) : JSON.parse(body.replaceAll('`', ''));
    const answer = await app.inject({ method, url, ...(payload && { payload }) });
    expect([200, 422].includes(answer.statusCode), `${route}: ${answer.body}`).toBe(true);
    if (body !== '') expect(answer.statusCode, `${route}: ${answer.body}`).toBe(200);
  }
  await app.close();
});

test('the store’s curl command is accepted and answered as shown', async () => {
  const command = shellCommands(STORE.replaceAll(/\n(?= *["{}])/g, ' ')).find((line) =>
    line.includes('/checkouts'),
  );
  const body: unknown = JSON.parse(/-d '(.*)'/.exec(command ?? '')?.[1] ?? '');
  const [accepted] = jsonBlocks(STORE);
  const started: unknown[] = [];
  const gateway = fakeGateway({
    tenancy: {
      startCheckout: async (checkout) => {
        started.push(checkout);
        const workflowId = `create-tenant-${checkout.stripe_customer_id}`;
        return { outcome: 'accepted', workflowId, runId: 'run', joined: false };
      },
      describe: async () => undefined,
      progressOf: async () => ({ steps: [] }),
      resultOf: async () => ({ tenant: '', licensed_user_count: null }),
    },
  });
  const answer = await gateway.app.inject({
    method: 'POST',
    url: '/checkouts',
    headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
    payload: JSON.stringify(body),
  });
  expect([answer.statusCode, answer.json()]).toEqual([202, accepted]);
  expect(started).toEqual([body]);
});

test('the status that the store’s page shows is of the documented shape', () => {
  const [, status] = jsonBlocks(STORE);
  expect(checkoutStatusSchema.parse(status)).toEqual(status);
});

test('the refusals of webhooks are quoted as the gateway gives them', () => {
  const rows = tableRows(section(readText('docs/troubleshooting.md'), '## Signature failed'));
  expect(rows.length).toBeGreaterThan(0);
  for (const [answer, reason = ''] of rows) {
    const name = reason.replaceAll('`', '') as keyof typeof WEBHOOK_REFUSALS;
    expect(answer).toBe(WEBHOOK_REFUSALS[name]);
  }
});

function jsonBlocks(text: string): unknown[] {
  return codeBlocks(text)
    .filter((block) => block.language === 'json')
    .map((block) => JSON.parse(block.code));
}
