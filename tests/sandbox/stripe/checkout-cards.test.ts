import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { oneTimeBasket, startCheckout } from './checkout-fixture.ts';
import { createCustomer, eventsSince, newestEvent, startSandbox } from './simulator-fixture.ts';

const typesSince = async (stripe: Stripe, mark: string | undefined): Promise<string[]> =>
  (await eventsSince(stripe, mark)).map(({ type }) => type);

describe('a Checkout session whose card is refused', () => {
  it('stays open with nothing behind it but the failed payment, and takes another card', async () => {
    const sandbox = await startSandbox();
    const { stripe, control } = sandbox;
    const { session, mark } = await startCheckout(sandbox);
    const declined = control.completeCheckoutSession(session.id, {
      card: 'pm_card_visa_chargeDeclinedInsufficientFunds',
      email: 'ada@example.com',
    });
    await expect(declined).rejects.toThrow('Your card has insufficient funds.');
    expect(await typesSince(stripe, mark)).toEqual(['charge.failed', 'payment_intent.payment_failed']);
    expect(await stripe.checkout.sessions.retrieve(session.id)).toMatchObject({
      status: 'open',
      payment_status: 'unpaid',
      customer: null,
    });
    expect((await stripe.customers.list()).data).toEqual([]);
    expect((await stripe.subscriptions.list({ status: 'all' })).data).toEqual([]);
    expect((await stripe.invoices.list()).data).toEqual([]);
    expect(await control.completeCheckoutSession(session.id)).toMatchObject({ payment_status: 'paid' });
  });

  it('in payment mode keeps its payment intent for the next card', async () => {
    const sandbox = await startSandbox();
    const { stripe, control } = sandbox;
    const { session, mark } = await startCheckout(sandbox, oneTimeBasket);
    const declined = control.completeCheckoutSession(session.id, { card: 'pm_card_chargeDeclined' });
    await expect(declined).rejects.toThrow('Your card was declined.');
    const open = await stripe.checkout.sessions.retrieve(session.id, { expand: ['payment_intent'] });
    expect(open).toMatchObject({
      status: 'open',
      payment_intent: {
        status: 'requires_payment_method',
        last_payment_error: { decline_code: 'generic_decline' },
      },
    });
    const done = await control.completeCheckoutSession(session.id);
    expect(done.payment_intent).toBe((open.payment_intent as Stripe.PaymentIntent).id);
    expect(await typesSince(stripe, mark)).toEqual([
      'payment_intent.created',
      'charge.failed',
      'payment_intent.payment_failed',
      'charge.succeeded',
      'checkout.session.completed',
      'payment_intent.succeeded',
    ]);
  });

  it('for want of the bank’s check stays open; with it, is paid', async () => {
    const sandbox = await startSandbox();
    const { stripe, control } = sandbox;
    const { session, mark } = await startCheckout(sandbox);
    const card = 'pm_card_threeDSecure2Required';
    const unchecked = control.completeCheckoutSession(session.id, { card, authenticates: false });
    await expect(unchecked).rejects.toThrow('failed authentication');
    expect(await typesSince(stripe, mark)).toEqual([
      'payment_intent.requires_action',
      'payment_intent.payment_failed',
    ]);
    const done = await control.completeCheckoutSession(session.id, { card });
    const subscription = await stripe.subscriptions.retrieve(String(done.subscription));
    expect(subscription.status).toBe('active');
    const types = await typesSince(stripe, mark);
    expect(types.slice(2, 4)).toEqual(['payment_intent.requires_action', 'charge.succeeded']);
  });

  it('as the control API has decided for its customer is refused once', async () => {
    const sandbox = await startSandbox();
    const { stripe, control } = sandbox;
    const { id: customer } = await createCustomer(stripe);
    await control.setPaymentFate({
      customer,
      payments: 'next',
      outcome: { kind: 'decline', decline_code: 'lost_card' },
    });
    const { session } = await startCheckout(sandbox, { customer });
    await expect(control.completeCheckoutSession(session.id)).rejects.toThrow('402');
    expect(await control.completeCheckoutSession(session.id)).toMatchObject({ payment_status: 'paid' });
  });
});

