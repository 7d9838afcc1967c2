import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { refusalOf, startReceiver } from '../simulator-fixture.ts';
import { onlyItem, type Stage, seconds, startStage } from './stage.ts';
import { expectOrder, line } from './story.ts';

describe('Draft hour', () => {
  it('a renewal waits an hour after the last 2xx for invoice.created', async () => {
    const { advance, invoice, stripe, subscribe } = await startStage();
    const receiver = await startReceiver();
    await stripe.webhookEndpoints.create({ url: receiver.url, enabled_events: ['invoice.created'] });
    const { id } = await subscribe();
    await advance('2027-02-10T00:30:00Z');
    expect(receiver.types()).toHaveLength(2);
    expect((await invoice(id)).status).toBe('draft');
    await advance('2027-02-10T01:30:00Z');
    expect(await invoice(id)).toMatchObject({ status: 'paid', webhooks_delivered_at: expect.any(Number) });
  });

  it('while any endpoint refuses invoice.created it waits on, but not longer than 72 hours', async () => {
    const { advance, control, invoice, stripe, subscribe } = await startStage();
    const { id } = await subscribe();
    const receiver = await startReceiver();
    await control.configureDeliveries({ attemptsMax: 1 });
    await stripe.webhookEndpoints.create({ url: receiver.url, enabled_events: ['invoice.created'] });
    receiver.answerNext(500);
    await advance('2027-02-10T00:30:00Z');
    expect(receiver.types()).toEqual(['invoice.created']);
    await advance('2027-02-12T23:00:00Z');
    expect((await invoice(id)).status).toBe('draft');
    await advance('2027-02-13T01:30:00Z');
    expect((await invoice(id)).status).toBe('paid');
  });

  it.each(['subscription_create', 'subscription_update'])(
    'an invoice of %s does not wait',
    async (reason) => {
      const { invoice, stripe, subscribe } = await startStage();
      const subscription = await subscribe();
      if (reason === 'subscription_update') {
        await stripe.subscriptions.update(subscription.id, {
          items: [{ id: onlyItem(subscription).id, quantity: 16 }],
          proration_behavior: 'always_invoice',
        });
      }
      expect(await invoice(subscription.id)).toMatchObject({ status: 'paid', billing_reason: reason });
    },
  );
});

describe('Invoice moves', () => {
  type Move = 'delete' | 'finalize' | 'pay' | 'void' | 'write off';
  const moves: Readonly<Record<Move, (stripe: Stripe, id: string) => Promise<unknown>>> = {
    delete: (stripe, id) => stripe.invoices.del(id),
    finalize: (stripe, id) => stripe.invoices.finalizeInvoice(id),
    pay: (stripe, id) => stripe.invoices.pay(id, { paid_out_of_band: true }),
    void: (stripe, id) => stripe.invoices.voidInvoice(id),
    'write off': (stripe, id) => stripe.invoices.markUncollectible(id),
  };
  const ways: Readonly<Record<string, { way: readonly Move[]; allowed: Partial<Record<Move, string>> }>> = {
    draft: { way: [], allowed: { delete: 'deleted', finalize: 'open', pay: 'paid' } },
    open: { way: ['finalize'], allowed: { pay: 'paid', void: 'void', 'write off': 'uncollectible' } },
    uncollectible: { way: ['finalize', 'write off'], allowed: { pay: 'paid', void: 'void' } },
    paid: { way: ['finalize', 'pay'], allowed: {} },
    void: { way: ['finalize', 'void'], allowed: {} },
  };

  it.each(Object.entries(ways))(
    '%s: every move that Stripe knows, and no other',
    async (from, { way, allowed }) => {
      const { customer, stripe } = await startStage();
      for (const move of Object.keys(moves) as Move[]) {
        await stripe.invoiceItems.create({ customer: customer.id, amount: 700, currency: 'usd' });
        const { id } = await stripe.invoices.create({
          customer: customer.id,
          pending_invoice_items_behavior: 'include',
        });
        for (const step of way) await moves[step](stripe, id);
        expect((await stripe.invoices.retrieve(id)).status).toBe(from);
        const to = allowed[move];
        if (to === undefined) {
          expect(await refusalOf(moves[move](stripe, id)), `${from}: ${move}`).toMatchObject({
            statusCode: 400,
          });
          expect((await stripe.invoices.retrieve(id)).status).toBe(from);
        } else if (to === 'deleted') {
          await moves[move](stripe, id);
          expect(await refusalOf(stripe.invoices.retrieve(id))).toMatchObject({ statusCode: 404 });
        } else {
          expect(await moves[move](stripe, id), `${from}: ${move}`).toMatchObject({ status: to });
        }
      }
    },
  );
});

