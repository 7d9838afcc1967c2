import { describe, expect, test } from 'vitest';
import { dunningPolicyFile } from '../../activities/dunning-policy-file.ts';
import type { Mailer } from '../../activities/mail.ts';
import { queueNotification } from '../../db/notifications.ts';
import { Failure } from '../../domain/failures.ts';
import { useDatabase } from '../database.ts';
import { billingRows, event } from '../db/billing-rows.ts';
import { useStripe } from '../stripe/stripe-simulator.ts';
import { activityWorld } from './activity-world.ts';

const { database, pool } = await useDatabase();
const rows = billingRows({ database, pool });
const { stripe, control, customer, price, subscription } = await useStripe();
const pro = await price();
const START = new Date();
const later = (seconds: number) => new Date(START.getTime() + seconds * 1000).toISOString();

const POLICY = dunningPolicyFile({
  version: 'notices',
  stages: [
    { name: 'failed', after: 'PT0S', state: 'retrying', notice: 'payment_failed' },
    { name: 'final', after: 'PT10S', state: 'grace', notice: 'final_notice' },
    { name: 'restriction', after: 'PT20S', state: 'restricted', notice: 'restricted', effect: 'restrict' },
    { name: 'end', after: 'PT30S', state: 'canceled', effect: 'cancel' },
  ],
});

type Mail = Parameters<Mailer['send']>[0];

/** A mail server that answers each mail as it is told, and keeps what it took. */
function mailServer() {
  const taken: Mail[] = [];
  const answers: ((mail: Mail) => void | Promise<void>)[] = [];
  return {
    taken,
    answerNext: (answer: (mail: Mail) => void | Promise<void>) => void answers.push(answer),
    mailer: {
      send: async (mail: Mail) => {
        await answers.shift()?.(mail);
        taken.push(mail);
      },
      close: () => undefined,
    },
  };
}

/** A tenant who owes an invoice, seen from a world whose mails are answered as told. */
async function debtor() {
  const server = mailServer();
  const world = activityWorld({
    database,
    stripe,
    now: () => START,
    dunningPolicy: POLICY,
    mailer: server.mailer,
  });
  const made = await customer();
  const owner = await rows.tenantWithCustomer({
    stripe_customer_id: made.id,
    email: `own-${made.id}@example.com`,
  });
  const bought = await subscription(made.id, [{ price: pro.id, quantity: 1 }]);
  await control.setPaymentFate({ customer: made.id, payments: 'next', outcome: { kind: 'decline' } });
  const { latest_invoice: invoice } = await stripe.subscriptions.update(bought.id, {
    items: [{ id: bought.items.data[0]?.id ?? '', quantity: 9 }],
    proration_behavior: 'always_invoice',
  });
  await rows.receive(event({ subject: made.id, eventType: 'customer.updated' }));
  await world.run(world.syncSubject, { subject: made.id, only_pending: false });
  const look = (now: string) => world.run(world.lookAtDunning, { subscription: bought.id, now });
  const { tenant } = owner;
  const deliver = (notification_id: string, now: string) =>
    world.run(world.deliverDunningNotice, { tenant, notification_id, now });
  return {
    ...{ ...server, world, tenant, invoice: String(invoice), subscription: bought.id, look, deliver },
    /** Looks, and delivers what is to be told, until there is nothing to do at that time. */
    async follow(now: string) {
      for (;;) {
        const { next } = await look(now);
        if (next.do !== 'deliver') return next;
        await deliver(next.notification_id, now);
      }
    },
    access: async () => (await rows.tenantRow(tenant))?.access_state,
    notices: async () =>
      (
        await pool.query(
          "select kind, status, attempts, recipient from notifications where tenant = $1 and kind <> 'invitation' order by created_at",
          [tenant],
        )
      ).rows,
  };
}

async function queued(debt: Awaited<ReturnType<typeof debtor>>, now: string): Promise<string> {
  const { next } = await debt.look(now);
  if (next.do !== 'deliver') throw new Error(`nothing is to be told, but ${next.do}`);
  return next.notification_id;
}

