import { describe, expect, test } from 'vitest';
import { linkCustomer } from '../../db/billing-projection.ts';
import { insertWebhookEvents } from '../../db/inbox.ts';
import {
  claimParkedEvents,
  failEvents,
  fileUnderCustomer,
  PENDING_EVENTS_MAX,
  pendingEvents,
  settleEvents,
  settleEventsOfUnknownCustomer,
  subjectsToWake,
} from '../../db/webhook-events.ts';
import { MASTER_BILLING_TENANT_ID, useDatabase } from '../database.ts';
import { at, billingRows, event, newId } from './billing-rows.ts';

const { database, pool } = await useDatabase();
const rows = billingRows({ database, pool });
const parked = (stripeEventId: string) => ({
  stripeEventId,
  status: 'parked' as const,
  reason: 'unknown_customer' as const,
});
const age = (ids: string[], interval: string) =>
  pool.query(
    'update stripe_webhook_events set created_at = now() - $2::interval where stripe_event_id = any($1)',
    [ids, interval],
  );

test('I2 twenty writers of the same events store each once', async () => {
  const events = Array.from({ length: 5 }, () => event());
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, () =>
      insertWebhookEvents(
        pool,
        events.map((one) => ({ ...one, payload: '{}' })),
      ),
    ),
  );
  expect(outcomes.flat().filter((outcome) => outcome === 'stored')).toHaveLength(5);
});

describe('settling', () => {
  test('each event gets its own verdict, and no other event is touched', async () => {
    const subject = newId('cus');
    const [done = '', ignored = '', waiting = '', other = ''] = await rows.receive(
      ...Array.from({ length: 4 }, () => event({ subject })),
    );
    const { tenant } = await rows.tenantWithCustomer();
    await settleEvents(database, {
      verdicts: [
        { stripeEventId: done, status: 'processed' },
        { stripeEventId: ignored, status: 'ignored', reason: 'awaiting_payment' },
        parked(waiting),
      ],
      tenant,
    });
    expect(await rows.eventRow(done)).toMatchObject({
      status: 'processed',
      status_reason: null,
      tenant,
      attempts: 1,
    });
    expect(await rows.eventRow(ignored)).toMatchObject({
      status: 'ignored',
      status_reason: 'awaiting_payment',
    });
    expect(await rows.eventRow(waiting)).toMatchObject({
      status: 'parked',
      status_reason: 'unknown_customer',
    });
    expect(await rows.eventRow(other)).toMatchObject({ status: 'received', tenant: null, attempts: 0 });
  });

  test.each(['processed', 'ignored', 'parked', 'failed'])(
    'I3 a late writer does not undo %s',
    async (status) => {
      const reason = status === 'processed' ? null : 'event_type';
      const [id = ''] = await rows.receive(event());
      await pool.query(
        'update stripe_webhook_events set status = $2, status_reason = $3 where stripe_event_id = $1',
        [id, status, reason],
      );
      await settleEvents(database, { verdicts: [{ stripeEventId: id, status: 'processed' }], tenant: null });
      await failEvents(database, { stripeEventIds: [id], reason: 'InvalidInput', error: 'late' });
      expect(await rows.eventRow(id)).toMatchObject({
        status,
        status_reason: reason,
        attempts: 0,
        last_error: null,
      });
    },
  );

  test('nothing to settle is no statement that could match everything', async () => {
    const [id = ''] = await rows.receive(event());
    await settleEvents(database, { verdicts: [], tenant: null });
    await failEvents(database, { stripeEventIds: [], reason: 'x', error: 'x' });
    expect(await rows.eventRow(id)).toMatchObject({ status: 'received' });
  });

  test('an unknown tenant keeps the one that was known', async () => {
    const { tenant } = await rows.tenantWithCustomer();
    const [id = ''] = await rows.receive(event());
    await pool.query('update stripe_webhook_events set tenant = $2 where stripe_event_id = $1', [id, tenant]);
    await settleEvents(database, { verdicts: [{ stripeEventId: id, status: 'processed' }], tenant: null });
    expect(await rows.eventRow(id)).toMatchObject({ status: 'processed', tenant });
  });
});

test('I12 one round notes a bounded number of events, the oldest', async () => {
  const subject = newId('cus');
  const events = Array.from({ length: PENDING_EVENTS_MAX + 1 }, () => event({ subject }));
  const ids = await rows.receive(...events);
  await age(ids.slice(-1), '1 hour');
  const noted = await pendingEvents(database, subject);
  expect(noted).toHaveLength(PENDING_EVENTS_MAX);
  expect(noted[0]?.stripeEventId).toBe(ids.at(-1));
});

test('events of a customer that became known meanwhile are not parked', async () => {
  const { customer } = await rows.tenantWithCustomer();
  const [id = ''] = await rows.receive(event({ subject: customer }));
  expect(await settleEventsOfUnknownCustomer(database, { subject: customer, verdicts: [parked(id)] })).toBe(
    false,
  );
  expect(await rows.eventRow(id)).toMatchObject({ status: 'received' });
});

test('I3 parking races with provisioning: once both are done, nothing of a known customer stays parked', async () => {
  const rounds = Array.from({ length: 60 }, async () => {
    const { tenant } = await rows.tenantWithCustomer();
    const customer = newId('cus');
    const ids = await rows.receive(event({ subject: customer }), event({ subject: customer }));
    const provisioning = async () => {
      await linkCustomer(database, {
        customer,
        tenant,
        billingTenant: MASTER_BILLING_TENANT_ID,
        email: null,
        name: null,
        now: at(0),
      });
      await claimParkedEvents(database, { subject: customer, tenant });
    };
    const parking = ids.map((id) =>
      settleEventsOfUnknownCustomer(database, { subject: customer, verdicts: [parked(id)] }),
    );
    await Promise.all([...parking, provisioning()]);
    return Promise.all(ids.map(async (id) => (await rows.eventRow(id))?.status));
  });
  expect(new Set((await Promise.all(rounds)).flat())).toEqual(new Set(['received']));
});