describe('a Checkout session with a trial', () => {
  const trial = { subscription_data: { trial_period_days: 7 } };

  it('is paid with an invoice of nothing, and its card is set up', async () => {
    const sandbox = await startSandbox();
    const { stripe, control } = sandbox;
    const { session, mark } = await startCheckout(sandbox, trial);
    expect(session.amount_total).toBe(0);
    const done = await control.completeCheckoutSession(session.id);
    expect(done).toMatchObject({ payment_status: 'paid', payment_intent: null });
    const subscription = await stripe.subscriptions.retrieve(String(done.subscription), {
      expand: ['latest_invoice'],
    });
    expect(subscription).toMatchObject({
      status: 'trialing',
      default_payment_method: expect.stringMatching(/^pm_/),
      latest_invoice: { status: 'paid', total: 0 },
    });
    const types = await typesSince(stripe, mark);
    expect(types).toContain('setup_intent.succeeded');
    expect(types).not.toContain('charge.succeeded');
  });

  it('refuses a card that the bank refuses, and nothing is there', async () => {
    const sandbox = await startSandbox();
    const { stripe, control } = sandbox;
    const { session, mark } = await startCheckout(sandbox, trial);
    const declined = control.completeCheckoutSession(session.id, { card: 'pm_card_chargeDeclined' });
    await expect(declined).rejects.toThrow('Your card was declined.');
    expect(await typesSince(stripe, mark)).toEqual(['setup_intent.created', 'setup_intent.setup_failed']);
    expect((await stripe.subscriptions.list({ status: 'all' })).data).toEqual([]);
    expect((await stripe.checkout.sessions.retrieve(session.id)).status).toBe('open');
  });

  it('of a customer on a test clock lasts by that clock', async () => {
    const sandbox = await startSandbox();
    const { stripe, control } = sandbox;
    const frozen = 1_900_000_000;
    const clock = await stripe.testHelpers.testClocks.create({ frozen_time: frozen });
    const { id: customer } = await stripe.customers.create({ test_clock: clock.id });
    const { session } = await startCheckout(sandbox, { ...trial, customer });
    const done = await control.completeCheckoutSession(session.id);
    expect(await stripe.subscriptions.retrieve(String(done.subscription))).toMatchObject({
      created: frozen,
      trial_end: frozen + 7 * 86_400,
    });
  });

  it('needs no card where the shop asks for one only if it is needed', async () => {
    const sandbox = await startSandbox();
    const { stripe, control } = sandbox;
    const { session } = await startCheckout(sandbox, {
      subscription_data: {
        trial_period_days: 7,
        trial_settings: { end_behavior: { missing_payment_method: 'cancel' } },
      },
      payment_method_collection: 'if_required',
    });
    const done = await control.completeCheckoutSession(session.id);
    expect(await stripe.subscriptions.retrieve(String(done.subscription))).toMatchObject({
      status: 'trialing',
      default_payment_method: null,
      trial_settings: { end_behavior: { missing_payment_method: 'cancel' } },
    });
  });
});

describe('a Checkout session with a delayed payment', () => {
  it('is unpaid, and paid when the bank says so', async () => {
    const sandbox = await startSandbox();
    const { stripe, control } = sandbox;
    const { session } = await startCheckout(sandbox);
    const unpaid = await control.completeCheckoutSession(session.id, {
      payment: 'delayed',
      email: 'a@example.com',
    });
    expect(unpaid).toMatchObject({ status: 'complete', payment_status: 'unpaid' });
    expect((await stripe.subscriptions.retrieve(String(unpaid.subscription))).status).toBe('active');
    expect((await stripe.invoices.retrieve(String(unpaid.invoice))).status).toBe('open');
    const mark = await newestEvent(stripe);
    await control.settleDelayedPayment(session.id, { paid: true });
    expect((await typesSince(stripe, mark)).sort()).toEqual([
      'charge.succeeded',
      'checkout.session.async_payment_succeeded',
      'invoice.paid',
      'invoice.payment_succeeded',
      'invoice_payment.paid',
      'payment_intent.succeeded',
    ]);
    expect((await stripe.checkout.sessions.retrieve(session.id)).payment_status).toBe('paid');
    expect((await stripe.invoices.retrieve(String(unpaid.invoice))).status).toBe('paid');
  });

  it('that fails has a void invoice and a subscription that stays active', async () => {
    const sandbox = await startSandbox();
    const { stripe, control } = sandbox;
    const { session } = await startCheckout(sandbox);
    const { subscription, invoice } = await control.completeCheckoutSession(session.id, {
      payment: 'delayed',
    });
    const mark = await newestEvent(stripe);
    await control.settleDelayedPayment(session.id, { paid: false });
    expect(await typesSince(stripe, mark)).toEqual([
      'charge.failed',
      'payment_intent.payment_failed',
      'payment_intent.canceled',
      'invoice.voided',
      'checkout.session.async_payment_failed',
    ]);
    expect((await stripe.invoices.retrieve(String(invoice))).status).toBe('void');
    expect((await stripe.subscriptions.retrieve(String(subscription))).status).toBe('active');
    expect((await stripe.checkout.sessions.retrieve(session.id)).payment_status).toBe('unpaid');
  });

  it('in payment mode follows its payment intent, however that is settled', async () => {
    const sandbox = await startSandbox();
    const { stripe, control } = sandbox;
    const { session } = await startCheckout(sandbox, oneTimeBasket);
    const done = await control.completeCheckoutSession(session.id, { payment: 'delayed' });
    expect(done).toMatchObject({ payment_status: 'unpaid' });
    await control.settlePayment(String(done.payment_intent), { paid: true });
    expect((await stripe.checkout.sessions.retrieve(session.id)).payment_status).toBe('paid');
    const { data } = await stripe.events.list({ type: 'checkout.session.async_payment_succeeded' });
    expect(data).toHaveLength(1);
    await expect(control.settleDelayedPayment(session.id, { paid: true })).rejects.toThrow('does not wait');
  });
});
