import { describe, expect, test } from 'vitest';
import { useDatabase } from '../database.ts';
import { billingRows, event, newId } from '../db/billing-rows.ts';
import { useStripe } from '../stripe/stripe-simulator.ts';
import { activityWorld } from './activity-world.ts';

const { database, pool } = await useDatabase();
const rows = billingRows({ database, pool });
const { stripe, control, customer, price, subscription, requestsSince } = await useStripe();
const NOW = new Date();
const world = activityWorld({ database, stripe, now: () => NOW });
const pro = await price();

const sync = (subject: string) => world.run(world.syncSubject, { subject, only_pending: false });
const settle = (subject: string) => world.run(world.syncSubject, { subject, only_pending: true });

type InvoiceRow = {
  stripe_invoice_external_id: string;
  status: string;
  amount_remaining: string;
  attempt_count: number;
  last_decline_code: string | null;
  unpaid_since: Date | null;
};
async function invoicesOf(tenant: string): Promise<InvoiceRow[]> {
  const { rows: found } = await pool.query<InvoiceRow>(
    'select * from stripe_invoices where tenant = $1 order by stripe_created_at, stripe_invoice_external_id',
    [tenant],
  );
  return found;
}
const unpaidOf = async (tenant: string) =>
  (await invoicesOf(tenant)).filter((invoice) => invoice.unpaid_since !== null);
async function casesOf(tenant: string) {
  const { rows: found } = await pool.query(
    'select dunning_case_id as id, access, outcome from dunning_cases where tenant = $1',
    [tenant],
  );
  return found;
}

/** A tenant whose customer bought licences; in Stripe and here. */
async function buyer() {
  const made = await customer();
  const owner = await rows.tenantWithCustomer({ stripe_customer_id: made.id });
  const bought = await subscription(made.id, [{ price: pro.id, quantity: 10 }]);
  await sync(made.id);
  return { ...owner, subscription: bought.id, item: bought.items.data[0]?.id ?? '' };
}

type Buyer = Awaited<ReturnType<typeof buyer>>;

/** An upgrade that is billed at once, and comes to what is told. @returns the invoice's id */
async function upgrade(
  { customer: id, subscription: bought, item }: Buyer,
  outcome: Parameters<typeof control.setPaymentFate>[0]['outcome'],
): Promise<string> {
  await control.setPaymentFate({ customer: id, payments: 'next', outcome });
  const { quantity = 0 } = (await stripe.subscriptions.retrieve(bought)).items.data[0] ?? {};
  const updated = await stripe.subscriptions.update(bought, {
    items: [{ id: item, quantity: quantity + 10 }],
    proration_behavior: 'always_invoice',
  });
  return String(updated.latest_invoice);
}

const decline = { kind: 'decline', decline_code: 'insufficient_funds' } as const;