describe('invoice.paid', () => {
  /** An open invoice over 7.00 USD. */
  async function open({ customer, stripe }: Stage, amount = 700): Promise<string> {
    await stripe.invoiceItems.create({ customer: customer.id, amount, currency: 'usd' });
    const { id } = await stripe.invoices.create({
      customer: customer.id,
      auto_advance: false,
      pending_invoice_items_behavior: 'include',
    });
    await stripe.invoices.finalizeInvoice(id);
    return id;
  }

  it.each([
    [
      'a card',
      line('charge.succeeded, pi.succeeded, invoice.paid, invoice.payment_succeeded, invoice_payment.paid'),
    ],
    ['credit balance', line('invoice.paid, invoice.payment_succeeded')],
    ['nothing to pay', line('invoice.paid, invoice.payment_succeeded')],
    ['out of band', line('invoice.paid')],
  ])('covers %s', async (how, types) => {
    const stage = await startStage();
    const { customer, story, stripe } = stage;
    if (how === 'credit balance') {
      await stripe.customers.createBalanceTransaction(customer.id, { amount: -900, currency: 'usd' });
    }
    await story();
    const id = await open(stage, how === 'nothing to pay' ? 0 : 700);
    if (how === 'a card') await stripe.invoices.pay(id);
    if (how === 'out of band') await stripe.invoices.pay(id, { paid_out_of_band: true });
    const told = await story();
    expectOrder(told, line('invoice.finalized, invoice.paid'));
    expect(told.types.filter((type) => /succeeded$|paid$/.test(type)).sort()).toEqual([...types].sort());
    expect(await stripe.invoices.retrieve(id)).toMatchObject({ status: 'paid', amount_remaining: 0 });
    expect(await refusalOf(stripe.invoices.pay(id))).toMatchObject({
      statusCode: 400,
      message: 'Invoice is already paid',
    });
  });
});

describe('What can be changed', () => {
  it('while incomplete, only metadata: a quantity change waits for the first payment', async () => {
    const { invoice, story, stripe, subscribe } = await startStage();
    const subscription = await subscribe({ payment_behavior: 'default_incomplete' });
    await story();
    const quantity = { items: [{ id: onlyItem(subscription).id, quantity: 16 }] };
    expect(await refusalOf(stripe.subscriptions.update(subscription.id, quantity))).toMatchObject({
      statusCode: 400,
    });
    expect((await story()).types).toEqual([]);
    await stripe.subscriptions.update(subscription.id, { metadata: { tenant: 't' } });
    expect((await story()).types).toEqual(['customer.subscription.updated']);
    await stripe.invoices.pay((await invoice(subscription.id)).id);
    const changed = await stripe.subscriptions.update(subscription.id, quantity);
    expect(onlyItem(changed).quantity).toBe(16);
  });

  it('incomplete_expired and canceled are terminal', async () => {
    const { advance, read, stripe, subscribe } = await startStage();
    const expired = await subscribe({ payment_behavior: 'default_incomplete' });
    const canceled = await subscribe();
    await advance('2027-01-12T00:00:00Z');
    await stripe.subscriptions.cancel(canceled.id);
    for (const { id, items } of [expired, canceled]) {
      const { status } = await read(id);
      const [item] = items.data;
      const update = stripe.subscriptions.update(id, { items: [{ id: String(item?.id), quantity: 3 }] });
      expect(await refusalOf(update)).toMatchObject({ statusCode: 400 });
      expect((await read(id)).status).toBe(status);
      await stripe.subscriptions.update(id, { metadata: { note: 'kept' } });
      expect((await read(id)).metadata).toEqual({ note: 'kept' });
    }
    expect((await read(expired.id)).status).toBe('incomplete_expired');
  });
});

describe('sub.updated', () => {
  it('comes for a metadata write, also one of our own; one that changes nothing is silent', async () => {
    const { story, stripe, subscribe } = await startStage();
    const { id } = await subscribe();
    await story();
    await stripe.subscriptions.update(id, { metadata: { tenant: 't' } });
    const written = await story();
    expect(written.types).toEqual(['customer.subscription.updated']);
    expect(written.one('customer.subscription.updated').data.previous_attributes).toEqual({
      metadata: { tenant: null },
    });
    await stripe.subscriptions.update(id, { metadata: { tenant: 't' } });
    expect((await story()).types).toEqual([]);
  });

  it('comes for a new invoice item of the subscription', async () => {
    const { customer, story, stripe, subscribe } = await startStage();
    const { id } = await subscribe();
    await story();
    await stripe.invoiceItems.create({
      customer: customer.id,
      subscription: id,
      amount: 700,
      currency: 'usd',
    });
    expect((await story()).types).toEqual(line('invoiceitem.created, sub.updated'));
    await stripe.invoiceItems.create({ customer: customer.id, amount: 700, currency: 'usd' });
    expect((await story()).types).toEqual(['invoiceitem.created']);
  });
});

