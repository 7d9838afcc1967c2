import { describe, expect, it } from 'vitest';
import { refusalOf } from './simulator-fixture.ts';
import { latestInvoice, onlyItem, type Scenario, seconds, startScenario } from './subscription-scenario.ts';

const start = '2027-04-01T00:00:00Z';
const middle = '2027-04-16T00:00:00Z';
const end = '2027-05-01T00:00:00Z';

/** A subscription of 10 in the middle of a period of 30 days. */
async function startInTheMiddle(): Promise<Scenario & { id: string; item: string }> {
  const scenario = await startScenario({ at: start });
  const subscription = await scenario.subscribe();
  await scenario.advance(middle);
  await scenario.types();
  return { ...scenario, id: subscription.id, item: onlyItem(subscription).id };
}

describe('a cancellation at once', () => {
  it('drops the prorations that have not been billed', async () => {
    const { stripe, id, item, types } = await startInTheMiddle();
    await stripe.subscriptions.update(id, { items: [{ id: item, quantity: 20 }] });
    await types();
    await stripe.subscriptions.cancel(id);
    expect(await types()).toEqual([
      'invoiceitem.deleted',
      'invoiceitem.deleted',
      'customer.subscription.deleted',
    ]);
  });

  it('with prorate leaves a credit, and with invoice_now bills it', async () => {
    const { stripe, customer, id, types, read } = await startInTheMiddle();
    await stripe.subscriptions.cancel(id, { prorate: true, invoice_now: true });
    expect((await types()).slice(0, 3)).toEqual([
      'invoiceitem.created',
      'customer.subscription.deleted',
      'invoice.created',
    ]);
    expect(latestInvoice(await read(id))).toMatchObject({ status: 'paid', total: -2_500 });
    expect(await stripe.customers.retrieve(customer.id)).toMatchObject({ balance: -2_500 });
  });

  it('stops the collection of all the customer’s invoices', async () => {
    const { advance, control, customer, stripe, subscribe, types } = await startScenario({ at: start });
    const first = await subscribe();
    const second = await subscribe();
    const decline = { kind: 'decline' } as const;
    await control.setPaymentFate({ customer: customer.id, payments: 'every', outcome: decline });
    await advance('2027-05-01T02:00:00Z');
    await types();
    await stripe.subscriptions.cancel(first.id);
    expect(await types()).toEqual(['customer.subscription.deleted', 'invoice.updated', 'invoice.updated']);
    const open = await stripe.invoices.list({ customer: customer.id, status: 'open' });
    expect(open.data).toHaveLength(2);
    for (const invoice of open.data) {
      expect(invoice).toMatchObject({ auto_advance: false, next_payment_attempt: null });
    }
    expect((await stripe.subscriptions.retrieve(second.id)).status).toBe('past_due');
  });

  it('of one that never started expires it, and voids its invoice', async () => {
    const { read, stripe, subscribe, types } = await startScenario({ card: 'pm_card_chargeCustomerFail' });
    const { id } = await subscribe();
    await types();
    const canceled = await stripe.subscriptions.cancel(id);
    expect(canceled.status).toBe('incomplete_expired');
    expect(await types()).toEqual([
      'customer.subscription.updated',
      'payment_intent.canceled',
      'invoice.voided',
    ]);
    expect(latestInvoice(await read(id)).status).toBe('void');
  });
});

describe('a cancellation to come', () => {
  it('at the end of the period ends it instead of a renewal', async () => {
    const { advance, id, stripe, types } = await startInTheMiddle();
    await stripe.subscriptions.update(id, { cancel_at_period_end: true });
    await types();
    await advance('2027-05-02T00:00:00Z');
    expect(await types()).toEqual(['customer.subscription.deleted']);
    expect(await stripe.subscriptions.retrieve(id)).toMatchObject({
      status: 'canceled',
      canceled_at: seconds(middle),
      ended_at: seconds(end),
      cancellation_details: { reason: 'cancellation_requested' },
    });
  });

  it('bills what is still pending when it comes', async () => {
    const { advance, id, item, read, stripe, types } = await startInTheMiddle();
    await stripe.subscriptions.update(id, {
      items: [{ id: item, quantity: 20 }],
      cancel_at_period_end: true,
    });
    await types();
    await advance('2027-05-01T00:30:00Z');
    expect(await types()).toEqual(['customer.subscription.deleted', 'invoice.created']);
    await advance('2027-05-01T01:30:00Z');
    expect(latestInvoice(await read(id))).toMatchObject({ status: 'paid', total: 2_500 });
  });

  it('at a moment does not move with the period, at its end it does', async () => {
    const { id, stripe } = await startInTheMiddle();
    const fixed = await stripe.subscriptions.update(id, { cancel_at: 'max_period_end' });
    expect(fixed).toMatchObject({ cancel_at: seconds(end), cancel_at_period_end: false });
    const moved = await stripe.subscriptions.update(id, { billing_cycle_anchor: { type: 'now' } });
    expect(moved.cancel_at).toBe(seconds(end));
    const following = await stripe.subscriptions.update(id, { cancel_at_period_end: true });
    expect(following.cancel_at).toBe(seconds('2027-05-16T00:00:00Z'));
    await stripe.subscriptions.update(id, { trial_end: seconds('2027-06-01T00:00:00Z') });
    const last = await stripe.subscriptions.retrieve(id);
    expect(last.cancel_at).toBe(seconds('2027-06-01T00:00:00Z'));
    const back = await stripe.subscriptions.update(id, { cancel_at: '' });
    expect(back).toMatchObject({ cancel_at: null, cancel_at_period_end: false, canceled_at: null });
  });

  it('is refused in the past, and in two ways at once', async () => {
    const { id, stripe } = await startInTheMiddle();
    const past = stripe.subscriptions.update(id, { cancel_at: seconds(start) });
    expect(await refusalOf(past)).toMatchObject({ param: 'cancel_at' });
    const both = stripe.subscriptions.update(id, { cancel_at: seconds(end), cancel_at_period_end: true });
    expect(await refusalOf(both)).toMatchObject({ param: 'cancel_at_period_end' });
  });
});

describe('the end of a customer or a clock', () => {
  it('ends the subscriptions, and nothing happens to them any more', async () => {
    const { advance, customer, id, stripe, types } = await startInTheMiddle();
    await stripe.customers.del(customer.id);
    expect(await types()).toEqual(['customer.deleted', 'customer.subscription.deleted']);
    await advance('2027-06-01T00:00:00Z');
    expect(await types()).toEqual([]);
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('canceled');
  });

  it('comes with the end of its test clock', async () => {
    const { clock, id, stripe } = await startInTheMiddle();
    await stripe.testHelpers.testClocks.del(clock);
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('canceled');
  });
});
