import { describe, expect, test } from 'vitest';
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

describe('a sweep', () => {
  /** Events that have been due for so long, each of a customer of its own. */
  async function dueEvents(
    count: number,
    interval = '1 hour',
  ): Promise<{ ids: string[]; subjects: string[] }> {
    const events = Array.from({ length: count }, () => event());
    const ids = await rows.receive(...events);
    await rows.age(ids, interval);
    return { ids, subjects: events.map((one) => one.subject ?? '') };
  }

  test('I3 wakes everybody who is due, never too many at once; who was refused is found by the next', async () => {
    const { subjects } = await dueEvents(30);
    const refused = subjects[3] ?? '';
    let underWay = 0;
    let most = 0;
    let isAway = true;
    const woken: string[] = [];
    const world = activityWorld({
      database,
      stripe,
      wakeBillingSync: async (subject) => {
        underWay += 1;
        most = Math.max(most, underWay);
        await new Promise((resolve) => setImmediate(resolve));
        underWay -= 1;
        if (subject === refused && isAway) throw new Error('Temporal is away');
        woken.push(subject);
      },
    });
    expect(await world.run(world.wakeDueSubjects, undefined)).toEqual({
      subjects: 30,
      woken: 29,
      failed_wakes: 1,
      retried_events: 0,
      parked_claimed: 0,
    });
    expect(woken.toSorted()).toEqual(subjects.filter((subject) => subject !== refused).toSorted());
    expect(most).toBeLessThanOrEqual(8);
    isAway = false;
    expect(await world.run(world.wakeDueSubjects, undefined)).toMatchObject({ subjects: 1, woken: 1 });
    expect(woken.at(-1)).toBe(refused);
  });

  test('I12 an outage costs few wakes: who was woken is put off for as long as it waited, up to a minute', async () => {
    const world = activityWorld({ database, stripe });
    const sweep = () => world.run(world.wakeDueSubjects, undefined);
    const { ids } = await dueEvents(1, '45 seconds');
    const [id = ''] = ids;
    expect(await sweep()).toMatchObject({ woken: 1 });
    expect(await sweep()).toMatchObject({ subjects: 0 });
    expect(await rows.dueInSeconds(id)).toBeCloseTo(45, -1);
    await rows.age([id], '1 day');
    expect(await sweep()).toMatchObject({ woken: 1 });
    expect(await rows.dueInSeconds(id)).toBeCloseTo(60, -1);
    await pool.query("update stripe_webhook_events set status = 'processed' where stripe_event_id = $1", [
      id,
    ]);
  });

  test('I3 a sweep that is cut before it put anybody off leaves everybody due', async () => {
    const { subjects } = await dueEvents(3);
    let statements = 0;
    const cut = activityWorld({
      stripe,
      wakeBillingSync: async () => undefined,
      database: new Proxy(database, {
        get(target, property, receiver) {
          if (property !== 'execute') return Reflect.get(target, property, receiver);
          return (...statement: Parameters<typeof database.execute>) => {
            statements += 1;
            // The claim, the question for who is due, then what puts off.
            if (statements < 3) return Reflect.apply(target.execute, target, statement);
            throw new Error('killed');
          };
        },
      }),
    });
    await expect(cut.run(cut.wakeDueSubjects, undefined)).rejects.toThrow();
    const world = activityWorld({ database, stripe });
    await world.run(world.wakeDueSubjects, undefined);
    expect(world.wakes).toEqual(expect.arrayContaining(subjects));
  });

  test('I12 ends in time, and when nobody can be woken; what is left is the next one’s', async () => {
    await dueEvents(20);
    let nowMs = 0;
    const slow = activityWorld({
      database,
      stripe,
      now: () => new Date(nowMs),
      wakeBillingSync: async () => {
        nowMs += 10_000;
      },
    });
    expect(await slow.run(slow.wakeDueSubjects, undefined)).toMatchObject({ subjects: 20, woken: 8 });
    const refused: string[] = [];
    const refusing = activityWorld({
      database,
      stripe,
      wakeBillingSync: (subject) => {
        refused.push(subject);
        return Promise.reject(new Error('Temporal is away'));
      },
    });
    expect(await refusing.run(refusing.wakeDueSubjects, undefined)).toMatchObject({
      subjects: 12,
      woken: 0,
      failed_wakes: 8,
    });
    const world = activityWorld({ database, stripe });
    // Whom Temporal refused stands behind the others, so that nobody is kept from his wake for ever.
    expect(await world.run(world.wakeDueSubjects, undefined)).toMatchObject({ subjects: 12, woken: 12 });
    expect(world.wakes.slice(4).toSorted()).toEqual(refused.toSorted());
  });
});
