import { describe, expect, it } from 'vitest';
import type { BillingSettings } from '../../../sandbox/stripe/billing/billing-settings.ts';
import { latestInvoice, type Scenario, seconds, startScenario } from './subscription-scenario.ts';

const day = 86_400;
const renewal = '2027-02-10T00:00:00Z';
const failed = ['charge.failed', 'payment_intent.payment_failed', 'invoice.payment_failed'];

/** A subscription whose first payment succeeded and whose renewal has just failed. */
async function startUnpaid(settings: Partial<BillingSettings> = {}): Promise<Scenario & { id: string }> {
  const scenario = await startScenario({
    at: '2027-01-10T00:00:00Z',
    card: 'pm_card_simulator_failsAfterFirst',
  });
  await scenario.control.configureBilling({ retryAfterSeconds: [3 * day, 5 * day], ...settings });
  const { id } = await scenario.subscribe();
  await scenario.advance('2027-02-10T00:30:00Z');
  await scenario.types();
  await scenario.advance('2027-02-10T02:00:00Z');
  return { ...scenario, id };
}

describe('a renewal that is not paid', () => {
  it('makes the subscription past due after the time of the next attempt was told', async () => {
    const { id, types, read } = await startUnpaid();
    const written = await types();
    expect(written.slice(-5)).toEqual([...failed, 'invoice.updated', 'customer.subscription.updated']);
    expect(await read(id)).toMatchObject({
      status: 'past_due',
      latest_invoice: {
        attempt_count: 1,
        next_payment_attempt: seconds('2027-02-13T01:00:00Z'),
        status: 'open',
      },
    });
  });

  it('is tried again without a word about the subscription', async () => {
    const { advance, id, types, read } = await startUnpaid();
    await types();
    await advance('2027-02-13T02:00:00Z');
    expect(await types()).toEqual([...failed, 'invoice.updated']);
    expect(await read(id)).toMatchObject({ status: 'past_due', latest_invoice: { attempt_count: 2 } });
  });

  it('is active again when a retry succeeds', async () => {
    const { advance, control, customer, id, types, read } = await startUnpaid();
    await types();
    await control.setPaymentFate({ customer: customer.id, payments: 'next', outcome: { kind: 'succeed' } });
    await advance('2027-02-13T02:00:00Z');
    expect(await types()).toEqual([
      'charge.succeeded',
      'payment_intent.succeeded',
      'invoice.paid',
      'invoice.payment_succeeded',
      'customer.subscription.updated',
      'invoice_payment.paid',
    ]);
    expect((await read(id)).status).toBe('active');
  });

  it('is active again when somebody pays with a new card, or outside Stripe', async () => {
    const { stripe, customer, id, types, read } = await startUnpaid();
    await types();
    const card = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
    await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: card.id } });
    expect((await types()).includes('customer.subscription.updated')).toBe(false);
    await stripe.invoices.pay(latestInvoice(await read(id)).id);
    expect((await read(id)).status).toBe('active');
    const outside = await startUnpaid();
    await outside.stripe.invoices.pay(latestInvoice(await outside.read(outside.id)).id, {
      paid_out_of_band: true,
    });
    expect((await outside.types()).slice(-2)).toEqual(['invoice.paid', 'customer.subscription.updated']);
    expect((await outside.read(outside.id)).status).toBe('active');
  });

  it('is active again when the invoice is written off or voided', async () => {
    const written = await startUnpaid();
    await written.stripe.invoices.markUncollectible(latestInvoice(await written.read(written.id)).id);
    expect((await written.types()).slice(-2)).toEqual([
      'invoice.marked_uncollectible',
      'customer.subscription.updated',
    ]);
    expect((await written.read(written.id)).status).toBe('active');
    const voided = await startUnpaid();
    await voided.stripe.invoices.voidInvoice(latestInvoice(await voided.read(voided.id)).id);
    expect((await voided.read(voided.id)).status).toBe('active');
  });

  it('follows the most recent invoice: an older one that stays open does not matter', async () => {
    const { advance, control, customer, id, stripe, read } = await startUnpaid({
      retryAfterSeconds: [60 * day],
    });
    await control.setPaymentFate({ customer: customer.id, payments: 'next', outcome: { kind: 'succeed' } });
    await advance('2027-03-10T02:00:00Z');
    expect((await read(id)).status).toBe('active');
    const invoices = await stripe.invoices.list({ subscription: id });
    expect(invoices.data.map(({ status }) => status)).toEqual(['paid', 'open', 'paid']);
    await stripe.invoices.voidInvoice(invoices.data[1]?.id ?? '');
    expect((await read(id)).status).toBe('active');
  });
});

