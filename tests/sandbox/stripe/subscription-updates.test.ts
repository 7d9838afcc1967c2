import { describe, expect, it } from 'vitest';
import { refusalOf } from './simulator-fixture.ts';
import { latestInvoice, onlyItem, type Scenario, seconds, startScenario } from './subscription-scenario.ts';

const start = '2027-04-01T00:00:00Z';
const middle = '2027-04-16T00:00:00Z';
const end = '2027-05-01T00:00:00Z';

/** A subscription of 10 in the middle of a period of 30 days. */
async function startInTheMiddle(
  options: { card?: string; classic?: boolean } = {},
): Promise<Scenario & { id: string; item: string }> {
  const scenario = await startScenario({ at: start, ...(options.card ? { card: options.card } : {}) });
  const subscription = await scenario.subscribe(options.classic ? { billing_mode: { type: 'classic' } } : {});
  await scenario.advance(middle);
  await scenario.types();
  return { ...scenario, id: subscription.id, item: onlyItem(subscription).id };
}

describe('a quantity change', () => {
  it('up is prorated to the second, and billed with the next cycle', async () => {
    const { stripe, id, item, types, events, advance, read } = await startInTheMiddle();
    await stripe.subscriptions.update(id, { items: [{ id: item, quantity: 20 }] });
    const written = await events();
    expect(written.map(({ type }) => type)).toEqual([
      'customer.subscription.updated',
      'invoiceitem.created',
      'invoiceitem.created',
    ]);
    expect(written.slice(1).map(({ data }) => data.object)).toMatchObject([
      { amount: -2_500, proration: true },
      { amount: 5_000, proration: true },
    ]);
    await advance(end);
    expect(await types()).toContain('invoice.created');
    expect(latestInvoice(await read(id)).total).toBe(10_000 + 2_500);
  });

  it('with always_invoice is billed and paid at once', async () => {
    const { stripe, id, item, types, read } = await startInTheMiddle();
    await stripe.subscriptions.update(id, {
      items: [{ id: item, quantity: 20 }],
      proration_behavior: 'always_invoice',
    });
    expect(await types()).toEqual([
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
    const subscription = await read(id);
    expect(subscription.status).toBe('active');
    expect(latestInvoice(subscription)).toMatchObject({
      billing_reason: 'subscription_update',
      status: 'paid',
      total: 2_500,
    });
  });

  it('with always_invoice and a card that fails is made all the same, and past due without retries', async () => {
    const { stripe, id, item, types, read, advance } = await startInTheMiddle({
      card: 'pm_card_simulator_failsAfterFirst',
    });
    const answer = await stripe.subscriptions.update(id, {
      items: [{ id: item, quantity: 20 }],
      proration_behavior: 'always_invoice',
    });
    expect(answer).toMatchObject({ status: 'past_due', items: { data: [{ quantity: 20 }] } });
    expect(await types()).toEqual([
      'customer.subscription.updated',
      'invoiceitem.created',
      'invoiceitem.created',
      'charge.failed',
      'payment_intent.payment_failed',
      'payment_intent.created',
      'invoice.created',
      'invoice.finalized',
      'invoice.payment_failed',
      'customer.subscription.updated',
    ]);
    expect(latestInvoice(await read(id))).toMatchObject({ status: 'open', next_payment_attempt: null });
    await advance('2027-04-25T00:00:00Z');
    expect(await types()).toEqual(['invoice.upcoming']);
  });

  it('with none is an update and nothing else', async () => {
    const { stripe, id, item, types } = await startInTheMiddle();
    await stripe.subscriptions.update(id, {
      items: [{ id: item, quantity: 20 }],
      proration_behavior: 'none',
    });
    expect(await types()).toEqual(['customer.subscription.updated']);
  });

  it('down is a credit, which always_invoice turns into the customer’s balance', async () => {
    const { stripe, customer, id, item, types } = await startInTheMiddle();
    await stripe.subscriptions.update(id, { items: [{ id: item, quantity: 8 }] });
    expect(await types()).toEqual([
      'customer.subscription.updated',
      'invoiceitem.created',
      'invoiceitem.created',
    ]);
    await stripe.subscriptions.update(id, {
      items: [{ id: item, quantity: 6 }],
      proration_behavior: 'always_invoice',
    });
    expect(await types()).toContain('invoice.paid');
    expect(await stripe.customers.retrieve(customer.id)).toMatchObject({ balance: -1_000 });
  });

  it('is prorated from the date that is given, within the period', async () => {
    const { stripe, id, item, events } = await startInTheMiddle();
    await stripe.subscriptions.update(id, {
      items: [{ id: item, quantity: 20 }],
      proration_date: seconds(start),
    });
    const amounts = (await events()).slice(1).map(({ data }) => data.object);
    expect(amounts).toMatchObject([{ amount: -5_000 }, { amount: 10_000 }]);
    const outside = stripe.subscriptions.update(id, {
      items: [{ id: item, quantity: 3 }],
      proration_date: seconds('2027-06-01T00:00:00Z'),
    });
    expect(await refusalOf(outside)).toMatchObject({ param: 'proration_date' });
  });

  it('with error_if_incomplete is a 402 that changes nothing', async () => {
    const { stripe, id, item, types, read } = await startInTheMiddle({
      card: 'pm_card_simulator_failsAfterFirst',
    });
    const change = stripe.subscriptions.update(id, {
      items: [{ id: item, quantity: 20 }],
      proration_behavior: 'always_invoice',
      payment_behavior: 'error_if_incomplete',
    });
    expect(await refusalOf(change)).toMatchObject({ statusCode: 402, code: 'card_declined' });
    expect(await types()).toEqual(['charge.failed', 'payment_intent.payment_failed']);
    const subscription = await read(id);
    expect(subscription).toMatchObject({ status: 'active', items: { data: [{ quantity: 10 }] } });
    expect((await stripe.invoices.list({ subscription: id })).data).toHaveLength(1);
    expect((await stripe.invoiceItems.list({ pending: true })).data).toEqual([]);
  });

  it('with default_incomplete is past due until the client confirms', async () => {
    const { stripe, id, item, read } = await startInTheMiddle();
    const answer = await stripe.subscriptions.update(id, {
      items: [{ id: item, quantity: 20 }],
      proration_behavior: 'always_invoice',
      payment_behavior: 'default_incomplete',
    });
    expect(answer.status).toBe('past_due');
    await stripe.invoices.pay(String(answer.latest_invoice));
    expect((await read(id)).status).toBe('active');
  });
});

describe('the items', () => {
  it('come, go and change by themselves, each prorated', async () => {
    const { stripe, price, id, item, types } = await startInTheMiddle();
    const added = await stripe.subscriptionItems.create({ subscription: id, price: price.id, quantity: 2 });
    expect(added).toMatchObject({
      quantity: 2,
      current_period_start: seconds(start),
      current_period_end: seconds(end),
    });
    expect(await types()).toEqual(['customer.subscription.updated', 'invoiceitem.created']);
    await stripe.subscriptionItems.update(item, { quantity: 9 });
    expect(await types()).toEqual([
      'customer.subscription.updated',
      'invoiceitem.created',
      'invoiceitem.created',
    ]);
    await stripe.subscriptionItems.del(added.id, { proration_behavior: 'none' });
    expect(await types()).toEqual(['customer.subscription.updated']);
    const wrong = stripe.subscriptionItems.update(item, { price: 'price_none' });
    expect(await refusalOf(wrong)).toMatchObject({ statusCode: 400, param: 'price' });
  });

  it('of another interval keep the anchor in flexible billing, and bill nothing now', async () => {
    const { stripe, id, item, types } = await startInTheMiddle();
    const yearly = await yearlyPrice({ stripe });
    await types();
    const changed = await stripe.subscriptions.update(id, { items: [{ id: item, price: yearly }] });
    expect(changed.billing_cycle_anchor).toBe(seconds(start));
    expect(onlyItem(changed)).toMatchObject({ current_period_end: seconds('2028-04-01T00:00:00Z') });
    expect(await types()).toEqual([
      'customer.subscription.updated',
      'invoiceitem.created',
      'invoiceitem.created',
    ]);
  });

  it('of another interval begin a new period in classic billing, which is billed now', async () => {
    const { stripe, id, item, types, read } = await startInTheMiddle({ classic: true });
    const yearly = await yearlyPrice({ stripe });
    await types();
    const changed = await stripe.subscriptions.update(id, { items: [{ id: item, price: yearly }] });
    expect(changed.billing_cycle_anchor).toBe(seconds(middle));
    expect(onlyItem(changed)).toMatchObject({
      current_period_start: seconds(middle),
      current_period_end: seconds('2028-04-16T00:00:00Z'),
    });
    expect(latestInvoice(await read(id))).toMatchObject({ status: 'paid', total: 500_000 - 2_500 });
  });
});

describe('the billing cycle anchor', () => {
  it('set to now begins a new period, which is billed with a credit for the old one', async () => {
    const { stripe, id, read } = await startInTheMiddle();
    await stripe.subscriptions.update(id, { billing_cycle_anchor: { type: 'now' } });
    const subscription = await read(id);
    expect(subscription.billing_cycle_anchor).toBe(seconds(middle));
    expect(onlyItem(subscription)).toMatchObject({
      current_period_start: seconds(middle),
      current_period_end: seconds('2027-05-16T00:00:00Z'),
    });
    expect(latestInvoice(subscription)).toMatchObject({ status: 'paid', total: 5_000 - 2_500 });
  });

  it('is refused in the form of older API versions', async () => {
    const { simulator, id } = await startInTheMiddle();
    const response = await fetch(`${simulator.url}/v1/subscriptions/${id}`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk_test_x', 'content-type': 'application/x-www-form-urlencoded' },
      body: 'billing_cycle_anchor=now',
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param: 'billing_cycle_anchor' } });
  });
});

