import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { dunningWorkflowId } from '../../client/contract.ts';
import { PATIENCE_MS, type Purchase, until, useSystem } from './system.ts';

const STAGE_S = 4;
const after = (stage: number) => `PT${stage * STAGE_S}S`;
/** Stages of seconds; the end is further away than any test waits. */
const POLICY = {
  version: 'e2e',
  stages: [
    { name: 'failed', after: after(0), state: 'retrying', notice: 'payment_failed' },
    { name: 'final', after: after(1), state: 'grace', notice: 'final_notice' },
    { name: 'restriction', after: after(2), state: 'restricted', notice: 'restricted', effect: 'restrict' },
    { name: 'suspension', after: after(3), state: 'suspended', notice: 'suspended', effect: 'suspend' },
    { name: 'end-notice', after: 'P1D', state: 'suspended', notice: 'final_notice' },
    { name: 'end', after: 'P2D', state: 'written_off', effect: 'write_off' },
  ],
};
const policyFile = join(tmpdir(), `tenantry-policy-${crypto.randomUUID()}.json`);
await writeFile(policyFile, JSON.stringify(POLICY));
const system = await useSystem({ DUNNING_POLICY_FILE: policyFile });

/** A tenant whose upgrade was declined. */
async function debtor(): Promise<Purchase & { tenant: string; invoice: string }> {
  const purchase = await system.buy(5);
  await system.checkOut(purchase);
  const tenant = await system.tenancy.tenantOf(`create-tenant-${purchase.stripe_customer_id}`);
  await until('the subscription is known', async () => {
    const rows = await system.query('select 1 from stripe_subscriptions where tenant = $1', [tenant]);
    return rows.length > 0;
  });
  await system.simulator.control.setPaymentFate({
    customer: purchase.stripe_customer_id,
    payments: 'every',
    outcome: { kind: 'decline', decline_code: 'insufficient_funds' },
  });
  const { items } = await system.stripe.subscriptions.retrieve(purchase.stripe_subscription_id);
  const updated = await system.stripe.subscriptions.update(purchase.stripe_subscription_id, {
    items: [{ id: items.data[0]?.id ?? '', quantity: 50 }],
    proration_behavior: 'always_invoice',
  });
  return { ...purchase, tenant, invoice: String(updated.latest_invoice) };
}

const accessOf = async (tenant: string) =>
  (
    await system.query<{ access: string }>('select access_state as access from tenants where tenant = $1', [
      tenant,
    ])
  )[0]?.access;

const mailsTo = (email: string) => system.mail.messages().filter(({ to }) => to.includes(email));

/** Each message once: one that was sent again after a crash is the same message. */
const messagesTo = (email: string) => new Set(mailsTo(email).map(({ messageId }) => messageId)).size;

async function payWithAnotherCard(debt: { stripe_customer_id: string; invoice: string }): Promise<void> {
  await system.simulator.control.clearPaymentFates();
  await system.stripe.invoices.pay(debt.invoice);
}

test('I11: a worker that is killed again and again loses no stage, doubles no notice, and restricts nobody untold', async () => {
  const debt = await debtor();
  const seen: string[] = [];
  while ((await accessOf(debt.tenant)) !== 'suspended') {
    system.worker.kill('SIGKILL');
    await system.worker.restart();
    // Longer from life to life: on a slow machine too, one of them is long enough.
    await delay(700 + 300 * (seen.length % 5) + 50 * seen.length);
    seen.push((await accessOf(debt.tenant)) ?? '');
    expect(seen.length).toBeLessThan(60);
  }
  const notices = await system.query<{ kind: string; rows: number }>(
    `select kind, count(*)::int as rows from notifications
     where tenant = $1 and kind <> 'invitation' and status = 'sent' group by 1`,
    [debt.tenant],
  );
  // A stage that was passed while no worker lived is not told any more; what announces an effect always is.
  expect(notices.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['final_notice', 'suspended']));
  expect(notices.filter(({ rows }) => rows > 1)).toEqual([]);
  const invitation = 1;
  expect(messagesTo(debt.email)).toBe(notices.length + invitation);
  const effects = await system.query<{ sent: Date; applied: Date }>(
    `select n.sent_at as sent, e.occurred_at as applied from dunning_events e
     join dunning_steps s on s.dunning_case_id = e.dunning_case_id and s.stage = $2
     join notifications n on n.notification_id = s.notification_id
     where e.tenant = $1 and e.kind = 'effect_applied'`,
    [debt.tenant, 'final'],
  );
  for (const { sent, applied } of effects)
    expect(applied.getTime() - sent.getTime()).toBeGreaterThanOrEqual(STAGE_S * 1_000);
  const toldSoFar = messagesTo(debt.email);
  await payWithAnotherCard(debt);
  await until('access is back', async () => (await accessOf(debt.tenant)) === 'active');
  await until('the receipt has come', () => messagesTo(debt.email) === toldSoFar + 1);
}, 600_000);

test('I11: a payment is seen by webhook alone, at once; the run ends, and its record tells all of it', async () => {
  const debt = await debtor();
  await system.mail.waitForMessage(
    ({ to, subject }) => to.includes(debt.email) && subject.includes('failed'),
    PATIENCE_MS,
  );
  await payWithAnotherCard(debt);
  const run = system.client.workflow.getHandle(dunningWorkflowId(debt.stripe_subscription_id));
  expect(await run.result()).toEqual({ outcome: 'recovered' });
  expect(await accessOf(debt.tenant)).toBe('active');
  const record = await system.query<{ kind: string }>(
    'select kind from dunning_events where tenant = $1 order by position',
    [debt.tenant],
  );
  expect(record.map(({ kind }) => kind)).toEqual([
    'opened',
    'followed',
    'stage_entered',
    'notice_sent',
    'closed',
    'notice_sent',
  ]);
});

test('an operator’s update is carried out once, with actor and reason on record, or refused with why', async () => {
  const debt = await debtor();
  const run = system.client.workflow.getHandle(dunningWorkflowId(debt.stripe_subscription_id));
  await until('the case is open', async () => {
    const rows = await system.query('select 1 from dunning_steps where tenant = $1', [debt.tenant]);
    return rows.length > 0;
  });
  const order = { actor: 'ada', reason: 'the customer called' };
  const day = new Date(Date.now() + 86_400_000).toISOString();
  await run.executeUpdate('pause', { args: [{ ...order, until: day }], updateId: 'once' });
  await run.executeUpdate('pause', { args: [{ ...order, until: day }], updateId: 'once' });
  await expect(
    run.executeUpdate('excludeInvoice', { args: [{ ...order, invoice: 'in_another' }] }),
  ).rejects.toMatchObject({ cause: { message: expect.stringContaining('is not an unpaid invoice') } });
  await expect(run.executeUpdate('extend', { args: [{ ...order, days: 0 }] })).rejects.toMatchObject({
    cause: { message: expect.stringContaining('days') },
  });
  const commands = await system.query(
    "select actor, reason, detail->>'command' as command from dunning_events where tenant = $1 and kind = 'command'",
    [debt.tenant],
  );
  expect(commands).toEqual([{ ...order, command: 'pause' }]);
  expect(await run.query('progress')).toMatchObject({ waiting: 'paused', access: 'active' });
  await payWithAnotherCard(debt);
  expect(await run.result()).toEqual({ outcome: 'recovered' });
});
