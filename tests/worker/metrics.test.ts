import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import type { DunningFigures } from '../../db/dunning-figures.ts';
import type { InboxBacklog } from '../../db/inbox-backlog.ts';
import type { ReconcileFigures } from '../../db/reconcile.ts';
import { createStripe } from '../../stripe/client.ts';
import { createWorkerMetrics } from '../../worker/metrics.ts';

const BACKLOG: InboxBacklog = { rows: 7, oldestMs: 1_500, parkedRows: 3, failedRows: 2 };
const FIGURES: DunningFigures = {
  openCases: [
    { state: 'retrying', cases: 4 },
    { state: 'suspended', cases: 1 },
  ],
  atRisk: [{ currency: 'usd', minor: 9_800 }],
  unreachable: 2,
  restrictedWithoutDebt: 0,
  mails: { waiting: 5, oldestMs: 90_000 },
};

const RECONCILED: ReconcileFigures = {
  openDrift: [{ kind: 'subscription', rows: 3 }],
  ages: [
    { half: 'events', ageMs: 90_000 },
    { half: 'billing', ageMs: 5_400_500 },
  ],
};

/** Answers one after the other, the last one again and again. */
function inTurn<T>(answers: (T | Error)[]): () => Promise<T> {
  return async () => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer === undefined || answer instanceof Error) throw answer;
    return answer;
  };
}

