import { expect, test } from 'vitest';
import { readText } from '../docs/documents.ts';
import { creationOf, licensesChanged, licensesOf } from './stripe-change.ts';
import { until, useSystem } from './system.ts';

const system = await useSystem();
const PROCESSED = 'tenantry_events_settled_total{status="processed"}';
const METRIC = /\b(?:tenantry|process|nodejs|temporal)_\w+/g;

const gatewaysMetrics = () => textOf(`${system.gatewayUrl}/metrics`);
const workersMetrics = () => textOf(`http://127.0.0.1:${system.env.METRICS_PORT}/metrics`);

async function textOf(url: string): Promise<string> {
  return (await fetch(url)).text();
}

/** The value of a sample; undefined when it isn't there. */
function sample(text: string, name: string): number | undefined {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}

test('a change in Stripe is seen in the metrics, from its delivery to its commit', async () => {
  const change = await licensesChanged(system, 5, 6);
  await until('the licences follow', async () => (await licensesOf(system, change.purchase)) === 6);
  await system.simulator.control.waitUntilIdle();
  await until('its sync is counted', async () => (sample(await workersMetrics(), PROCESSED) ?? 0) > 0);
  await until(
    'no event waits',
    async () => sample(await workersMetrics(), 'tenantry_inbox_backlog_rows') === 0,
  );
  const gateway = await gatewaysMetrics();
  const worker = await workersMetrics();
  expect(sample(gateway, 'tenantry_webhook_events_total{outcome="stored"}')).toBeGreaterThan(0);
  expect(sample(gateway, 'tenantry_wakes_total{outcome="woken"}')).toBeGreaterThan(0);
  expect(sample(worker, 'tenantry_apply_lag_seconds_count')).toBe(sample(worker, PROCESSED));
  const requests = (await system.simulator.control.requests()).filter(({ path }) => path.includes('/v1/'));
  const counted = worker.match(/^tenantry_stripe_requests_total.* \d+$/gm) ?? [];
  const sum = counted.reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);
  expect(sum).toBeGreaterThan(0);
  expect(sum).toBeLessThan(requests.length);
});

test('every metric that alerts and board name comes from a process that has worked', async () => {
  expect((await creationOf(system, await bought()).describe()).status.name).toBe('COMPLETED');
  const texts = (await gatewaysMetrics()) + (await workersMetrics());
  const named = [readText('docs/monitoring/alerts.yml'), readText('docs/monitoring/dashboard.json')].flatMap(
    (text) => text.match(METRIC) ?? [],
  );
  for (const name of new Set(named))
    expect(texts).toMatch(new RegExp(`^# TYPE ${name.replace(/_(bucket|sum|count)$/, '')} `, 'm'));
});

async function bought() {
  const purchase = await system.buy(3);
  await system.checkOut(purchase);
  await creationOf(system, purchase).result();
  return purchase;
}