describe('I11 a notice', () => {
  test('is sent once, whoever asks how often', async () => {
    const debt = await debtor();
    const id = await queued(debt, later(0));
    expect(await queued(debt, later(0))).toBe(id);
    await debt.deliver(id, later(0));
    await debt.deliver(id, later(0));
    expect(await debt.follow(later(1))).toMatchObject({ do: 'wait' });
    expect(debt.taken).toHaveLength(1);
    expect(await debt.notices()).toMatchObject([{ kind: 'payment_failed', status: 'sent', attempts: 1 }]);
  });

  test('is not sent about an invoice that was paid in the last moment', async () => {
    const debt = await debtor();
    const id = await queued(debt, later(0));
    await stripe.invoices.pay(debt.invoice);
    expect(await debt.deliver(id, later(0))).toEqual({ status: 'suppressed' });
    expect(await debt.follow(later(1))).toMatchObject({
      do: 'end',
      outcome: 'recovered',
      notification_id: null,
    });
    expect(debt.taken).toEqual([]);
  });

  test('is the same message again when the process died before its record', async () => {
    const debt = await debtor();
    const id = await queued(debt, later(0));
    debt.answerNext((mail) => {
      debt.taken.push(mail);
      throw new Error('the process is gone');
    });
    await expect(debt.deliver(id, later(0))).rejects.toThrow();
    await debt.deliver(id, later(0));
    expect(new Set(debt.taken.map(({ messageId }) => messageId)).size).toBe(1);
  });

  test('waits while the mail server is away, ever longer, and holds no restriction up by a second notice', async () => {
    const debt = await debtor();
    const away = () => {
      throw new Failure('MailServerUnavailable', 'The mail server answered nothing');
    };
    debt.answerNext(away);
    const id = await queued(debt, later(0));
    expect(await debt.deliver(id, later(0))).toEqual({ status: 'queued' });
    expect(await debt.look(later(1))).toMatchObject({
      next: { do: 'wait', until: later(30), because: 'mail_server' },
    });
    // By then another notice is due, which goes in its place.
    expect(await debt.deliver(id, later(30))).toEqual({ status: 'queued' });
    const another = await queued(debt, later(40));
    expect(another).not.toBe(id);
    debt.answerNext(away);
    debt.answerNext(away);
    await debt.deliver(another, later(40));
    expect(await debt.follow(later(41))).toMatchObject({ do: 'wait', until: later(70) });
    await debt.deliver(another, later(70));
    expect(await debt.follow(later(71))).toMatchObject({ do: 'wait', until: later(130) });
    await debt.deliver(another, later(130));
    expect(await debt.notices()).toMatchObject([
      { kind: 'payment_failed', status: 'suppressed', attempts: 1 },
      { kind: 'final_notice', status: 'sent', attempts: 3 },
    ]);
    expect(await debt.follow(later(139))).toMatchObject({ do: 'wait', until: later(140) });
    expect(await debt.access()).toBe('active');
  });

  test('goes to the tenant’s own address when the customer’s takes nothing', async () => {
    const debt = await debtor();
    debt.answerNext(({ to }) => {
      throw new Failure('RecipientRefused', `The mail server answered 550 to RCPT TO ${to.length}`);
    });
    const id = await queued(debt, later(0));
    expect(await debt.deliver(id, later(0))).toEqual({ status: 'sent' });
    expect(debt.taken[0]?.to).toMatch(/^own-/);
  });

  test('that reaches nobody stops everything but payment, until an operator says that it may go on', async () => {
    const debt = await debtor();
    const refused = () => {
      throw new Failure('RecipientRefused', 'The mail server answered 550 to RCPT TO');
    };
    debt.answerNext(refused);
    debt.answerNext(refused);
    const id = await queued(debt, later(0));
    expect(await debt.deliver(id, later(0))).toEqual({ status: 'failed' });
    expect(await debt.follow(later(1_000))).toEqual({ do: 'wait', until: null, because: 'unreachable' });
    expect(await debt.access()).toBe('active');
    await pool.query('update tenants set email = $2 where tenant = $1', [debt.tenant, 'found@example.com']);
    await debt.world.run(debt.world.commandDunning, {
      subscription: debt.subscription,
      name: 'resume',
      command: { actor: 'ada', reason: 'found another address' },
      workflow_id: 'dunning-1',
      command_id: crypto.randomUUID(),
      now: later(1_000),
    });
    await debt.follow(later(1_000));
    expect(debt.taken).toHaveLength(1);
  });
});

