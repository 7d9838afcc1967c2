import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { createCustomer, eventsSince, newestEvent, startSandbox } from './simulator-fixture.ts';

const daySeconds = 86_400;
/** A period of exactly 30 days: November 2026. */
const november = Date.UTC(2026, 10, 1) / 1_000;
const periodSeconds = 30 * daySeconds;

interface Subject {
  readonly customer: string;
  readonly subscription: Stripe.Subscription;
  readonly item: string;
  readonly price: Stripe.Price;
  /** Moves the customer's clock to so many days after the start of the period. */
  readonly goTo: (days: number) => Promise<void>;
}

/** A subscription of some licences at 10.00 USD a month, from 1 November 2026 on. */
async function subjectOf(
  stripe: Stripe,
  options: { quantity: number; mode?: 'classic' | 'flexible'; unitAmount?: number },
): Promise<Subject> {
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: november });
  const { id: customer } = await createCustomer(stripe, { test_clock: clock.id });
  const price = await stripe.prices.create({
    currency: 'usd',
    unit_amount: options.unitAmount ?? 1_000,
    recurring: { interval: 'month' },
    product_data: { name: 'Pro' },
  });
  const subscription = await stripe.subscriptions.create({
    customer,
    items: [{ price: price.id, quantity: options.quantity }],
    billing_mode: { type: options.mode ?? 'flexible' },
  });
  const goTo = async (days: number): Promise<void> => {
    await stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: november + days * daySeconds });
    await expect
      .poll(async () => (await stripe.testHelpers.testClocks.retrieve(clock.id)).status)
      .toBe('ready');
  };
  return { customer, subscription, item: subscription.items.data[0]?.id ?? '', price, goTo };
}

async function pendingOf(stripe: Stripe, { customer }: Subject): Promise<Stripe.InvoiceItem[]> {
  const { data } = await stripe.invoiceItems.list({ customer, pending: true });
  return data.reverse();
}

