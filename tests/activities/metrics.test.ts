import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { type ClosedCase, createActivityMetrics } from '../../activities/metrics.ts';
import { keepPolicy } from '../../db/dunning-policies.ts';
import { createStripe } from '../../stripe/client.ts';
import { useDatabase } from '../database.ts';
import { billingRows, DUNNING_POLICY, event, newId } from '../db/billing-rows.ts';
import { useStripe } from '../stripe/stripe-simulator.ts';
import { activityWorld } from './activity-world.ts';

const { database, pool } = await useDatabase();
const rows = billingRows({ database, pool });
const { stripe, customer, price, subscription } = await useStripe();
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
  expect(await samples(world, 'tenantry_event_attempts_failed_total')).toContain(
    'tenantry_event_attempts_failed_total{reason="Unexpected"} 1',
  );
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

function ownRegistry() {
  const registry = new Registry();
  const metrics = createActivityMetrics(registry);
  return {
    metrics,
    /** Samples of a metric that are not zero. */
    async counted(metric: string): Promise<string[]> {
      const lines = (await registry.metrics()).split('\n').filter((line) => line.startsWith(metric));
      return lines.filter((line) => !line.endsWith(' 0'));
    },
    text: () => registry.metrics(),
  };
}

const DAY_MS = 24 * 60 * 60 * 1000;
const RECOVERED: ClosedCase = {
  outcome: 'recovered',
  stage: 'reminder',
  declineCode: 'expired_card',
  currency: 'usd',
  recoveredMinor: 4_900,
  openMs: 4 * DAY_MS,
};

test('a case that ends counts by outcome, stage and what the customer could do', async () => {
  const { metrics, counted } = ownRegistry();
  metrics.dunningClosed(RECOVERED);
  metrics.dunningClosed({ ...RECOVERED, declineCode: 'insufficient_funds', stage: null });
  metrics.dunningClosed({ ...RECOVERED, outcome: 'written_off', declineCode: null, stage: 'write-off' });
  expect(await counted('tenantry_dunning_closed_total')).toEqual([
    'tenantry_dunning_closed_total{outcome="recovered",stage="reminder",decline="new_card"} 1',
    'tenantry_dunning_closed_total{outcome="recovered",stage="none",decline="try_later"} 1',
    'tenantry_dunning_closed_total{outcome="written_off",stage="write-off",decline="none"} 1',
  ]);
});

test('only what was paid counts as recovered, by currency, code and stage, with the days that it took', async () => {
  const { metrics, counted } = ownRegistry();
  metrics.dunningClosed(RECOVERED);
  metrics.dunningClosed({ ...RECOVERED, recoveredMinor: 100 });
  metrics.dunningClosed({ ...RECOVERED, currency: 'jpy', declineCode: null, stage: null });
  for (const outcome of ['voided', 'excluded', 'canceled', 'written_off'] as const)
    metrics.dunningClosed({ ...RECOVERED, outcome });
  expect(await counted('tenantry_dunning_recovered_minor_total')).toEqual([
    'tenantry_dunning_recovered_minor_total{currency="usd",decline_code="expired_card",stage="reminder"} 5000',
    'tenantry_dunning_recovered_minor_total{currency="jpy",decline_code="none",stage="none"} 4900',
  ]);
  const days = await counted('tenantry_dunning_recovery_days');
  expect(days[0]).toBe('tenantry_dunning_recovery_days_bucket{le="5"} 3');
  expect(days).toContain('tenantry_dunning_recovery_days_count 3');
});

test('attempts and wakes stand at zero before the first one: their increase shows', async () => {
  const { text } = ownRegistry();
  const zeros = await text();
  for (const reason of ['DatabaseRefused', 'StripePermissionDenied', 'Unexpected'])
    expect(zeros).toContain(`tenantry_event_attempts_failed_total{reason="${reason}"} 0\n`);
  for (const outcome of ['woken', 'refused'])
    expect(zeros).toContain(`tenantry_sweep_wakes_total{outcome="${outcome}"} 0\n`);
});

test('outcomes and notices stand at zero before the first one: their increase shows', async () => {
  const { text } = ownRegistry();
  const zeros = await text();
  expect(zeros).toContain(
    'tenantry_dunning_closed_total{outcome="canceled",stage="none",decline="none"} 0\n',
  );
  expect(zeros).toContain('tenantry_notices_total{kind="final_notice",status="failed"} 0\n');
  expect(zeros).not.toContain('kind="invitation"');
});

/** A subscription with a case whose notice stands in the outbox; its invoice is paid in Stripe. */
async function queuedNotice(world: ReturnType<typeof activityWorld>) {
  const made = await customer();
  const owner = await rows.tenantWithCustomer({ stripe_customer_id: made.id });
  const bought = await subscription(made.id, [{ price: (await price()).id, quantity: 1 }]);
  await world.run(world.syncSubject, { subject: made.id, only_pending: false });
  const policy = await database.transaction((transaction) => keepPolicy(transaction, DUNNING_POLICY));
  const { rows: found } = await pool.query(
    `with dunned as (
       insert into dunning_cases (tenant, stripe_subscription_id, stripe_subscription_external_id, dunning_policy_id,
         anchor_invoice, attention_due_at, opened_at)
       select tenant, stripe_subscription_id, $1, $2, $3, now(), now() from stripe_subscriptions
       where stripe_subscription_external_id = $1 returning tenant, dunning_case_id),
     mail as (
       insert into notifications (tenant, dedupe_key, kind, recipient, dunning_case_id)
       select tenant, $4, 'reminder', 'ada@example.com', dunning_case_id from dunned
       returning tenant, notification_id, dunning_case_id)
     insert into dunning_steps (tenant, dunning_case_id, anchor_invoice, stage, notification_id, is_applied, entered_at)
     select tenant, dunning_case_id, $3, 'reminder', notification_id, true, now() from mail
     returning notification_id as id`,
    [bought.id, policy, String(bought.latest_invoice), newId('key')],
  );
  return { tenant: owner.tenant, notification_id: found[0].id };
}

test('a notice that is not sent because its invoice was just paid counts as suppressed, once', async () => {
  const world = activityWorld({ database, stripe });
  const notice = { ...(await queuedNotice(world)), now: NOW.toISOString() };
  expect(await world.run(world.deliverDunningNotice, notice)).toEqual({ status: 'suppressed' });
  const counted = await samples(world, 'tenantry_notices_total{kind="reminder"');
  expect(counted).toContain('tenantry_notices_total{kind="reminder",status="suppressed"} 1');
  expect(counted).toContain('tenantry_notices_total{kind="reminder",status="sent"} 0');
});

test('I11 a try that was slower than the one that sent the notice is neither counted nor recorded', async () => {
  const world = activityWorld({ database, stripe });
  const notice = { ...(await queuedNotice(world)), now: NOW.toISOString() };
  await pool.query("update notifications set status = 'sent', sent_at = now() where notification_id = $1", [
    notice.notification_id,
  ]);
  await world.run(world.deliverDunningNotice, notice);
  expect(await samples(world, 'tenantry_notices_total{kind="reminder",status="suppressed"}')).toEqual([
    'tenantry_notices_total{kind="reminder",status="suppressed"} 0',
  ]);
  const { rowCount } = await pool.query('select from dunning_events where tenant = $1', [notice.tenant]);
  expect(rowCount).toBe(0);
});