describe('I11 an effect', () => {
  test('comes after its notice and the full time that the notice gave, and after the mail of its own stage', async () => {
    const debt = await debtor();
    await debt.follow(later(0));
    await debt.follow(later(15));
    expect(await debt.follow(later(24))).toMatchObject({ do: 'wait', until: later(25) });
    expect(await debt.access()).toBe('active');
    const id = await queued(debt, later(25));
    expect(await debt.access()).toBe('active');
    await debt.deliver(id, later(25));
    await debt.follow(later(25));
    expect(await debt.access()).toBe('restricted');
    expect(debt.taken).toHaveLength(3);
  });

  test('does not come when the invoice is paid between the mail and the effect', async () => {
    const debt = await debtor();
    await debt.follow(later(0));
    await debt.follow(later(10));
    await debt.deliver(await queued(debt, later(20)), later(20));
    await stripe.invoices.pay(debt.invoice);
    expect(await debt.follow(later(20))).toMatchObject({ do: 'end', outcome: 'recovered' });
    expect(await debt.access()).toBe('active');
  });

  test('cancel is not sent to Stripe when the invoice is paid in the instant before', async () => {
    const debt = await debtor();
    for (const second of [0, 10, 20, 30]) await debt.follow(later(second));
    expect(await debt.look(later(40))).toMatchObject({ next: { do: 'cancel', invoice: debt.invoice } });
    await stripe.invoices.pay(debt.invoice);
    const { world, subscription: id, invoice } = debt;
    expect(await world.run(world.cancelUnpaid, { subscription: id, invoice })).toEqual({ canceled: false });
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('active');
  });

  test('cancel ends subscription, licences and case, and is told', async () => {
    const debt = await debtor();
    for (const second of [0, 10, 20, 30]) await debt.follow(later(second));
    const { world, subscription: id, invoice } = debt;
    await world.run(world.cancelUnpaid, { subscription: id, invoice });
    const end = await debt.follow(later(40));
    expect(end).toMatchObject({ do: 'end', outcome: 'canceled', notification_id: expect.any(String) });
    expect(await rows.tenantRow(debt.tenant)).toMatchObject({
      access_state: 'canceled',
      licensed_user_count: 0,
    });
  });

  test('that Stripe carried out is recorded for its own stage, also when an earlier one has yet to come into force', async () => {
    const debt = await debtor();
    for (const second of [0, 10, 20, 30]) await debt.follow(later(second));
    const { world, tenant, subscription: id, invoice } = debt;
    expect((await debt.follow(later(40))).do).toBe('cancel');
    // As when another variant of the policy applied in between.
    await pool.query(
      "update dunning_steps set is_applied = false where tenant = $1 and stage = 'restriction'",
      [tenant],
    );
    await world.run(world.cancelUnpaid, { subscription: id, invoice });
    expect(await debt.follow(later(40))).toMatchObject({ do: 'end', outcome: 'canceled' });
    const { rows: unapplied } = await pool.query(
      'select stage from dunning_steps where tenant = $1 and not is_applied',
      [tenant],
    );
    expect(unapplied).toEqual([{ stage: 'restriction' }]);
    const { rows: applied } = await pool.query(
      "select stage, detail from dunning_events where tenant = $1 and kind = 'effect_applied' order by position",
      [tenant],
    );
    expect(applied.map(({ stage }) => stage)).toEqual(['restriction', 'end']);
    expect(applied.at(-1)).toMatchObject({ detail: { effect: 'cancel' } });
  });
});

test('a mail server that is slow keeps no sweep from its end; what it has no time for is the next one’s', async () => {
  const { tenant } = await rows.tenantWithCustomer();
  const payload = {
    ...{ client_name: 'Slow', app_url: 'https://app.example.com', time_zone: 'UTC' },
    ...{ amount: null, renews_at: later(0) },
  };
  // Each in a transaction of its own: those of one transaction are of one time, and in no order.
  for (const recipient of ['a@example.com', 'b@example.com', 'c@example.com']) {
    await database.transaction((transaction) =>
      queueNotification(transaction, {
        ...{ tenant, recipient, payload, dedupeKey: crypto.randomUUID() },
        ...{ kind: 'renewal_reminder', locale: 'en', dunningCaseId: null },
      }),
    );
  }
  let nowMs = START.getTime();
  const taken: string[] = [];
  const world = activityWorld({
    database,
    stripe,
    now: () => new Date(nowMs),
    mailer: {
      send: async ({ to }) => {
        nowMs += 15_000;
        taken.push(to);
      },
      close: () => undefined,
    },
  });
  expect(await world.run(world.deliverDueNotices, undefined)).toEqual({ sent: 2 });
  expect(await world.run(world.deliverDueNotices, undefined)).toEqual({ sent: 1 });
  expect(taken).toEqual(['a@example.com', 'b@example.com', 'c@example.com']);
});

test('what a case told at its end and nobody delivered is sent by the sweep, reminders too, invitations never', async () => {
  const debt = await debtor();
  await debt.follow(later(0));
  await stripe.invoices.pay(debt.invoice);
  await debt.look(later(1));
  const before = debt.taken.length;
  await debt.world.run(debt.world.deliverDueNotices, undefined);
  expect(debt.taken).toHaveLength(before);
  await pool.query("update dunning_cases set closed_at = now() - interval '5 minutes' where tenant = $1", [
    debt.tenant,
  ]);
  await debt.world.run(debt.world.deliverDueNotices, undefined);
  await debt.world.run(debt.world.deliverDueNotices, undefined);
  const receipts = (await debt.notices()).filter(({ kind }) => kind === 'receipt');
  expect(receipts).toMatchObject([{ status: 'sent', attempts: 1 }]);
  const { rows: invitations } = await pool.query(
    "select status from notifications where tenant = $1 and kind = 'invitation'",
    [debt.tenant],
  );
  expect(invitations).toEqual([{ status: 'queued' }]);
});