describe('a change in the middle of a period', () => {
  it('of more licences gives back the rest of what was charged and charges the rest anew', async () => {
    const { stripe } = await startSandbox();
    const subject = await subjectOf(stripe, { quantity: 2 });
    await subject.goTo(20);
    const mark = await newestEvent(stripe);
    await stripe.subscriptions.update(subject.subscription.id, {
      items: [{ id: subject.item, quantity: 5 }],
    });
    expect((await eventsSince(stripe, mark)).map(({ type }) => type)).toEqual([
      'customer.subscription.updated',
      'invoiceitem.created',
      'invoiceitem.created',
    ]);
    const [first] = (await stripe.invoices.list({ subscription: subject.subscription.id })).data;
    const period = { start: november + 20 * daySeconds, end: november + periodSeconds };
    expect(await pendingOf(stripe, subject)).toMatchObject([
      {
        amount: -667,
        description: 'Unused time on 2 × Pro after 21 Nov 2026',
        parent: {
          subscription_details: { subscription: subject.subscription.id, subscription_item: subject.item },
        },
        period,
        proration: true,
        proration_details: {
          credited_items: {
            type: 'invoice_line_items',
            invoice_line_item_details: { invoice: first?.id, invoice_line_items: [first?.lines.data[0]?.id] },
          },
        },
        quantity: 2,
      },
      {
        amount: 1_667,
        description: 'Remaining time on 5 × Pro after 21 Nov 2026',
        period,
        proration: true,
        proration_details: { credited_items: null },
        quantity: 5,
      },
    ]);
  });

  it('of fewer licences credits the difference on the next renewal', async () => {
    const { stripe } = await startSandbox();
    const subject = await subjectOf(stripe, { quantity: 5 });
    await subject.goTo(15);
    await stripe.subscriptions.update(subject.subscription.id, {
      items: [{ id: subject.item, quantity: 1 }],
    });
    await subject.goTo(31);
    const [renewal] = (await stripe.invoices.list({ subscription: subject.subscription.id })).data;
    expect(renewal?.lines.data.map(({ amount }) => amount)).toEqual([-2_500, 500, 1_000]);
    expect(renewal).toMatchObject({ total: -1_000, amount_due: 0, ending_balance: -1_000, status: 'paid' });
    expect(renewal?.lines.data[0]).toMatchObject({
      parent: {
        type: 'subscription_item_details',
        subscription_item_details: { proration: true, subscription_item: subject.item },
      },
    });
    expect(await pendingOf(stripe, subject)).toEqual([]);
    const customer = (await stripe.customers.retrieve(subject.customer)) as Stripe.Customer;
    expect(customer.balance).toBe(-1_000);
  });

  it('that is invoiced always is billed and paid at once', async () => {
    const { stripe } = await startSandbox();
    const subject = await subjectOf(stripe, { quantity: 1 });
    await subject.goTo(15);
    const mark = await newestEvent(stripe);
    const { latest_invoice } = await stripe.subscriptions.update(subject.subscription.id, {
      items: [{ id: subject.item, quantity: 3 }],
      proration_behavior: 'always_invoice',
      expand: ['latest_invoice'],
    });
    expect(latest_invoice).toMatchObject({
      amount_paid: 1_000,
      auto_advance: false,
      billing_reason: 'subscription_update',
      lines: { data: [{ amount: -500 }, { amount: 1_500 }] },
      status: 'paid',
    });
    expect((await eventsSince(stripe, mark)).map(({ type }) => type)).toEqual([
      'customer.subscription.updated',
      'invoiceitem.created',
      'invoiceitem.created',
      'charge.succeeded',
      'payment_intent.succeeded',
      'payment_intent.created',
      'invoice.created',
      'invoice.finalized',
      'invoice.paid',
      'invoice.payment_succeeded',
      'invoice_payment.paid',
    ]);
  });

  it('that is not prorated leaves nothing behind, and flexible billing gives back only what was charged', async () => {
    const { stripe } = await startSandbox();
    for (const [mode, credit] of [
      ['flexible', -500],
      ['classic', -2_000],
    ] as const) {
      const subject = await subjectOf(stripe, { quantity: 1, mode });
      await subject.goTo(15);
      const { id } = subject.subscription;
      await stripe.subscriptions.update(id, {
        items: [{ id: subject.item, quantity: 4 }],
        proration_behavior: 'none',
      });
      expect(await pendingOf(stripe, subject)).toEqual([]);
      await stripe.subscriptions.update(id, { items: [{ id: subject.item, quantity: 2 }] });
      const amounts = (await pendingOf(stripe, subject)).map(({ amount }) => amount);
      expect(amounts, mode).toEqual([credit, 1_000]);
    }
  });

  it('after another one gives back the pending debit of it', async () => {
    const { stripe } = await startSandbox();
    const subject = await subjectOf(stripe, { quantity: 1 });
    await subject.goTo(15);
    const { id } = subject.subscription;
    await stripe.subscriptions.update(id, { items: [{ id: subject.item, quantity: 3 }] });
    await subject.goTo(24);
    await stripe.subscriptions.update(id, { items: [{ id: subject.item, quantity: 2 }] });
    const pending = await pendingOf(stripe, subject);
    expect(pending.map(({ amount }) => amount)).toEqual([-500, 1_500, -600, 400]);
    expect(pending[2]?.proration_details?.credited_items).toEqual({
      type: 'invoice_item',
      invoice_item: pending[1]?.id,
    });
    await subject.goTo(31);
    const [renewal] = (await stripe.invoices.list({ subscription: id })).data;
    expect(renewal?.total).toBe(2_800);
    expect(renewal?.lines.data[2]?.parent?.subscription_item_details?.proration_details).toEqual({
      credited_items: { invoice: renewal?.id, invoice_line_items: [renewal?.lines.data[1]?.id] },
    });
  });

  it('gives back nothing twice: what a voided invoice charged, and what was given back before', async () => {
    const { stripe } = await startSandbox();
    const subject = await subjectOf(stripe, { quantity: 2 });
    const { id } = subject.subscription;
    await subject.goTo(15);
    const update = await stripe.subscriptions.update(id, {
      items: [{ id: subject.item, quantity: 3 }],
      proration_behavior: 'always_invoice',
      payment_behavior: 'default_incomplete',
    });
    await stripe.invoices.voidInvoice(String(update.latest_invoice));
    await stripe.subscriptions.update(id, { items: [{ id: subject.item, quantity: 1 }] });
    // The voided invoice had given back and charged: neither counts.
    expect((await pendingOf(stripe, subject)).map(({ amount }) => amount)).toEqual([-1_000, 500]);
  });

  it('that is dated before the last one gives back each part of what was charged, in a credit of its own', async () => {
    const { stripe } = await startSandbox();
    const subject = await subjectOf(stripe, { quantity: 1 });
    await subject.goTo(20);
    const { id } = subject.subscription;
    await stripe.subscriptions.update(id, { items: [{ id: subject.item, quantity: 3 }] });
    const known = (await pendingOf(stripe, subject)).length;
    await stripe.subscriptions.update(id, {
      items: [{ id: subject.item, quantity: 2 }],
      proration_date: november + 10 * daySeconds,
    });
    const added = (await pendingOf(stripe, subject)).slice(known);
    const day = (at: number): number => (at - november) / daySeconds;
    expect(added.map(({ amount, period }) => [amount, day(period.start), day(period.end)])).toEqual([
      [-334, 10, 20],
      [-1_000, 20, 30],
      [1_333, 10, 30],
    ]);
  });

  it('of the price changes what is charged, and of an item that is added or removed only one side', async () => {
    const { stripe } = await startSandbox();
    const subject = await subjectOf(stripe, { quantity: 2 });
    const { id } = subject.subscription;
    const better = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 3_000,
      recurring: { interval: 'month' },
      product_data: { name: 'Max' },
    });
    await subject.goTo(15);
    await stripe.subscriptions.update(id, { items: [{ id: subject.item, price: better.id }] });
    const added = await stripe.subscriptions.update(id, {
      items: [{ price: subject.price.id, quantity: 1 }],
    });
    const extra = added.items.data.find((item) => item.id !== subject.item)?.id ?? '';
    await subject.goTo(24);
    await stripe.subscriptions.update(id, { items: [{ id: extra, deleted: true }] });
    const pending = await pendingOf(stripe, subject);
    expect(pending.map(({ amount, description }) => [amount, description])).toEqual([
      [-1_000, 'Unused time on 2 × Pro after 16 Nov 2026'],
      [3_000, 'Remaining time on 2 × Max after 16 Nov 2026'],
      [500, 'Remaining time on Pro after 16 Nov 2026'],
      [-200, 'Unused time on Pro after 25 Nov 2026'],
    ]);
  });

  it('to another rhythm charges the rest of the new period, counted from the anchor', async () => {
    const { stripe } = await startSandbox();
    const subject = await subjectOf(stripe, { quantity: 1 });
    const yearly = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 36_500,
      recurring: { interval: 'year' },
      product: String(subject.price.product),
    });
    await subject.goTo(15);
    const { id } = subject.subscription;
    await stripe.subscriptions.update(id, { items: [{ id: subject.item, price: yearly.id }] });
    const pending = await pendingOf(stripe, subject);
    expect(pending.map(({ amount }) => amount)).toEqual([-500, 35_000]);
    expect(pending[1]?.period.end).toBe(Date.UTC(2027, 10, 1) / 1_000);
  });

  it('in classic billing to another rhythm starts a new period, charged whole and at once', async () => {
    const { stripe } = await startSandbox();
    const subject = await subjectOf(stripe, { quantity: 1, mode: 'classic' });
    const yearly = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 10_000,
      recurring: { interval: 'year' },
      product: String(subject.price.product),
    });
    await subject.goTo(15);
    const { latest_invoice: invoice } = await stripe.subscriptions.update(subject.subscription.id, {
      items: [{ id: subject.item, price: yearly.id }],
      expand: ['latest_invoice'],
    });
    expect(invoice).toMatchObject({
      lines: { data: [{ amount: -500 }, { amount: 10_000 }] },
      amount_paid: 9_500,
    });
  });

  it('in a trial costs nothing, and neither does the end of it give anything back', async () => {
    const { stripe } = await startSandbox();
    const { id: customer } = await createCustomer(stripe);
    const price = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 1_000,
      recurring: { interval: 'month' },
      product_data: { name: 'Pro' },
    });
    const trial = await stripe.subscriptions.create({
      customer,
      items: [{ price: price.id, quantity: 1 }],
      trial_period_days: 14,
    });
    const item = trial.items.data[0]?.id ?? '';
    await stripe.subscriptions.update(trial.id, { items: [{ id: item, quantity: 4 }] });
    expect((await stripe.invoiceItems.list({ customer })).data).toEqual([]);
    const active = await stripe.subscriptions.update(trial.id, {
      trial_end: 'now',
      expand: ['latest_invoice'],
    });
    expect(active).toMatchObject({ status: 'active', latest_invoice: { total: 4_000 } });
  });

  it('that starts new periods charges every item whole, also one that is added with it', async () => {
    const { stripe } = await startSandbox();
    const subject = await subjectOf(stripe, { quantity: 1 });
    await subject.goTo(15);
    const { latest_invoice: invoice } = await stripe.subscriptions.update(subject.subscription.id, {
      items: [{ price: subject.price.id, quantity: 3 }],
      billing_cycle_anchor: { type: 'now' },
      expand: ['latest_invoice'],
    });
    expect((invoice as Stripe.Invoice).lines.data.map(({ amount }) => amount)).toEqual([-500, 1_000, 3_000]);
  });

  it('is counted to the second', async () => {
    const { stripe } = await startSandbox();
    const subject = await subjectOf(stripe, { quantity: 1, unitAmount: 2_592_000 });
    await subject.goTo(10);
    await stripe.subscriptions.update(subject.subscription.id, {
      items: [{ id: subject.item, quantity: 2 }],
      proration_date: november + 10 * daySeconds - 7,
    });
    const left = periodSeconds - 10 * daySeconds + 7;
    const amounts = (await pendingOf(stripe, subject)).map(({ amount }) => amount);
    expect(amounts).toEqual([-left, 2 * left]);
  });
});

describe('a subscription that is canceled', () => {
  it.each([
    ['drops what is pending', {}, []],
    [
      'bills what is unused and pending when asked to',
      { invoice_now: true, prorate: true },
      [-500, 1_500, -1_500],
    ],
  ] as const)('%s', async (_, parameters, amounts) => {
    const { stripe } = await startSandbox();
    const subject = await subjectOf(stripe, { quantity: 1 });
    await subject.goTo(15);
    const { id } = subject.subscription;
    await stripe.subscriptions.update(id, { items: [{ id: subject.item, quantity: 3 }] });
    await stripe.subscriptions.cancel(id, parameters);
    expect(await pendingOf(stripe, subject)).toEqual([]);
    const bills = (await stripe.invoices.list({ subscription: id })).data.filter(
      ({ billing_reason: reason }) => reason !== 'subscription_create',
    );
    expect(bills.flatMap(({ lines }) => lines.data.map(({ amount }) => amount))).toEqual(amounts);
  });
});