describe('Flexible billing', () => {
  it('credits come from the debits that were charged, one line for each', async () => {
    const { advance, invoice, story, stripe, subscribe } = await startStage({ at: '2027-04-01T00:00:00Z' });
    const subscription = await subscribe();
    const item = onlyItem(subscription).id;
    await advance('2027-04-11T00:00:00Z');
    await stripe.subscriptions.update(subscription.id, {
      items: [{ id: item, quantity: 16 }],
      proration_behavior: 'always_invoice',
    });
    await advance('2027-04-16T00:00:00Z');
    await story();
    await stripe.subscriptions.update(subscription.id, { items: [{ id: item, quantity: 4 }] });
    const told = await story();
    const credits = told
      .of('invoiceitem.created')
      .map(({ data }) => data.object.amount)
      .filter((amount) => amount < 0);
    // Half a month of the 16 that were charged for the rest of April.
    expect(credits.reduce((sum, amount) => sum + amount, 0)).toBe(-4_000);
    await advance('2027-05-01T02:00:00Z');
    expect((await invoice(subscription.id)).total).toBe(2_000 - 4_000 + 1_000);
  });

  it('an interval change does not bill now and keeps the anchor, unless it is told to', async () => {
    const { advance, price, read, story, stripe, subscribe } = await startStage();
    const yearly = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 5_000,
      recurring: { interval: 'year' },
      product: String(price.product),
    });
    const subscription = await subscribe();
    await advance('2027-01-20T00:00:00Z');
    await story();
    await stripe.subscriptions.update(subscription.id, {
      items: [{ id: onlyItem(subscription).id, price: yearly.id }],
    });
    const told = await story();
    expect(told.types.filter((type) => /^invoice\./.test(type))).toEqual([]);
    const changed = await read(subscription.id);
    expect(changed.billing_cycle_anchor).toBe(subscription.billing_cycle_anchor);
    expect(changed.latest_invoice).toMatchObject({ billing_reason: 'subscription_create' });

    await stripe.subscriptions.update(subscription.id, {
      billing_cycle_anchor: { type: 'now' },
      proration_behavior: 'always_invoice',
    });
    const anchored = await read(subscription.id);
    expect(anchored.billing_cycle_anchor).toBe(seconds('2027-01-20T00:00:00Z'));
    expect(anchored.latest_invoice).toMatchObject({ billing_reason: 'subscription_update', status: 'paid' });
  });

  it('free → paid does not bill now', async () => {
    const { advance, invoice, price, story, stripe, subscribe } = await startStage();
    const free = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 0,
      recurring: { interval: 'month' },
      product: String(price.product),
    });
    const subscription = await subscribe({ items: [{ price: free.id, quantity: 10 }] });
    await advance('2027-01-20T00:00:00Z');
    await story();
    await stripe.subscriptions.update(subscription.id, {
      items: [{ id: onlyItem(subscription).id, price: price.id }],
    });
    expect((await story()).types.filter((type) => /^invoice\./.test(type))).toEqual([]);
    await advance('2027-02-10T02:00:00Z');
    // 21 of 31 days of 50.00, and the next month.
    expect((await invoice(subscription.id)).total).toBe(3_387 + 5_000);
  });

  it('pending items are included in whatever is billed next', async () => {
    const { customer, invoice, stripe, subscribe } = await startStage();
    const subscription = await subscribe();
    await stripe.invoiceItems.create({
      customer: customer.id,
      subscription: subscription.id,
      amount: 700,
      currency: 'usd',
    });
    await stripe.subscriptions.update(subscription.id, {
      items: [{ id: onlyItem(subscription).id, quantity: 16 }],
      proration_behavior: 'always_invoice',
    });
    expect((await invoice(subscription.id)).total).toBe(700 - 5_000 + 8_000);
  });

  it('metered only: no first invoice', async () => {
    const { story, stripe, subscribe } = await startStage();
    const metered = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 3,
      recurring: { interval: 'month', usage_type: 'metered', meter: 'mtr_calls' },
      product_data: { name: 'Calls' },
    });
    await story();
    const subscription = await subscribe({ items: [{ price: metered.id }] });
    expect(subscription).toMatchObject({ status: 'active', latest_invoice: null });
    expect(onlyItem(subscription)).not.toHaveProperty('quantity');
    expect((await story()).types).toEqual(line('customer.updated, sub.created'));
  });

  it('cancel_at set from the period end does not follow later changes of the period', async () => {
    const { read, stripe, subscribe } = await startStage();
    const { id } = await subscribe();
    await stripe.subscriptions.update(id, { cancel_at: 'min_period_end' });
    const cancelAt = (await read(id)).cancel_at;
    expect(cancelAt).toBe(seconds('2027-02-10T00:00:00Z'));
    await stripe.subscriptions.update(id, { trial_end: seconds('2027-02-05T00:00:00Z') });
    expect((await read(id)).cancel_at).toBe(cancelAt);
  });
});