function fakeBacklog(
  answers: (InboxBacklog | Error)[],
  figures: (DunningFigures | Error)[] = [FIGURES],
  reconciled: (ReconcileFigures | Error)[] = [RECONCILED],
) {
  let nowMs = 0;
  let reads = 0;
  const readBacklog = inTurn(answers);
  const metrics = createWorkerMetrics({
    nowMs: () => nowMs,
    readDunning: inTurn(figures),
    readReconcile: inTurn(reconciled),
    readBacklog: () => {
      reads += 1;
      return readBacklog();
    },
  });
  return {
    text: () => metrics.registry.metrics(),
    metrics,
    reads: () => reads,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

test('the backlog is read once for all that look within ten seconds', async () => {
  const { text, reads, pass } = fakeBacklog([BACKLOG, { ...BACKLOG, rows: 8 }]);
  expect(await text()).toContain('tenantry_inbox_backlog_rows 7\n');
  expect(await text()).toContain('tenantry_inbox_oldest_seconds 1.5\n');
  expect(await text()).toContain('tenantry_inbox_parked_rows 3\n');
  expect(await text()).toContain('tenantry_inbox_failed_rows 2\n');
  expect(reads()).toBe(1);
  pass(10_001);
  expect(await text()).toContain('tenantry_inbox_backlog_rows 8\n');
  expect(reads()).toBe(2);
});

test('while Postgres is away the backlog is missing, not old, and the other metrics are there', async () => {
  const { text, pass } = fakeBacklog([BACKLOG, new Error('away'), BACKLOG]);
  await text();
  pass(10_001);
  const away = await text();
  expect(away).not.toMatch(/^tenantry_inbox_/m);
  expect(away).toContain('process_cpu_user_seconds_total');
  pass(10_001);
  expect(await text()).toContain('tenantry_inbox_backlog_rows 7\n');
});

const OF_RECONCILE = /^tenantry_(?:drift_open_rows|reconcile_age_seconds).*$/gm;

test('what stands of drift is shown by kind, those without any as 0, and since when nobody has looked', async () => {
  const { text } = fakeBacklog([BACKLOG]);
  expect((await text()).match(OF_RECONCILE)).toEqual([
    'tenantry_drift_open_rows{kind="subscription"} 3',
    'tenantry_drift_open_rows{kind="invoice"} 0',
    'tenantry_drift_open_rows{kind="customer"} 0',
    'tenantry_drift_open_rows{kind="tenant"} 0',
    'tenantry_drift_open_rows{kind="product"} 0',
    'tenantry_reconcile_age_seconds{half="events"} 90',
    'tenantry_reconcile_age_seconds{half="billing"} 5400.5',
  ]);
});

test('while Postgres is away drift is missing, not none', async () => {
  const { text } = fakeBacklog([BACKLOG], [FIGURES], [new Error('away')]);
  expect((await text()).match(OF_RECONCILE)).toBeNull();
});

const OF_DUNNING =
  /^tenantry_(?:dunning_(?:open|at_risk|unreachable)|restricted_|notices_(?:waiting|oldest)).*$/gm;

test('the figures of dunning and of the mails are shown by their labels', async () => {
  const { text } = fakeBacklog([BACKLOG]);
  expect((await text()).match(OF_DUNNING)).toEqual([
    'tenantry_dunning_open_cases{state="retrying"} 4',
    'tenantry_dunning_open_cases{state="suspended"} 1',
    'tenantry_dunning_at_risk_minor{currency="usd"} 9800',
    'tenantry_dunning_unreachable_cases 2',
    'tenantry_restricted_without_debt 0',
    'tenantry_notices_waiting 5',
    'tenantry_notices_oldest_seconds 90',
  ]);
});

test('a state that no case is in any more is shown no more', async () => {
  const { text, pass } = fakeBacklog([BACKLOG], [FIGURES, { ...FIGURES, openCases: [] }]);
  expect(await text()).toContain('tenantry_dunning_open_cases{state="suspended"} 1\n');
  pass(10_001);
  expect(await text()).not.toContain('tenantry_dunning_open_cases{');
});

test('figures that can’t be read are missing, above all «restricted without debt»: it is not 0 then', async () => {
  const { text, pass } = fakeBacklog([BACKLOG], [FIGURES, new Error('away'), FIGURES]);
  await text();
  pass(10_001);
  const away = await text();
  expect(away.match(OF_DUNNING)).toBeNull();
  expect(away).toContain('tenantry_inbox_backlog_rows 7\n');
  pass(10_001);
  expect(await text()).toContain('tenantry_restricted_without_debt 0\n');
});

test('requests stand at zero before the first one: their increase shows', async () => {
  const zeros = (await fakeBacklog([BACKLOG]).text()).match(/^tenantry_stripe_requests_total.*$/gm);
  expect(zeros).toHaveLength(15);
  expect(zeros).toContain('tenantry_stripe_requests_total{method="GET",answer="429"} 0');
  expect(zeros).toContain('tenantry_stripe_requests_total{method="DELETE",answer="none"} 0');
});

test('every request to Stripe is counted by what was answered, also when nothing was', async () => {
  const statuses = [200, 404, 429, 500];
  const server = createServer((_request, response) => {
    response.writeHead(statuses.shift() ?? 200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { metrics, text } = fakeBacklog([BACKLOG]);
  const stripe = createStripe({
    secretKey: 'sk_test_1',
    apiBase: `http://127.0.0.1:${port}`,
    onRequest: metrics.stripeRequest,
  });
  for (const _ of Array(4)) await stripe.customers.retrieve('cus_1').catch(() => undefined);
  await stripe.customers.update('cus_1', {});
  server.close();
  server.closeAllConnections();
  await expect(stripe.customers.retrieve('cus_1')).rejects.toThrow();
  const counted = (await text()).match(/^tenantry_stripe_requests_total.* [1-9]\d*$/gm);
  expect(counted).toEqual([
    'tenantry_stripe_requests_total{method="GET",answer="2xx"} 1',
    'tenantry_stripe_requests_total{method="GET",answer="4xx"} 1',
    'tenantry_stripe_requests_total{method="GET",answer="429"} 1',
    'tenantry_stripe_requests_total{method="GET",answer="5xx"} 1',
    // The SDK asks once more when a connection that was open turns out to be closed.
    expect.stringMatching(/method="GET",answer="none"} [12]$/),
    'tenantry_stripe_requests_total{method="POST",answer="2xx"} 1',
  ]);
});