describe('an invoice that is not paid', () => {
  test('I4 is in the projection as Stripe has it, with its last decline code, and opens one case', async () => {
    const made = await buyer();
    const id = await upgrade(made, decline);
    await rows.receive(event({ subject: made.customer, eventType: 'invoice.payment_failed', objectId: id }));
    expect(await settle(made.customer)).toMatchObject({ processed: 1, dunned: [made.subscription] });
    const invoice = await stripe.invoices.retrieve(id);
    const held = (await invoicesOf(made.tenant)).find((row) => row.stripe_invoice_external_id === id);
    expect(held).toMatchObject({
      status: 'open',
      amount_remaining: String(invoice.amount_remaining),
      attempt_count: 1,
      last_decline_code: 'insufficient_funds',
      unpaid_since: expect.any(Date),
    });
    expect(await casesOf(made.tenant)).toEqual([{ id: expect.any(String), access: 'active', outcome: null }]);
  });

  test('is found without any event of its own, because the subscription is past due', async () => {
    const made = await buyer();
    await upgrade(made, decline);
    await rows.receive(event({ subject: made.customer }));
    expect(await settle(made.customer)).toMatchObject({ dunned: [made.subscription] });
    expect(await unpaidOf(made.tenant)).toHaveLength(1);
  });

  test('a second sync changes nothing and wakes nobody', async () => {
    const made = await buyer();
    await upgrade(made, decline);
    await sync(made.customer);
    const before = await unpaidOf(made.tenant);
    await world.run(world.lookAtDunning, { subscription: made.subscription, now: NOW.toISOString() });
    await pool.query("update notifications set status = 'sent', sent_at = now() where tenant = $1", [
      made.tenant,
    ]);
    await world.run(world.lookAtDunning, { subscription: made.subscription, now: NOW.toISOString() });
    expect(await sync(made.customer)).not.toHaveProperty('dunned');
    const after = await unpaidOf(made.tenant);
    expect(after.map((row) => row.unpaid_since)).toEqual(before.map((row) => row.unpaid_since));
    expect(await casesOf(made.tenant)).toHaveLength(1);
  });

  test('I4 I11 is settled by its payment, and access is back in that transaction, whatever its case does', async () => {
    const made = await buyer();
    const id = await upgrade(made, decline);
    await sync(made.customer);
    await pool.query("update dunning_cases set access = 'suspended' where tenant = $1", [made.tenant]);
    await sync(made.customer);
    expect(await rows.tenantRow(made.tenant)).toMatchObject({ access_state: 'suspended' });
    await stripe.invoices.pay(id);
    await rows.receive(event({ subject: made.customer, eventType: 'invoice.paid', objectId: id }));
    expect(await settle(made.customer)).toMatchObject({ dunned: [made.subscription] });
    expect(await unpaidOf(made.tenant)).toEqual([]);
    expect(await rows.tenantRow(made.tenant)).toMatchObject({ access_state: 'active' });
  });

  test.each([
    ['void', (id: string) => stripe.invoices.voidInvoice(id)],
    ['uncollectible', (id: string) => stripe.invoices.markUncollectible(id)],
  ])('I4 is no longer unpaid when it is %s', async (status, end) => {
    const made = await buyer();
    const id = await upgrade(made, decline);
    await sync(made.customer);
    await end(id);
    await sync(made.customer);
    const row = (await invoicesOf(made.tenant)).find((held) => held.stripe_invoice_external_id === id);
    expect(row).toMatchObject({ status, unpaid_since: null });
  });

  describe('that is uncollectible before its case has looked', () => {
    /** A case that suspended access and whose invoice was marked uncollectible since its last look. */
    async function writtenOff() {
      const made = await buyer();
      const invoice = await upgrade(made, decline);
      await sync(made.customer);
      await look(made);
      await pool.query("update dunning_cases set access = 'suspended' where tenant = $1", [made.tenant]);
      await sync(made.customer);
      await stripe.invoices.markUncollectible(invoice);
      return { ...made, invoice };
    }
    // After the subscription was made: one that is newer than a closed case would give access back.
    const later = new Date(NOW.getTime() + 3_600_000).toISOString();
    const look = ({ subscription: of }: Buyer) =>
      world.run(world.lookAtDunning, { subscription: of, now: later });
    const access = async ({ tenant }: Buyer) => {
      const { rows: found } = await pool.query(
        'select access_state, suspended_at from tenants where tenant = $1',
        [tenant],
      );
      return found[0];
    };

    test('I11 access stays as it is, through the look that closes the case, until it is paid after all', async () => {
      const made = await writtenOff();
      const before = await access(made);
      expect(before).toEqual({ access_state: 'suspended', suspended_at: expect.any(Date) });
      await sync(made.customer);
      expect(await access(made)).toEqual(before);
      expect((await look(made)).next).toMatchObject({ do: 'end', outcome: 'written_off' });
      expect(await access(made)).toEqual(before);
      await sync(made.customer);
      expect(await access(made)).toEqual(before);
      await stripe.invoices.pay(made.invoice);
      await rows.receive(
        event({ subject: made.customer, eventType: 'invoice.paid', objectId: made.invoice }),
      );
      await settle(made.customer);
      expect(await access(made)).toEqual({ access_state: 'active', suspended_at: null });
    });

    test.each([
      ['it is paid after all', 'recovered', ({ invoice }) => stripe.invoices.pay(invoice)],
      ['it is voided', 'voided', ({ invoice }) => stripe.invoices.voidInvoice(invoice)],
      [
        'an operator excluded it',
        'written_off',
        ({ tenant, invoice }) =>
          pool.query('update dunning_cases set excluded_invoices = $2 where tenant = $1', [
            tenant,
            [invoice],
          ]),
      ],
      [
        'an operator wrote it off',
        'written_off',
        ({ tenant }) =>
          pool.query('update dunning_cases set write_off_requested_at = now() where tenant = $1', [tenant]),
      ],
    ] satisfies [string, string, (made: Buyer & { invoice: string }) => Promise<unknown>][])(
      'I11 access is back when %s, and stays back when the case closes',
      async (_, outcome, happen) => {
        const made = await writtenOff();
        await happen(made);
        await sync(made.customer);
        expect(await access(made)).toEqual({ access_state: 'active', suspended_at: null });
        expect((await look(made)).next).toMatchObject({ do: 'end', outcome });
        await sync(made.customer);
        expect(await access(made)).toEqual({ access_state: 'active', suspended_at: null });
      },
    );
  });

  test('a payment that is on its way is none that failed; one that fails counts from then on', async () => {
    const made = await buyer();
    const id = await upgrade(made, { kind: 'process' });
    await rows.receive(event({ subject: made.customer, eventType: 'invoice.updated', objectId: id }));
    expect(await settle(made.customer)).not.toHaveProperty('dunned');
    expect(await casesOf(made.tenant)).toEqual([]);
    const { payments } = await stripe.invoices.retrieve(id, { expand: ['payments'] });
    await control.settlePayment(String(payments?.data[0]?.payment.payment_intent), { paid: false });
    await rows.receive(event({ subject: made.customer, eventType: 'invoice.payment_failed', objectId: id }));
    expect(await settle(made.customer)).toMatchObject({ dunned: [made.subscription] });
    expect((await unpaidOf(made.tenant))[0]?.unpaid_since).toEqual(NOW);
  });

  test('one that is sent is unpaid from its due date on', async () => {
    const made = await buyer();
    const sent = await stripe.subscriptions.create({
      customer: made.customer,
      items: [{ price: pro.id, quantity: 1 }],
      collection_method: 'send_invoice',
      days_until_due: 14,
    });
    await rows.receive(
      event({
        subject: made.customer,
        eventType: 'invoice.finalized',
        objectId: String(sent.latest_invoice),
      }),
    );
    expect(await settle(made.customer)).not.toHaveProperty('dunned');
    const later = activityWorld({ database, stripe, now: () => new Date(NOW.getTime() + 15 * 86_400_000) });
    const round = await later.run(later.syncSubject, { subject: made.customer, only_pending: false });
    expect(round.dunned).toEqual([sent.id]);
    const { due_date: due } = await stripe.invoices.retrieve(String(sent.latest_invoice));
    expect((await unpaidOf(made.tenant))[0]?.unpaid_since).toEqual(new Date((due ?? 0) * 1000));
  });

  describe('that is sent, and paid by a bank debit that takes days', () => {
    const due = activityWorld({ database, stripe, now: () => new Date(NOW.getTime() + 15 * 86_400_000) });

    async function sentTo(made: Buyer): Promise<{ id: string; subscription: string }> {
      const sent = await stripe.subscriptions.create({
        customer: made.customer,
        items: [{ price: pro.id, quantity: 1 }],
        collection_method: 'send_invoice',
        days_until_due: 14,
      });
      return { id: String(sent.latest_invoice), subscription: sent.id };
    }
    async function debit(made: Buyer, invoice: string): Promise<string> {
      await control.setPaymentFate({
        customer: made.customer,
        payments: 'next',
        outcome: { kind: 'process' },
      });
      await stripe.invoices.pay(invoice);
      const { payments } = await stripe.invoices.retrieve(invoice, { expand: ['payments'] });
      return String(payments?.data[0]?.payment.payment_intent);
    }
    const syncWhenDue = (made: Buyer, objectId: string) =>
      rows
        .receive(event({ subject: made.customer, eventType: 'invoice.updated', objectId }))
        .then(() => due.run(due.syncSubject, { subject: made.customer, only_pending: true }));
    const sentRow = async (made: Buyer, id: string) => {
      const { rows: found } = await pool.query(
        `select is_payment_processing, unpaid_since, last_decline_code from stripe_invoices
         where tenant = $1 and stripe_invoice_external_id = $2`,
        [made.tenant, id],
      );
      return found[0];
    };

    test('is not unpaid on its due date while the money is on its way, and is from when that failed', async () => {
      const made = await buyer();
      const sent = await sentTo(made);
      const payment = await debit(made, sent.id);
      expect(await syncWhenDue(made, sent.id)).not.toHaveProperty('dunned');
      expect(await sentRow(made, sent.id)).toMatchObject({ is_payment_processing: true, unpaid_since: null });
      await control.settlePayment(payment, { paid: false });
      expect(await syncWhenDue(made, sent.id)).toMatchObject({ dunned: [sent.subscription] });
      // What the bank said chooses no variant of the policy: how it is paid is the customer's affair.
      expect(await sentRow(made, sent.id)).toEqual({
        is_payment_processing: false,
        unpaid_since: new Date(NOW.getTime() + 15 * 86_400_000),
        last_decline_code: null,
      });
    });

    test('I11 holds its case up, should it have begun', async () => {
      const made = await buyer();
      const sent = await sentTo(made);
      expect(await syncWhenDue(made, sent.id)).toMatchObject({ dunned: [sent.subscription] });
      await debit(made, sent.id);
      const now = new Date(NOW.getTime() + 60 * 86_400_000).toISOString();
      const { next } = await due.run(due.lookAtDunning, { subscription: sent.subscription, now });
      expect(next).toMatchObject({ do: 'wait', because: 'processing' });
    });

    test('is asked for by one request more, and only once it was tried', async () => {
      const made = await buyer();
      const sent = await sentTo(made);
      await requestsSince();
      await syncWhenDue(made, sent.id);
      expect((await requestsSince()).sort()).toEqual(['GET /v1/invoices', 'GET /v1/subscriptions']);
      await debit(made, sent.id);
      await requestsSince();
      await syncWhenDue(made, sent.id);
      expect((await requestsSince()).sort()).toEqual([
        'GET /v1/invoices',
        `GET /v1/invoices/${sent.id}`,
        'GET /v1/subscriptions',
      ]);
    });
  });

  test('what a closed case left unpaid opens no other one; the next invoice does', async () => {
    const made = await buyer();
    const id = await upgrade(made, decline);
    await sync(made.customer);
    await pool.query(
      "update dunning_cases set outcome = 'excluded', closed_at = now(), left_invoices = $2 where tenant = $1",
      [made.tenant, [id]],
    );
    expect(await sync(made.customer)).not.toHaveProperty('dunned');
    const another = await upgrade(made, decline);
    expect(await sync(made.customer)).toMatchObject({ dunned: [made.subscription] });
    const { rows: open } = await pool.query(
      'select excluded_invoices from dunning_cases where tenant = $1 and closed_at is null',
      [made.tenant],
    );
    expect(open).toEqual([{ excluded_invoices: [id] }]);
    expect((await unpaidOf(made.tenant)).map((row) => row.stripe_invoice_external_id)).toContain(another);
  });

  test('I3 a case whose wake was lost is woken by the sweep, once it is due', async () => {
    const made = await buyer();
    await upgrade(made, decline);
    await sync(made.customer);
    await world.run(world.wakeDueDunning, undefined);
    expect(world.dunningWakes).not.toContain(made.subscription);
    await pool.query('update dunning_cases set attention_due_at = now() where tenant = $1', [made.tenant]);
    await world.run(world.wakeDueDunning, undefined);
    await world.run(world.wakeDueDunning, undefined);
    expect(world.dunningWakes.filter((woken) => woken === made.subscription)).toHaveLength(1);
  });
});

