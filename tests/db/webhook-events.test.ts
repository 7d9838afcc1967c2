import { describe, expect, test } from 'vitest';
import { linkCustomer } from '../../db/billing-projection.ts';
import { insertWebhookEvents } from '../../db/inbox.ts';
import {
  claimParkedEvents,
  fileEvents,
  gatherEventsOfCustomer,
  PENDING_EVENTS_MAX,
  pendingEvents,
  recordFailedAttempt,
  settleEvents,
  settleEventsOfUnknownCustomer,
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
      await recordFailedAttempt(database, {
        attempts: [{ stripeEventId: id, failedAttempts: 0, status: 'failed' }],
        reason: 'InvalidInput',
        error: 'late',
      });
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
    await recordFailedAttempt(database, { attempts: [], reason: 'x', error: 'x' });
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
  await rows.age(ids.slice(-1), '1 hour');
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

test('a claimed event has all its attempts before it, and the time of its own wake', async () => {
  const { tenant, customer } = await rows.tenantWithCustomer();
  const [id = ''] = await rows.receive(event({ subject: customer }));
  await settleEventsOfUnknownCustomer(database, { subject: newId('cus'), verdicts: [parked(id)] });
  await rows.age([id], '1 day');
  await claimParkedEvents(database, { subject: customer, tenant });
  expect(await rows.eventRow(id)).toMatchObject({ status: 'received', attempts: 0 });
  expect(await rows.dueInSeconds(id)).toBeCloseTo(30, -1);
});

describe('filing', () => {
  test('only pending events are filed under what they led to, and their wake gets its time', async () => {
    const subject = newId('sub');
    const customer = newId('cus');
    const [pending = '', done = ''] = await rows.receive(
      event({ subject }),
      event({ subject, status: 'ignored', statusReason: 'event_type' }),
    );
    await rows.age([pending], '1 day');
    await fileEvents(database, { subject, under: customer });
    expect(await rows.eventRow(pending)).toMatchObject({ subject: customer, status: 'received' });
    expect(await rows.dueInSeconds(pending)).toBeCloseTo(30, -1);
    expect(await rows.eventRow(done)).toMatchObject({ subject });
  });

  test('I4 a customer gathers what is pending under its own subscriptions, and nobody else’s', async () => {
    const mine = await rows.tenantWithSubscription();
    const other = await rows.tenantWithSubscription();
    const [own = '', foreign = '', unknown = '', done = ''] = await rows.receive(
      event({ subject: mine.subscription }),
      event({ subject: other.subscription }),
      event({ subject: newId('sub') }),
      event({ subject: mine.subscription, status: 'ignored', statusReason: 'event_type' }),
    );
    await gatherEventsOfCustomer(database, mine.customer);
    expect(await rows.eventRow(own)).toMatchObject({ subject: mine.customer, status: 'received' });
    expect(await rows.eventRow(foreign)).toMatchObject({ subject: other.subscription });
    expect((await rows.eventRow(unknown))?.subject).not.toBe(mine.customer);
    expect(await rows.eventRow(done)).toMatchObject({ subject: mine.subscription });
  });
});

describe('a failed attempt', () => {
  const fail = (stripeEventId: string, failedAttempts: number, last = false) =>
    recordFailedAttempt(database, {
      attempts: [
        {
          stripeEventId,
          failedAttempts,
          ...(last ? { status: 'failed' } : { status: 'received', retryInMs: 60_000 }),
        },
      ],
      reason: 'DatabaseRefused',
      error: 'no',
    });

  test('I3 keeps the event pending until its next attempt, with the error', async () => {
    const [id = '', other = ''] = await rows.receive(event(), event());
    await fail(id, 0);
    expect(await rows.eventRow(id)).toMatchObject({
      status: 'received',
      status_reason: null,
      attempts: 1,
      last_error: 'no',
    });
    expect(await rows.dueInSeconds(id)).toBeCloseTo(60, -1);
    expect(await rows.eventRow(other)).toMatchObject({ attempts: 0, last_error: null });
  });

  test('I3 that is the last one makes it `failed`, with reason, error and time', async () => {
    const [id = ''] = await rows.receive(event());
    await fail(id, 0, true);
    expect(await rows.eventRow(id)).toMatchObject({
      status: 'failed',
      status_reason: 'DatabaseRefused',
      attempts: 1,
      last_error: 'no',
      processed_at: expect.any(Date),
    });
  });

  test('counts once, however often it is told, and is answered once', async () => {
    const [id = ''] = await rows.receive(event());
    const answers = await Promise.all([fail(id, 0), fail(id, 0), fail(id, 0)]);
    expect(answers.flat()).toEqual([{ stripeEventId: id, status: 'received' }]);
    expect(await rows.eventRow(id)).toMatchObject({ attempts: 1 });
  });

  test('is noted with the event, and forgotten when the event is settled', async () => {
    const subject = newId('cus');
    const [id = ''] = await rows.receive(event({ subject }));
    expect(await pendingEvents(database, subject)).toMatchObject([
      { failedAttempts: 0, sinceFailureMs: null },
    ]);
    await fail(id, 0);
    const [noted] = await pendingEvents(database, subject);
    expect(noted).toMatchObject({ failedAttempts: 1, sinceFailureMs: expect.any(Number) });
    await settleEvents(database, { verdicts: [{ stripeEventId: id, status: 'processed' }], tenant: null });
    expect(await rows.eventRow(id)).toMatchObject({ status: 'processed', last_error: null, attempts: 2 });
  });
});
