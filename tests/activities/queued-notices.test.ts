import { describe, expect, test } from 'vitest';
import { dunningPolicyFile } from '../../activities/dunning-policy-file.ts';
import { useDatabase } from '../database.ts';
import { billingRows, event } from '../db/billing-rows.ts';
import { useStripe } from '../stripe/stripe-simulator.ts';
import { activityWorld } from './activity-world.ts';

const { database, pool } = await useDatabase();
const rows = billingRows({ database, pool });
const { stripe, control, customer, price, subscription } = await useStripe();
const pro = await price();
const START = new Date();
const hours = (count: number) => new Date(START.getTime() + count * 3_600_000);

const POLICY = dunningPolicyFile({
  version: 'queued-notices',
  stages: [
    { name: 'failed', after: 'PT0S', state: 'retrying', notice: 'payment_failed' },
    { name: 'final', after: 'PT10H', state: 'grace', notice: 'final_notice' },
    { name: 'end', after: 'PT20H', state: 'canceled', effect: 'cancel' },
  ],
  variants: [
    {
      name: 'pro',
      when: { plans: ['pro'] },
      stages: [
        { name: 'pro-failed', after: 'PT0S', state: 'retrying', notice: 'reminder' },
        { name: 'pro-end', after: 'PT20H', state: 'canceled', effect: 'cancel' },
      ],
    },
  ],
});

/** An unpaid subscription whose first look wants its first notice delivered; the time here can be moved. */
async function wantedNotice() {
  const clock = { now: START };
  const taken: string[] = [];
  const world = activityWorld({
    database,
    stripe,
    now: () => clock.now,
    dunningPolicy: POLICY,
    mailer: { send: async ({ text }) => void taken.push(text), close: () => undefined },
  });
  const made = await customer();
  const { tenant } = await rows.tenantWithCustomer({ stripe_customer_id: made.id });
  const bought = await subscription(made.id, [{ price: pro.id, quantity: 1 }]);
  await control.setPaymentFate({ customer: made.id, payments: 'next', outcome: { kind: 'decline' } });
  await stripe.subscriptions.update(bought.id, {
    items: [{ id: bought.items.data[0]?.id ?? '', quantity: 9 }],
    proration_behavior: 'always_invoice',
  });
  await rows.receive(event({ subject: made.id, eventType: 'customer.updated' }));
  await world.run(world.syncSubject, { subject: made.id, only_pending: false });
  const look = async (at: Date) => {
    const { next } = await world.run(world.lookAtDunning, { subscription: bought.id, now: at.toISOString() });
    return next;
  };
  const first = await look(START);
  if (first.do !== 'deliver') throw new Error(`nothing is to be told, but ${first.do}`);
  return {
    ...{ clock, taken, look },
    hasPlan: (plan: string | null) =>
      pool.query('update tenants set plan = $2 where tenant = $1', [tenant, plan]),
    deliver: (id = first.notification_id, askedAt = START) =>
      world.run(world.deliverDunningNotice, { tenant, notification_id: id, now: askedAt.toISOString() }),
    pause: (until: Date) =>
      world.run(world.commandDunning, {
        subscription: bought.id,
        name: 'pause' as const,
        command: { actor: 'grace', reason: 'a call', until: until.toISOString() },
        workflow_id: `dunning-${bought.id}`,
        command_id: 'pause-1',
        now: START.toISOString(),
      }),
    notices: async () =>
      (
        await pool.query<{ kind: string; status: string; sent_at: Date | null }>(
          "select kind, status, sent_at from notifications where tenant = $1 and kind <> 'invitation' order by created_at",
          [tenant],
        )
      ).rows,
  };
}

describe('I11 a delivery that comes long after the look that wanted it', () => {
  test('is not made when a later notice is due by then: that one goes alone', async () => {
    const { clock, taken, look, deliver, notices } = await wantedNotice();
    clock.now = hours(14);
    expect(await deliver()).toEqual({ status: 'queued' });
    const next = await look(hours(14));
    if (next.do !== 'deliver') throw new Error(`nothing is to be told, but ${next.do}`);
    expect(await deliver(next.notification_id, hours(14))).toEqual({ status: 'sent' });
    expect(taken).toHaveLength(1);
    expect(await notices()).toMatchObject([
      { kind: 'payment_failed', status: 'suppressed' },
      { kind: 'final_notice', status: 'sent' },
    ]);
  });

  test('counts from when it was made: no effect has less than its full warning', async () => {
    const { clock, look, deliver, notices } = await wantedNotice();
    clock.now = hours(9);
    expect(await deliver()).toEqual({ status: 'sent' });
    expect(await notices()).toMatchObject([{ kind: 'payment_failed', sent_at: hours(9) }]);
    const next = await look(hours(10));
    if (next.do !== 'deliver') throw new Error(`nothing is to be told, but ${next.do}`);
    clock.now = hours(15);
    expect(await deliver(next.notification_id, hours(10))).toEqual({ status: 'sent' });
    expect(await look(hours(21))).toEqual({
      do: 'wait',
      until: hours(25).toISOString(),
      because: 'next_stage',
    });
  });

  test('by the clock of the run when that is ahead, or differs by no more than clocks do', async () => {
    const ahead = await wantedNotice();
    await ahead.deliver(undefined, hours(5));
    expect(await ahead.notices()).toMatchObject([{ sent_at: hours(5) }]);
    const near = await wantedNotice();
    near.clock.now = new Date(START.getTime() + 59_000);
    await near.deliver();
    expect(await near.notices()).toMatchObject([{ sent_at: START }]);
  });
});

test('a notice is not sent when its case was paused after the look that wanted it', async () => {
  const { taken, look, deliver, pause, notices } = await wantedNotice();
  await pause(hours(5));
  expect(await deliver()).toEqual({ status: 'queued' });
  expect(taken).toEqual([]);
  expect(await notices()).toMatchObject([{ status: 'queued' }]);
  expect(await look(hours(1))).toMatchObject({ do: 'wait', because: 'paused' });
  expect(await look(hours(6))).toMatchObject({ do: 'deliver' });
});

test('a notice gives way to a later one of its list; to one of another variant it does not, should that be left again', async () => {
  const { look, hasPlan, notices } = await wantedNotice();
  await hasPlan('pro');
  expect(await look(START)).toMatchObject({ do: 'deliver' });
  expect(await notices()).toMatchObject([
    { kind: 'payment_failed', status: 'queued' },
    { kind: 'reminder', status: 'queued' },
  ]);
  await hasPlan(null);
  expect(await look(hours(1))).toMatchObject({ do: 'deliver' });
  await look(hours(11));
  expect(await notices()).toMatchObject([
    { kind: 'payment_failed', status: 'suppressed' },
    { kind: 'reminder', status: 'queued' },
    { kind: 'final_notice', status: 'queued' },
  ]);
});
