import { describe, expect, it } from 'vitest';
import { refusalOf } from './simulator-fixture.ts';
import { latestInvoice, onlyItem, seconds, startScenario } from './subscription-scenario.ts';

const day = 86_400;
const at = '2027-01-10T00:00:00Z';
const trialEnd = '2027-01-24T00:00:00Z';

describe('a trial', () => {
  it('begins with an invoice of nothing, is said to end three days before, and then bills', async () => {
    const { advance, read, subscribe, types } = await startScenario({ at });
    const { id } = await subscribe({ trial_period_days: 14 });
    expect(await types()).toEqual([
      'customer.updated',
      'customer.subscription.created',
      'invoice.created',
      'invoice.finalized',
      'invoice.paid',
      'invoice.payment_succeeded',
    ]);
    const trial = await read(id);
    expect(trial).toMatchObject({
      status: 'trialing',
      trial_start: seconds(at),
      trial_end: seconds(trialEnd),
      billing_cycle_anchor: seconds(trialEnd),
      latest_invoice: { status: 'paid', total: 0 },
    });
    expect(onlyItem(trial)).toMatchObject({ current_period_end: seconds(trialEnd) });
    await advance('2027-01-20T23:59:59Z');
    expect(await types()).toEqual([]);
    await advance('2027-01-21T00:00:00Z');
    expect(await types()).toEqual(['customer.subscription.trial_will_end']);
    await advance('2027-01-24T00:30:00Z');
    expect(await types()).toEqual(['customer.subscription.updated', 'invoice.created']);
    const begun = await read(id);
    expect(begun).toMatchObject({
      status: 'active',
      latest_invoice: { status: 'draft', billing_reason: 'subscription_cycle', total: 5_000 },
    });
    expect(onlyItem(begun)).toMatchObject({
      current_period_start: seconds(trialEnd),
      current_period_end: seconds('2027-02-24T00:00:00Z'),
    });
    await advance('2027-01-24T01:30:00Z');
    expect(latestInvoice(await read(id)).status).toBe('paid');
  });

  it('that is shorter than three days is said to end at once', async () => {
    const { subscribe, types } = await startScenario({ at });
    await subscribe({ trial_end: seconds(at) + 2 * day });
    const written = await types();
    expect(written.slice(0, 3)).toEqual([
      'customer.updated',
      'customer.subscription.created',
      'customer.subscription.trial_will_end',
    ]);
  });

  it.each([
    ['cancel', 'canceled', ['customer.subscription.deleted']],
    ['pause', 'paused', ['customer.subscription.paused', 'customer.subscription.updated']],
    ['create_invoice', 'active', ['customer.subscription.updated', 'invoice.created']],
  ] as const)('that ends without a card, with %s, leaves it %s', async (behavior, status, events) => {
    const { advance, stripe, subscribe, types } = await startScenario({ at, card: null });
    const { id } = await subscribe({
      trial_period_days: 14,
      trial_settings: { end_behavior: { missing_payment_method: behavior } },
    });
    await advance('2027-01-23T00:00:00Z');
    await types();
    await advance('2027-01-24T00:30:00Z');
    expect(await types()).toEqual(events);
    const subscription = await stripe.subscriptions.retrieve(id);
    expect(subscription.status).toBe(status);
    if (status === 'paused') {
      expect(subscription.status_details?.paused.subscription.type).toBe('trial_end_without_payment_method');
    }
  });

  it('that ends without a card is past due when its invoice can’t be charged', async () => {
    const { advance, read, subscribe } = await startScenario({ at, card: null });
    const { id } = await subscribe({ trial_period_days: 14 });
    await advance('2027-01-24T01:30:00Z');
    expect(await read(id)).toMatchObject({
      status: 'past_due',
      latest_invoice: { attempt_count: 1, status: 'open' },
    });
  });

  it('that is ended by an update bills at once', async () => {
    const { advance, read, stripe, subscribe, types } = await startScenario({ at });
    const { id } = await subscribe({ trial_period_days: 14 });
    await advance('2027-01-15T00:00:00Z');
    await types();
    await stripe.subscriptions.update(id, { trial_end: 'now' });
    expect((await types())[0]).toBe('customer.subscription.updated');
    const active = await read(id);
    expect(active).toMatchObject({
      status: 'active',
      trial_end: seconds('2027-01-15T00:00:00Z'),
      billing_cycle_anchor: seconds('2027-01-15T00:00:00Z'),
      latest_invoice: { status: 'paid', total: 5_000, billing_reason: 'subscription_update' },
    });
    expect(onlyItem(active).current_period_end).toBe(seconds('2027-02-15T00:00:00Z'));
  });

  it('that is ended by an update is refused when nobody can pay', async () => {
    const { stripe, subscribe } = await startScenario({ at, card: null });
    const { id } = await subscribe({ trial_period_days: 14 });
    const update = stripe.subscriptions.update(id, { trial_end: 'now' });
    expect(await refusalOf(update)).toMatchObject({ code: 'resource_missing' });
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('trialing');
  });

  it('that is made longer just ends later', async () => {
    const { advance, read, stripe, subscribe, types } = await startScenario({ at });
    const { id } = await subscribe({ trial_period_days: 14 });
    await advance('2027-01-22T00:00:00Z');
    await types();
    const later = seconds('2027-01-31T00:00:00Z');
    const longer = await stripe.subscriptions.update(id, { trial_end: later });
    expect(longer).toMatchObject({
      status: 'trialing',
      trial_start: seconds(at),
      trial_end: later,
      billing_cycle_anchor: later,
    });
    expect(await types()).toEqual(['customer.subscription.updated']);
    await advance('2027-01-28T00:00:00Z');
    expect(await types()).toEqual(['customer.subscription.trial_will_end']);
    await advance('2027-01-31T02:00:00Z');
    expect(await read(id)).toMatchObject({ status: 'active', latest_invoice: { total: 5_000 } });
  });

  it('keeps its end and costs nothing when something else is sold', async () => {
    const { advance, read, stripe, subscribe, types } = await startScenario({ at });
    const { id, items } = await subscribe({ trial_period_days: 14 });
    const yearly = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 50_000,
      recurring: { interval: 'year' },
      product_data: { name: 'Licence for a year' },
    });
    await types();
    const item = items.data[0]?.id ?? '';
    await stripe.subscriptions.update(id, { items: [{ id: item, price: yearly.id, quantity: 1 }] });
    expect(await types()).toEqual(['customer.subscription.updated']);
    expect(onlyItem(await read(id))).toMatchObject({
      current_period_start: seconds(at),
      current_period_end: seconds(trialEnd),
    });
    await advance('2027-01-24T02:00:00Z');
    expect(latestInvoice(await read(id)).total).toBe(50_000);
  });

  it('that begins later gives back what is left of the period', async () => {
    const { advance, read, stripe, customer, subscribe } = await startScenario({
      at: '2027-04-01T00:00:00Z',
    });
    const { id } = await subscribe();
    await advance('2027-04-16T00:00:00Z');
    await stripe.subscriptions.update(id, { trial_end: seconds('2027-05-16T00:00:00Z') });
    expect(await read(id)).toMatchObject({
      status: 'trialing',
      trial_start: seconds('2027-04-16T00:00:00Z'),
    });
    expect(await stripe.customers.retrieve(customer.id)).toMatchObject({ balance: -2_500 });
  });

  it('with default_incomplete and no card asks the client to set one up', async () => {
    const { stripe, subscribe, types } = await startScenario({ at, card: null });
    const trial = await subscribe({ trial_period_days: 14, payment_behavior: 'default_incomplete' });
    expect(trial).toMatchObject({
      status: 'trialing',
      pending_setup_intent: expect.stringMatching(/^seti_/),
    });
    expect(await types()).toContain('setup_intent.created');
    await stripe.setupIntents.confirm(String(trial.pending_setup_intent), { payment_method: 'pm_card_visa' });
    expect(await stripe.subscriptions.retrieve(trial.id)).toMatchObject({
      pending_setup_intent: null,
      default_payment_method: expect.stringMatching(/^pm_/),
    });
  });

  it('ends with its subscription when that is to end with the period', async () => {
    const { advance, stripe, subscribe, types } = await startScenario({ at });
    const { id } = await subscribe({ trial_period_days: 14, cancel_at_period_end: true });
    await advance('2027-01-23T00:00:00Z');
    await types();
    await advance('2027-01-25T00:00:00Z');
    expect(await types()).toEqual(['customer.subscription.deleted']);
    expect((await stripe.subscriptions.retrieve(id)).ended_at).toBe(seconds(trialEnd));
  });
});