test('I3 a case whose wake Temporal refuses keeps no other from its own, and its turn comes again', async () => {
  const [refused, other] = [await buyer(), await buyer()];
  for (const made of [refused, other]) {
    await upgrade(made, decline);
    await sync(made.customer);
  }
  const due = (tenant: string, ago: string) =>
    pool.query('update dunning_cases set attention_due_at = now() - $2::interval where tenant = $1', [
      tenant,
      ago,
    ]);
  await due(refused.tenant, '1 hour');
  await due(other.tenant, '0 seconds');
  const refusing = activityWorld({
    database,
    stripe,
    wakeDunning: async (subscription) => {
      if (subscription === refused.subscription) throw new Error('refused');
      world.dunningWakes.push(subscription);
    },
  });
  expect(await refusing.run(refusing.wakeDueDunning, undefined)).toEqual({ woken: 1 });
  expect(world.dunningWakes).toContain(other.subscription);
  await due(refused.tenant, '0 seconds');
  await world.run(world.wakeDueDunning, undefined);
  expect(world.dunningWakes).toContain(refused.subscription);
});

describe('what is asked of Stripe', () => {
  test('invoices are not asked for while nothing calls for them', async () => {
    const made = await buyer();
    await rows.receive(event({ subject: made.customer }));
    await requestsSince();
    await settle(made.customer);
    expect(await requestsSince()).toEqual(['GET /v1/subscriptions']);
  });

  test('I4 a thin event that names only an invoice leads to its customer, without a request where we know it', async () => {
    const made = await buyer();
    const id = await upgrade(made, decline);
    await sync(made.customer);
    await rows.receive(event({ subject: id, eventType: 'v1.invoice.payment_failed', objectId: id }));
    await requestsSince();
    expect(await settle(id)).toMatchObject({ customer: made.customer });
    expect(await requestsSince()).toEqual([]);
    expect(await settle(made.customer)).toMatchObject({ processed: 1 });
  });

  test('a thin event of an unknown invoice asks whose it is, of one that Stripe does not know it is parked', async () => {
    const made = await buyer();
    const id = await upgrade(made, decline);
    await rows.receive(event({ subject: id, eventType: 'v1.invoice.payment_failed', objectId: id }));
    expect(await settle(id)).toMatchObject({ customer: made.customer });
    const unknown = newId('in');
    await rows.receive(event({ subject: unknown, eventType: 'v1.invoice.paid', objectId: unknown }));
    expect(await settle(unknown)).toMatchObject({ parked: 1 });
  });
});