describe('when the retries are used up', () => {
  it('a subscription is canceled, for the payment that failed; its invoice stays open', async () => {
    const { advance, id, types, read } = await startUnpaid();
    await advance('2027-02-13T02:00:00Z');
    await types();
    await advance('2027-02-18T02:00:00Z');
    const written = await types();
    expect(written.slice(0, 4)).toEqual([...failed, 'customer.subscription.deleted']);
    expect(written.filter((type) => type === 'customer.subscription.updated')).toEqual([]);
    expect(await read(id)).toMatchObject({
      status: 'canceled',
      cancellation_details: { reason: 'payment_failed' },
      ended_at: seconds('2027-02-18T01:00:00Z'),
      latest_invoice: { status: 'open', auto_advance: false, attempt_count: 3, next_payment_attempt: null },
    });
    await advance('2027-03-15T00:00:00Z');
    expect(await types()).toEqual([]);
  });

  it('or its invoice is written off after it', async () => {
    const { advance, id, types, read } = await startUnpaid({ invoiceAtEnd: 'uncollectible' });
    await advance('2027-02-18T02:00:00Z');
    const written = await types();
    expect(written.indexOf('invoice.marked_uncollectible')).toBeGreaterThan(
      written.indexOf('customer.subscription.deleted'),
    );
    expect(await read(id)).toMatchObject({ status: 'canceled', latest_invoice: { status: 'uncollectible' } });
  });

  it('or it is unpaid: later invoices stay drafts, until the newest is paid', async () => {
    const { advance, control, customer, id, stripe, types, read } = await startUnpaid({
      subscriptionAtEnd: 'unpaid',
    });
    await advance('2027-02-13T02:00:00Z');
    await types();
    await advance('2027-02-18T02:00:00Z');
    expect(await types()).toEqual([...failed, 'customer.subscription.updated', 'invoice.updated']);
    expect((await read(id)).status).toBe('unpaid');
    await advance('2027-03-12T00:00:00Z');
    expect(await types()).toEqual(['customer.subscription.updated', 'invoice.created']);
    const draft = latestInvoice(await read(id));
    expect(draft).toMatchObject({ status: 'draft', auto_advance: false });
    await control.setPaymentFate({ customer: customer.id, payments: 'every', outcome: { kind: 'succeed' } });
    const [, first] = (await stripe.invoices.list({ subscription: id })).data;
    await stripe.invoices.pay(first?.id ?? '');
    expect((await read(id)).status).toBe('unpaid');
    await stripe.invoices.finalizeInvoice(draft.id);
    await stripe.invoices.pay(draft.id);
    expect((await read(id)).status).toBe('active');
  });

  it('or it stays past due, and later invoices are collected', async () => {
    const { advance, id, types, read } = await startUnpaid({ subscriptionAtEnd: 'past_due' });
    await advance('2027-02-13T02:00:00Z');
    await types();
    await advance('2027-02-18T02:00:00Z');
    expect(await types()).toEqual([...failed, 'invoice.updated']);
    await advance('2027-03-10T02:00:00Z');
    expect(await types()).toEqual(expect.arrayContaining(failed));
    expect((await read(id)).status).toBe('past_due');
  });

  it('or it is paused, and runs again when that invoice is paid', async () => {
    const { advance, control, customer, id, stripe, types, read } = await startUnpaid({
      subscriptionAtEnd: 'pause',
    });
    await advance('2027-02-13T02:00:00Z');
    await types();
    await advance('2027-02-18T02:00:00Z');
    expect(await types()).toEqual([
      ...failed,
      'customer.subscription.paused',
      'customer.subscription.updated',
      'invoice.updated',
    ]);
    const paused = await read(id);
    expect(paused).toMatchObject({
      status: 'paused',
      status_details: {
        paused: {
          type: 'subscription',
          transitioned_at: seconds('2027-02-18T01:00:00Z'),
          subscription: { type: 'final_payment_failure' },
        },
      },
    });
    await control.setPaymentFate({ customer: customer.id, payments: 'next', outcome: { kind: 'succeed' } });
    await stripe.invoices.pay(latestInvoice(paused).id);
    expect((await types()).slice(-3, -1)).toEqual([
      'customer.subscription.resumed',
      'customer.subscription.updated',
    ]);
    const resumed = await read(id);
    expect(resumed.status).toBe('active');
    expect(resumed).not.toHaveProperty('status_details');
  });

  it('one that can’t be paused is canceled in place of that', async () => {
    const { advance, control, read, subscribe } = await startScenario({
      at: '2027-01-10T00:00:00Z',
      card: 'pm_card_simulator_failsAfterFirst',
    });
    await control.configureBilling({ retryAfterSeconds: [], subscriptionAtEnd: 'pause' });
    const { id } = await subscribe({ billing_mode: { type: 'classic' } });
    await advance('2027-02-10T02:00:00Z');
    expect((await read(id)).status).toBe('canceled');
  });
});