describe('an update', () => {
  it('that changes nothing writes nothing', async () => {
    const { stripe, id, item, types } = await startInTheMiddle();
    await stripe.subscriptions.update(id, { items: [{ id: item, quantity: 10 }] });
    await stripe.subscriptions.update(id, {
      cancel_at_period_end: false,
      collection_method: 'charge_automatically',
      metadata: { gone: '' },
    });
    await stripe.subscriptions.update(id, {
      items: [{ id: item, quantity: 10 }],
      proration_behavior: 'always_invoice',
    });
    expect(await types()).toEqual([]);
  });

  it('changes how invoices are collected', async () => {
    const { stripe, id, types } = await startInTheMiddle();
    const sent = await stripe.subscriptions.update(id, {
      collection_method: 'send_invoice',
      days_until_due: 7,
    });
    expect(sent).toMatchObject({ collection_method: 'send_invoice', days_until_due: 7 });
    const charged = await stripe.subscriptions.update(id, { collection_method: 'charge_automatically' });
    expect(charged.days_until_due).toBeNull();
    expect(await refusalOf(stripe.subscriptions.update(id, { days_until_due: 3 }))).toMatchObject({
      param: 'days_until_due',
    });
    expect(await types()).toEqual(['customer.subscription.updated', 'customer.subscription.updated']);
  });

  it('takes only a card of the customer as default', async () => {
    const { stripe, customer, id } = await startInTheMiddle();
    const card = await stripe.paymentMethods.attach('pm_card_mastercard', { customer: customer.id });
    const updated = await stripe.subscriptions.update(id, { default_payment_method: card.id });
    expect(updated.default_payment_method).toBe(card.id);
    const wrong = stripe.subscriptions.update(id, { default_payment_method: 'pm_none' });
    expect(await refusalOf(wrong)).toMatchObject({ param: 'default_payment_method' });
  });

  it('moves a subscription to flexible billing, once and for all', async () => {
    const { stripe, id, types } = await startInTheMiddle({ classic: true });
    const migrated = await stripe.subscriptions.migrate(id, { billing_mode: { type: 'flexible' } });
    expect(migrated.billing_mode).toMatchObject({ type: 'flexible', updated_at: seconds(middle) });
    expect(await types()).toEqual(['customer.subscription.updated']);
    const again = stripe.subscriptions.migrate(id, { billing_mode: { type: 'flexible' } });
    expect(await refusalOf(again)).toMatchObject({ statusCode: 400 });
  });
});

async function yearlyPrice({ stripe }: Pick<Scenario, 'stripe'>): Promise<string> {
  const price = await stripe.prices.create({
    currency: 'usd',
    unit_amount: 50_000,
    recurring: { interval: 'year' },
    product_data: { name: 'Licence for a year' },
  });
  return price.id;
}