/** A transaction of somebody else, under the lock on the subject, that ends when the test says so. */
async function underLock(subject: string, statement: { text: string; values: unknown[] }) {
  const client = await pool.connect();
  await client.query('begin');
  await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [subject]);
  await client.query(statement);
  return async () => {
    await client.query('commit');
    client.release();
  };
}

test('I3 parking waits for a provisioning that is under way, and then sees its customer', async () => {
  const { tenant } = await rows.tenantWithCustomer();
  const customer = newId('cus');
  const [id = ''] = await rows.receive(event({ subject: customer }));
  const commit = await underLock(customer, {
    text: 'insert into stripe_customers (tenant, stripe_customer_external_id, billing_tenant) values ($1, $2, $3)',
    values: [tenant, customer, MASTER_BILLING_TENANT_ID],
  });
  const parking = settleEventsOfUnknownCustomer(database, { subject: customer, verdicts: [parked(id)] });
  await rows.someoneWaits().finally(commit);
  expect(await parking).toBe(false);
  expect(await rows.eventRow(id)).toMatchObject({ status: 'received' });
});

const making = {
  'a link': (customer: string, tenant: string) =>
    linkCustomer(database, {
      customer,
      tenant,
      billingTenant: MASTER_BILLING_TENANT_ID,
      email: null,
      name: null,
      now: at(0),
    }),
  'a provisioning': (customer: string) => rows.tenantWithCustomer({ stripe_customer_id: customer }),
};
test.each(['a link', 'a provisioning'] as const)(
  'I3 %s waits for a parking that is under way, so its claim sees the event',
  async (kind) => {
    const { tenant } = await rows.tenantWithCustomer();
    const customer = newId('cus');
    const [id = ''] = await rows.receive(event({ subject: customer }));
    const commit = await underLock(customer, {
      text: "update stripe_webhook_events set status = 'parked', status_reason = 'unknown_customer' where stripe_event_id = $1",
      values: [id],
    });
    const made = making[kind](customer, tenant);
    await rows.someoneWaits().finally(commit);
    await made;
    expect(await claimParkedEvents(database, { subject: customer, tenant })).toBe(1);
  },
);

test('a claim takes what was parked for want of the customer and counts all that waits', async () => {
  const { tenant, customer } = await rows.tenantWithCustomer();
  const [unknown = '', mode = '', waiting = '', foreign = ''] = await rows.receive(
    event({ subject: customer, status: 'parked', statusReason: 'unknown_customer' }),
    event({ subject: customer, status: 'parked', statusReason: 'livemode_mismatch' }),
    event({ subject: customer }),
    event({ status: 'parked', statusReason: 'unknown_customer' }),
  );
  expect(await claimParkedEvents(database, { subject: customer, tenant })).toBe(2);
  expect(await rows.eventRow(unknown)).toMatchObject({ status: 'received', status_reason: null, tenant });
  expect(await rows.eventRow(mode)).toMatchObject({ status: 'parked', status_reason: 'livemode_mismatch' });
  expect(await rows.eventRow(waiting)).toMatchObject({ status: 'received' });
  expect(await rows.eventRow(foreign)).toMatchObject({ status: 'parked' });
});

test('only pending events are filed under the customer they led to', async () => {
  const subject = newId('sub');
  const customer = newId('cus');
  const [pending = '', done = ''] = await rows.receive(
    event({ subject }),
    event({ subject, status: 'ignored', statusReason: 'event_type' }),
  );
  await fileUnderCustomer(database, { subject, customer });
  expect(await rows.eventRow(pending)).toMatchObject({ subject: customer, status: 'received' });
  expect(await rows.eventRow(done)).toMatchObject({ subject });
});

describe('the sweep', () => {
  const wake = (limit = 1_000) => subjectsToWake(database, { pendingForMs: 30_000, limit });

  test('I3 wakes who waits too long and whose customer is known by now, each once, and nobody else', async () => {
    const { customer } = await rows.tenantWithCustomer();
    const [late, fresh, nobody, otherMode] = [newId('cus'), newId('cus'), newId('cus'), newId('cus')];
    const ids = await rows.receive(
      event({ subject: late }),
      event({ subject: late }),
      event({ subject: fresh }),
      event({ subject: customer, status: 'parked', statusReason: 'unknown_customer' }),
      event({ subject: customer, status: 'parked', statusReason: 'unknown_customer' }),
      event({ subject: nobody, status: 'parked', statusReason: 'unknown_customer' }),
      event({ subject: otherMode, status: 'parked', statusReason: 'livemode_mismatch' }),
    );
    await age(ids.slice(0, 2), '31 seconds');
    const woken = await wake();
    expect(woken.filter((subject) => subject === late)).toHaveLength(1);
    expect(woken.filter((subject) => subject === customer)).toHaveLength(1);
    for (const subject of [fresh, nobody, otherMode]) expect(woken).not.toContain(subject);
  });

  test('I12 is bounded, and takes those first that wait longest', async () => {
    const [old, older, oldest] = [newId('cus'), newId('cus'), newId('cus')];
    const [a = '', b = '', c = ''] = await rows.receive(
      event({ subject: old }),
      event({ subject: older }),
      event({ subject: oldest }),
    );
    await age([a], '1 day');
    await age([b], '2 days');
    await age([c], '3 days');
    expect(await wake(2)).toEqual([oldest, older]);
  });
});