describe('reminders', () => {
  const mailsOf = async (tenant: string) =>
    (
      await pool.query(
        'select kind, recipient, payload from notifications where tenant = $1 and kind <> $2',
        [tenant, 'invitation'],
      )
    ).rows;

  test('I11 the end of a trial is told once, however often Stripe announces it', async () => {
    const made = await customer();
    const { tenant } = await rows.tenantWithCustomer({ stripe_customer_id: made.id });
    const trial = await stripe.subscriptions.create({
      customer: made.id,
      items: [{ price: pro.id, quantity: 3 }],
      trial_period_days: 2,
    });
    const announced = () =>
      event({ subject: made.id, eventType: 'customer.subscription.trial_will_end', objectId: trial.id });
    await rows.receive(announced(), announced());
    await settle(made.id);
    await rows.receive(announced());
    await settle(made.id);
    expect(await mailsOf(tenant)).toEqual([
      {
        kind: 'trial_ending',
        recipient: 'ada@example.com',
        payload: expect.objectContaining({
          amount: { minor: 3_000, currency: 'usd' },
          has_payment_method: true,
          ends_at: new Date((trial.trial_end ?? 0) * 1000).toISOString(),
        }),
      },
    ]);
  });

  test('a yearly renewal is told, a monthly one is not, unless the policy says so', async () => {
    const yearly = await stripe.prices.create({
      product: String(pro.product),
      currency: 'usd',
      unit_amount: 10_000,
      recurring: { interval: 'year' },
    });
    const soon = activityWorld({ database, stripe, now: () => new Date(NOW.getTime() + 350 * 86_400_000) });
    const made = await customer();
    const { tenant } = await rows.tenantWithCustomer({ stripe_customer_id: made.id });
    await subscription(made.id, [{ price: yearly.id, quantity: 2 }]);
    await subscription(made.id, [{ price: pro.id, quantity: 1 }]);
    await rows.receive(event({ subject: made.id, eventType: 'invoice.upcoming' }));
    await soon.run(soon.syncSubject, { subject: made.id, only_pending: true });
    expect(await mailsOf(tenant)).toEqual([
      expect.objectContaining({
        kind: 'renewal_reminder',
        payload: expect.objectContaining({ amount: { minor: 20_000, currency: 'usd' } }),
      }),
    ]);
  });
});
