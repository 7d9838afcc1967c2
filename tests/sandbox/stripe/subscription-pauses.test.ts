import { describe, expect, it } from 'vitest';
import { refusalOf } from './simulator-fixture.ts';
import { latestInvoice, onlyItem, type Scenario, seconds, startScenario } from './subscription-scenario.ts';

const start = '2027-04-01T00:00:00Z';
const middle = '2027-04-16T00:00:00Z';
const later = '2027-05-20T00:00:00Z';

/** A subscription of 10 in the middle of a period of 30 days. */
async function startInTheMiddle(card = 'pm_card_visa'): Promise<Scenario & { id: string }> {
  const scenario = await startScenario({ at: start, card });
  const { id } = await scenario.subscribe();
  await scenario.advance(middle);
  await scenario.types();
  return { ...scenario, id };
}

/** The same, paused in the middle and looked at later. */
async function startPaused(card?: string): Promise<Scenario & { id: string }> {
  const scenario = await startInTheMiddle(card);
  await scenario.stripe.subscriptions.pause(scenario.id, {
    bill_for: { unused_time_from: { type: 'none' } },
  });
  await scenario.advance(later);
  await scenario.types();
  return scenario;
}

describe('pausing a subscription', () => {
  it('ends its period now, gives the rest back, and says why', async () => {
    const { events, id, stripe } = await startInTheMiddle();
    const paused = await stripe.subscriptions.pause(id);
    expect(paused).toMatchObject({
      status: 'paused',
      pause_collection: null,
      status_details: {
        paused: {
          type: 'subscription',
          transitioned_at: seconds(middle),
          subscription: { type: 'pause_requested' },
        },
      },
    });
    expect(onlyItem(paused).current_period_end).toBe(seconds(middle));
    const written = await events();
    expect(written.map(({ type }) => type)).toEqual([
      'customer.subscription.paused',
      'customer.subscription.updated',
      'invoiceitem.created',
    ]);
    expect(written[2]?.data.object).toMatchObject({ amount: -2_500 });
  });

  it('turns the credit into balance when it is to be invoiced', async () => {
    const { customer, id, stripe, types } = await startInTheMiddle();
    await stripe.subscriptions.pause(id, { invoicing_behavior: 'invoice' });
    expect(await types()).toContain('invoice.paid');
    expect(await stripe.customers.retrieve(customer.id)).toMatchObject({ balance: -2_500 });
  });

  it('gives back nothing, or the whole period, as it is told', async () => {
    const nothing = await startInTheMiddle();
    await nothing.stripe.subscriptions.pause(nothing.id, {
      bill_for: { unused_time_from: { type: 'none' } },
    });
    expect(await nothing.types()).not.toContain('invoiceitem.created');
    const whole = await startInTheMiddle();
    await whole.stripe.subscriptions.pause(whole.id, {
      bill_for: { unused_time_from: { type: 'item_current_period_start' } },
    });
    expect((await whole.events()).at(-1)?.data.object).toMatchObject({ amount: -5_000 });
  });

  it('leaves it without invoices and periods', async () => {
    const { advance, id, types } = await startPaused();
    await advance('2027-06-10T00:00:00Z');
    expect(await types()).toEqual([]);
    expect(id).toMatch(/^sub_/);
  });

  it('is refused for one in a trial, in classic billing, or that is sent its invoices', async () => {
    const { stripe, subscribe } = await startScenario();
    const refused = await Promise.all([
      subscribe({ trial_period_days: 7 }),
      subscribe({ billing_mode: { type: 'classic' } }),
      subscribe({ collection_method: 'send_invoice', days_until_due: 3 }),
    ]);
    for (const { id } of refused) {
      expect(await refusalOf(stripe.subscriptions.pause(id))).toMatchObject({ statusCode: 400 });
      expect(await refusalOf(stripe.subscriptions.resume(id))).toMatchObject({ statusCode: 400 });
    }
  });
});

