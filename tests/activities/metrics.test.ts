import { expect, test } from 'vitest';
import { createStripe } from '../../stripe/client.ts';
import { useDatabase } from '../database.ts';
import { billingRows, event } from '../db/billing-rows.ts';
import { useStripe } from '../stripe/stripe-simulator.ts';
import { activityWorld } from './activity-world.ts';

const { database, pool } = await useDatabase();
const rows = billingRows({ database, pool });
const { stripe, customer } = await useStripe();
const NOW = new Date('2026-11-21T12:00:00Z');
const before = (seconds: number) => new Date(NOW.getTime() - seconds * 1000);

/** The samples of one metric, without help and type. */
async function samples(world: ReturnType<typeof activityWorld>, metric: string): Promise<string[]> {
  return (await world.metricsText()).split('\n').filter((line) => line.startsWith(metric));
}

test('a sync counts what it settled, and how long after its creation each event was applied', async () => {
  const world = activityWorld({ database, stripe, now: () => NOW });
  const { customer: subject } = await rows.tenantWithCustomer({ stripe_customer_id: (await customer()).id });
  await rows.receive(
    event({ subject, eventCreatedAt: before(3) }),
    event({ subject, eventCreatedAt: before(100) }),
    event({ subject, eventCreatedAt: before(-5) }),
    event({ subject, eventCreatedAt: null }),
  );
  await world.run(world.syncSubject, { subject, only_pending: true });
  await world.run(world.syncSubject, { subject, only_pending: true });
  expect(await samples(world, 'tenantry_events_settled_total')).toContain(
    'tenantry_events_settled_total{status="processed"} 4',
  );
  const lag = await samples(world, 'tenantry_apply_lag_seconds');
  expect(lag).toContain('tenantry_apply_lag_seconds_bucket{le="1"} 1');
  expect(lag).toContain('tenantry_apply_lag_seconds_bucket{le="5"} 2');
  expect(lag).toContain('tenantry_apply_lag_seconds_sum 103');
  expect(lag).toContain('tenantry_apply_lag_seconds_count 3');
});

test('events that are parked count as parked, and were not applied', async () => {
  const world = activityWorld({ database, stripe, now: () => NOW });
  const subject = (await customer()).id;
  await rows.receive(event({ subject, eventCreatedAt: before(3) }));
  await world.run(world.syncSubject, { subject, only_pending: true });
  expect(await samples(world, 'tenantry_events_settled_total')).toContain(
    'tenantry_events_settled_total{status="parked"} 1',
  );
  expect(await samples(world, 'tenantry_apply_lag_seconds_count')).toEqual([
    'tenantry_apply_lag_seconds_count 0',
  ]);
});

test('an attempt that fails for good counts by its failure', async () => {
  const refused = createStripe({ secretKey: 'sk_test_1', apiBase: 'http://127.0.0.1:1' });
  const list = () => {
    throw new Error('no name of ours');
  };
  Object.assign(refused, { subscriptions: { list } });
  const world = activityWorld({ database, stripe: refused });
  const { customer: subject } = await rows.tenantWithCustomer();
  await rows.receive(event({ subject }));
  await expect(world.run(world.syncSubject, { subject, only_pending: true }, 5)).rejects.toThrow();
  expect(await samples(world, 'tenantry_event_attempts_failed_total')).toEqual([
    'tenantry_event_attempts_failed_total{reason="Unexpected"} 1',
  ]);
  expect(await samples(world, 'tenantry_events_settled_total')).toContain(
    'tenantry_events_settled_total{status="failed"} 0',
  );
});

test('a sweep counts itself and its wakes', async () => {
  const due = event();
  const [id = ''] = await rows.receive(due);
  await rows.age([id], '1 hour');
  const world = activityWorld({ database, stripe });
  const { woken } = await world.run(world.wakeDueSubjects, undefined);
  expect(woken).toBeGreaterThan(0);
  expect(await samples(world, 'tenantry_sweep')).toEqual([
    'tenantry_sweeps_total 1',
    `tenantry_sweep_wakes_total{outcome="woken"} ${woken}`,
    'tenantry_sweep_wakes_total{outcome="refused"} 0',
  ]);
});