describe('with the setting to pause at the first failure, a subscription', () => {
  it('is paused instead of past due, and has no invoices until it is resumed', async () => {
    const { advance, id, types, read } = await startUnpaid({ pausesAtFirstFailure: true });
    expect((await types()).slice(-3)).toEqual([
      'invoice.updated',
      'customer.subscription.paused',
      'customer.subscription.updated',
    ]);
    expect(await read(id)).toMatchObject({
      status: 'paused',
      status_details: { paused: { subscription: { type: 'first_payment_failure' } } },
    });
    await advance('2027-02-20T00:00:00Z');
    await types();
    await advance('2027-03-20T00:00:00Z');
    expect(await types()).toEqual([]);
  });

  it('begins a new period when it is paid after the old one is over', async () => {
    const { advance, control, customer, id, stripe, read } = await startUnpaid({
      pausesAtFirstFailure: true,
    });
    const { id: unpaid } = latestInvoice(await read(id));
    await advance('2027-03-20T00:00:00Z');
    await control.setPaymentFate({ customer: customer.id, payments: 'every', outcome: { kind: 'succeed' } });
    await stripe.invoices.pay(unpaid);
    const resumed = await read(id);
    expect(resumed).toMatchObject({
      status: 'active',
      billing_cycle_anchor: seconds('2027-03-20T00:00:00Z'),
      latest_invoice: { status: 'paid', total: 5_000 },
    });
    expect(resumed.items.data[0]?.current_period_end).toBe(seconds('2027-04-20T00:00:00Z'));
  });
});

describe('an invoice that is sent', () => {
  it('makes the subscription past due when its day has passed, and ends it after a while', async () => {
    const { advance, control, read, stripe, subscribe, types } = await startScenario({
      at: renewal,
      card: null,
    });
    await control.configureBilling({ sentInvoiceGraceSeconds: 10 * day, subscriptionAtEnd: 'cancel' });
    const { id } = await subscribe({ collection_method: 'send_invoice', days_until_due: 14 });
    await advance('2027-02-23T00:00:00Z');
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('active');
    await types();
    await advance('2027-02-24T01:00:00Z');
    expect(await types()).toEqual(['invoice.overdue', 'customer.subscription.updated']);
    expect((await read(id)).status).toBe('past_due');
    await advance('2027-03-06T01:00:00Z');
    expect(await types()).toContain('customer.subscription.deleted');
    expect(await read(id)).toMatchObject({
      status: 'canceled',
      cancellation_details: { reason: 'payment_failed' },
      ended_at: seconds('2027-03-06T00:00:00Z'),
    });
  });

  it('is forgotten when it is paid in time', async () => {
    const { advance, control, read, stripe, subscribe } = await startScenario({ at: renewal, card: null });
    await control.configureBilling({ sentInvoiceGraceSeconds: 10 * day });
    const { id } = await subscribe({ collection_method: 'send_invoice', days_until_due: 14 });
    await advance('2027-02-25T00:00:00Z');
    await stripe.invoices.pay(latestInvoice(await read(id)).id, { paid_out_of_band: true });
    expect((await read(id)).status).toBe('active');
    await advance('2027-03-07T00:00:00Z');
    expect((await read(id)).status).toBe('active');
  });
});