describe('resuming a subscription', () => {
  it('with payment in the request runs again in a new period', async () => {
    const { id, stripe, types, read } = await startPaused();
    await stripe.subscriptions.resume(id, { payment_behavior: 'resume_on_payment_success' });
    const written = await types();
    expect(written.slice(0, 2)).toEqual(['customer.subscription.resumed', 'customer.subscription.updated']);
    expect(written).toContain('invoice.paid');
    const resumed = await read(id);
    expect(resumed).toMatchObject({
      status: 'active',
      billing_cycle_anchor: seconds(later),
      latest_invoice: { status: 'paid', total: 5_000 },
    });
    expect(resumed).not.toHaveProperty('status_details');
    expect(onlyItem(resumed)).toMatchObject({
      current_period_start: seconds(later),
      current_period_end: seconds('2027-06-20T00:00:00Z'),
    });
  });

  it('waits for its invoice when nobody is charged in the request', async () => {
    const { id, stripe, types, read } = await startPaused();
    const waiting = await stripe.subscriptions.resume(id);
    expect(waiting.status).toBe('paused');
    expect(await types()).toEqual([
      'customer.subscription.updated',
      'invoice.created',
      'invoice.finalized',
      'payment_intent.created',
    ]);
    expect(await refusalOf(stripe.subscriptions.resume(id))).toMatchObject({ statusCode: 400 });
    await stripe.invoices.pay(String(waiting.latest_invoice));
    expect((await types()).slice(-3, -1)).toEqual([
      'customer.subscription.resumed',
      'customer.subscription.updated',
    ]);
    expect((await read(id)).status).toBe('active');
  });

  it('is past due when that invoice is tried in vain', async () => {
    const { id, stripe, read } = await startPaused('pm_card_simulator_failsAfterFirst');
    const { latest_invoice } = await stripe.subscriptions.resume(id);
    expect(await refusalOf(stripe.invoices.pay(String(latest_invoice)))).toMatchObject({ statusCode: 402 });
    expect((await read(id)).status).toBe('past_due');
  });

  it('stays paused while a payment in the request fails, and is tried again', async () => {
    const { advance, control, customer, id, stripe, types, read } = await startPaused(
      'pm_card_simulator_failsAfterFirst',
    );
    await control.configureBilling({ retryAfterSeconds: [86_400] });
    const waiting = await stripe.subscriptions.resume(id, { payment_behavior: 'resume_on_payment_success' });
    expect(waiting.status).toBe('paused');
    expect(await types()).toContain('invoice.payment_failed');
    await control.setPaymentFate({ customer: customer.id, payments: 'next', outcome: { kind: 'succeed' } });
    await advance('2027-05-21T00:00:00Z');
    expect((await types()).slice(-3, -1)).toEqual([
      'customer.subscription.resumed',
      'customer.subscription.updated',
    ]);
    expect((await read(id)).status).toBe('active');
  });

  it('is given up when nobody tries to pay for 23 hours', async () => {
    const { advance, id, stripe, types, read } = await startPaused();
    await stripe.subscriptions.resume(id);
    await types();
    await advance('2027-05-21T00:00:00Z');
    expect(await types()).toEqual(['payment_intent.canceled', 'invoice.voided']);
    const paused = await read(id);
    expect(paused.status).toBe('paused');
    expect(latestInvoice(paused).status).toBe('void');
    expect((await stripe.subscriptions.resume(id)).status).toBe('paused');
  });

  it('keeps its anchor when it is told to, and is prorated for the rest of the period', async () => {
    const { events, id, stripe } = await startPaused();
    const resumed = await stripe.subscriptions.resume(id, { billing_cycle_anchor: { type: 'unchanged' } });
    expect(resumed).toMatchObject({ status: 'active', billing_cycle_anchor: seconds(start) });
    expect(onlyItem(resumed)).toMatchObject({
      current_period_start: seconds('2027-05-01T00:00:00Z'),
      current_period_end: seconds('2027-06-01T00:00:00Z'),
    });
    const written = await events();
    expect(written.map(({ type }) => type)).toEqual([
      'customer.subscription.resumed',
      'customer.subscription.updated',
      'invoiceitem.created',
    ]);
    expect(written[2]?.data.object).toMatchObject({ amount: Math.round((5_000 * 12) / 31) });
  });
});
