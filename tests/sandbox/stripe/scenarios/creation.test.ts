import { describe, expect, it } from 'vitest';
import { refusalOf } from '../simulator-fixture.ts';
import { onlyItem, seconds, startStage } from './stage.ts';
import { expectOneRequest, expectOrder, expectSameTypes, expectStripesOwnDoing, line } from './story.ts';

const firstAttemptFails = line(`charge.failed, pi.payment_failed, invoice.payment_failed, sub.created,
  invoice.created, invoice.finalized`);

describe('A subscription is created', () => {
  it('API create, default payment method ok: active at once', async () => {
    const { customer, invoice, story, subscribe } = await startStage();
    const subscription = await subscribe();
    const told = await story();
    expect(told.types).toEqual(
      line(`charge.succeeded, customer.updated, sub.created, pi.succeeded, pi.created, invoice.created,
        invoice.finalized, invoice.paid, invoice.payment_succeeded, invoice_payment.paid`),
    );
    expectOneRequest(told);
    expect(told.path('subscription')).toEqual(['active']);
    expect(told.one('customer.updated').data.previous_attributes).toMatchObject({ currency: null });
    expect(subscription).toMatchObject({
      status: 'active',
      created: seconds('2027-01-10T00:00:00Z'),
      billing_cycle_anchor: seconds('2027-01-10T00:00:00Z'),
      billing_mode: { type: 'flexible' },
    });
    expect(onlyItem(subscription)).toMatchObject({
      current_period_start: seconds('2027-01-10T00:00:00Z'),
      current_period_end: seconds('2027-02-10T00:00:00Z'),
    });
    expect(await invoice(subscription.id)).toMatchObject({
      status: 'paid',
      billing_reason: 'subscription_create',
      attempt_count: 1,
      attempted: true,
      auto_advance: false,
      next_payment_attempt: null,
      due_date: null,
      customer: customer.id,
      amount_due: 5_000,
      amount_paid: 5_000,
      amount_remaining: 0,
      parent: { type: 'subscription_details', subscription_details: { subscription: subscription.id } },
    });
  });

  it.each([undefined, 'allow_incomplete'] as const)(
    'allow_incomplete, card fails (payment_behavior %s): incomplete, and HTTP 200',
    async (behavior) => {
      const { invoice, story, stripe, subscribe } = await startStage({ card: 'pm_card_chargeCustomerFail' });
      const subscription = await subscribe(behavior ? { payment_behavior: behavior } : {});
      const told = await story();
      expectSameTypes(told, [...firstAttemptFails, ...line('customer.updated, pi.created')]);
      expectOrder(told, firstAttemptFails);
      expectOneRequest(told);
      expect(told.path('subscription')).toEqual(['incomplete']);
      expect(subscription.lastResponse.statusCode).toBe(200);
      const first = await invoice(subscription.id);
      expect(first).toMatchObject({
        status: 'open',
        attempt_count: 1,
        attempted: true,
        auto_advance: false,
        next_payment_attempt: null,
        billing_reason: 'subscription_create',
      });
      const payment = first.payments?.data[0]?.payment.payment_intent;
      expect(await stripe.paymentIntents.retrieve(String(payment))).toMatchObject({
        status: 'requires_payment_method',
        last_payment_error: { type: 'card_error', code: 'card_declined' },
      });
    },
  );

  it('default_incomplete: incomplete, and active once the client has confirmed', async () => {
    const { customer, invoice, story, stripe, subscribe } = await startStage();
    const subscription = await subscribe({ payment_behavior: 'default_incomplete' });
    const made = await story();
    expect(made.types).toEqual(
      line('customer.updated, sub.created, invoice.created, invoice.finalized, pi.created'),
    );
    expectOneRequest(made);
    expect(subscription.status).toBe('incomplete');
    const open = await invoice(subscription.id);
    expect(open).toMatchObject({ status: 'open', attempt_count: 0, attempted: false, auto_advance: false });

    const payment = String(open.payments?.data[0]?.payment.payment_intent);
    expect((await stripe.paymentIntents.retrieve(payment)).status).toBe('requires_payment_method');
    await stripe.paymentIntents.confirm(payment, {
      payment_method: String(customer.invoice_settings.default_payment_method),
    });
    const confirmed = await story();
    expectSameTypes(
      confirmed,
      line(`charge.succeeded, pi.succeeded, invoice.paid, invoice.payment_succeeded, sub.updated,
        invoice_payment.paid`),
    );
    expectOrder(confirmed, line('pi.succeeded, invoice.paid, sub.updated'));
    expectOneRequest(confirmed);
    expect(confirmed.one('customer.subscription.updated').data).toMatchObject({
      object: { status: 'active' },
      previous_attributes: { status: 'incomplete' },
    });
    expect(confirmed.path('invoice')).toEqual(['paid']);
  });

  it('error_if_incomplete, card fails: HTTP 402, and nothing is made', async () => {
    const { customer, story, stripe, subscribe } = await startStage({ card: 'pm_card_chargeCustomerFail' });
    const refusal = await refusalOf(subscribe({ payment_behavior: 'error_if_incomplete' }));
    expect(refusal).toMatchObject({ statusCode: 402, code: 'card_declined', type: 'StripeCardError' });
    const told = await story();
    expect(told.types).toEqual(line('charge.failed, pi.payment_failed'));
    expect((await stripe.subscriptions.list({ customer: customer.id, status: 'all' })).data).toEqual([]);
    expect((await stripe.invoices.list({ customer: customer.id })).data).toEqual([]);
  });

  it('never paid: incomplete_expired about 23 hours later, without sub.deleted', async () => {
    const { advance, invoice, read, story, subscribe } = await startStage({
      card: 'pm_card_chargeCustomerFail',
    });
    const { id } = await subscribe();
    await story();
    await advance('2027-01-10T22:00:00Z');
    expect((await story()).types).toEqual([]);
    await advance('2027-01-11T01:00:00Z');
    const told = await story();
    expectStripesOwnDoing(told);
    expectSameTypes(told, line('sub.updated, invoice.voided, pi.canceled'));
    expectOrder(told, line('sub.updated, invoice.voided'));
    expect(told.one('customer.subscription.updated').data).toMatchObject({
      object: { status: 'incomplete_expired' },
      previous_attributes: { status: 'incomplete' },
    });
    expect((await read(id)).status).toBe('incomplete_expired');
    expect(await invoice(id)).toMatchObject({ status: 'void', attempt_count: 1, auto_advance: false });
    await advance('2027-03-05T00:00:00Z');
    expect((await story()).types).toEqual([]);
  });

  it('no payment method at all: 400 resource_missing', async () => {
    const { story, subscribe } = await startStage({ card: null });
    const refusal = await refusalOf(subscribe());
    expect(refusal).toMatchObject({ statusCode: 400, code: 'resource_missing' });
    expect(refusal.message).toContain(
      'This customer has no attached payment source or default payment method',
    );
    expect((await story()).types).toEqual([]);
  });
});
