import { expect, test } from 'vitest';
import { createStripe } from '../../stripe/client.ts';
import { useDatabase } from '../database.ts';
import { billingRows, event } from '../db/billing-rows.ts';
import { activityWorld } from './activity-world.ts';

const { database, pool } = await useDatabase();
const rows = billingRows({ database, pool });
const stripe = createStripe({ secretKey: 'sk_test_1', apiBase: 'http://127.0.0.1:1' });

test('a tenant’s claim takes its parked events and tells how many wait', async () => {
  const world = activityWorld({ database, stripe });
  const { tenant, customer } = await rows.tenantWithCustomer();
  const parked = event({ subject: customer, status: 'parked', statusReason: 'unknown_customer' });
  const [id = ''] = await rows.receive(parked, event({ subject: customer }));
  expect(await world.run(world.claimEvents, { customer, tenant })).toEqual({ pending: 2 });
  expect(await world.run(world.claimEvents, { customer, tenant }, 2)).toEqual({ pending: 2 });
  expect(await rows.eventRow(id)).toMatchObject({ status: 'received', tenant });
  await world.run(world.wakeBillingSync, { subject: customer });
  expect(world.wakes).toEqual([customer]);
});

test('I3 a sweep wakes everybody who is due, also when some wakes fail, and never too many at once', async () => {
  const due = Array.from({ length: 30 }, () => event());
  const ids = await rows.receive(...due);
  await pool.query(
    "update stripe_webhook_events set created_at = now() - interval '1 hour' where stripe_event_id = any($1)",
    [ids],
  );
  let underWay = 0;
  let most = 0;
  const woken = new Set<string>();
  const refused = due[3]?.subject;
  const world = activityWorld({
    database,
    stripe,
    wakeBillingSync: async (subject) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
      if (subject === refused) throw new Error('Temporal is away');
      woken.add(subject);
    },
  });
  const swept = await world.run(world.wakeDueSubjects, undefined);
  expect(swept.subjects - swept.woken).toBe(1);
  for (const { subject } of due) if (subject !== refused) expect(woken).toContain(subject);
  expect(most).toBeLessThanOrEqual(8);
});
