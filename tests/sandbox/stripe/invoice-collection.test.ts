import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import {
  createCustomer,
  createSubscription,
  eventsSince,
  newestEvent,
  refusalOf,
  runningFrom,
  type Sandbox,
  startSandbox,
} from './simulator-fixture.ts';

const dayMs = 86_400_000;
const daySeconds = 86_400;

const startInDecember = () => startSandbox({ now: runningFrom('2026-12-01T00:00:00Z') });

/** A renewal of 10.00 USD that has just failed once, with retries after 3, 5 and 6 days. */
async function failedRenewal(
  sandbox: Sandbox,
  options: { decline_code?: string } = {},
): Promise<{ customer: string; subscription: string; invoice: Stripe.Invoice }> {
  const { control, stripe } = sandbox;
  const { customer, subscription } = await createSubscription(stripe, 2);
  await control.setPaymentFate({
    customer: customer.id,
    payments: 'every',
    outcome: { kind: 'decline', decline_code: options.decline_code ?? 'insufficient_funds' },
  });
  await control.setTimeOffset(32 * dayMs);
  const invoice = await newestInvoice(stripe, subscription.id);
  return { customer: customer.id, subscription: subscription.id, invoice };
}

async function newestInvoice(stripe: Stripe, subscription: string): Promise<Stripe.Invoice> {
  const [invoice] = (await stripe.invoices.list({ subscription, limit: 1 })).data;
  if (!invoice) throw new Error('the subscription has no invoice');
  return invoice;
}

/** The types of the events about invoices and charges since then. */
async function story(stripe: Stripe, mark: string | undefined): Promise<string[]> {
  const events = await eventsSince(stripe, mark);
  return events.filter(({ type }) => /^(invoice|charge)\./.test(type)).map(({ type }) => type);
}

describe('a renewal that can not be paid', () => {
  it('is tried again as the settings say, counted, and left open at the end', async () => {
    const sandbox = await startInDecember();
    const { control, stripe } = sandbox;
    const { invoice, subscription } = await failedRenewal(sandbox);
    expect(invoice).toMatchObject({
      amount_remaining: 1_000,
      attempt_count: 1,
      auto_advance: true,
      billing_reason: 'subscription_cycle',
      status: 'open',
    });
    const first = invoice.status_transitions.finalized_at ?? 0;
    expect(invoice.next_payment_attempt).toBe(first + 3 * daySeconds);
    const mark = await newestEvent(stripe);
    await control.setTimeOffset(36 * dayMs);
    expect(await newestInvoice(stripe, subscription)).toMatchObject({
      attempt_count: 2,
      next_payment_attempt: first + 8 * daySeconds,
    });
    expect(await story(stripe, mark)).toEqual(['charge.failed', 'invoice.payment_failed', 'invoice.updated']);
    await control.setTimeOffset(60 * dayMs);
    expect(await newestInvoice(stripe, subscription)).toMatchObject({
      attempt_count: 4,
      next_payment_attempt: null,
      status: 'open',
    });
    expect((await stripe.subscriptions.retrieve(subscription)).status).toBe('canceled');
  });

  it('tells the next attempt in the failure itself, and what it was in the update', async () => {
    const sandbox = await startInDecember();
    const { invoice } = await failedRenewal(sandbox);
    const [failed] = (await sandbox.stripe.events.list({ type: 'invoice.payment_failed' })).data;
    expect(failed?.data.object).toMatchObject({
      id: invoice.id,
      attempt_count: 1,
      next_payment_attempt: invoice.next_payment_attempt,
    });
    const updates = (await sandbox.stripe.events.list({ type: 'invoice.updated' })).data;
    expect(updates.map(({ data }) => data.previous_attributes)).toContainEqual({
      attempt_count: 0,
      attempted: false,
      next_payment_attempt: null,
    });
  });

  it('tells the next attempt a moment after the failure when the settings say so', async () => {
    const sandbox = await startInDecember();
    await sandbox.control.configureBilling({ tellsNextAttemptLater: true });
    const { invoice } = await failedRenewal(sandbox);
    const [failed] = (await sandbox.stripe.events.list({ type: 'invoice.payment_failed' })).data;
    expect(failed?.data.object).toMatchObject({ attempt_count: 1, next_payment_attempt: null });
    const [updated] = (await sandbox.stripe.events.list({ type: 'invoice.updated' })).data;
    expect(updated?.data.object).toMatchObject({ next_payment_attempt: invoice.next_payment_attempt });
    expect(invoice.next_payment_attempt).not.toBeNull();
  });

  it('is written off at the end when the settings say so, after its subscription has ended', async () => {
    const sandbox = await startInDecember();
    const { control, stripe } = sandbox;
    await control.configureBilling({ invoiceAtEnd: 'uncollectible', retryAfterSeconds: [5 * daySeconds] });
    const { subscription } = await failedRenewal(sandbox);
    const mark = await newestEvent(stripe);
    await control.setTimeOffset(38 * dayMs);
    expect(await newestInvoice(stripe, subscription)).toMatchObject({
      status: 'uncollectible',
      status_details: { uncollectible: { reason: 'max_payment_attempts' } },
    });
    const types = (await eventsSince(stripe, mark)).map(({ type }) => type);
    expect(types.indexOf('customer.subscription.deleted')).toBeGreaterThan(
      types.indexOf('invoice.payment_failed'),
    );
    expect(types.at(-1)).toBe('invoice.marked_uncollectible');
  });

  it('after a hard decline is counted but not charged until there is a new payment method', async () => {
    const sandbox = await startInDecember();
    const { control, stripe } = sandbox;
    const { customer, subscription } = await failedRenewal(sandbox, { decline_code: 'stolen_card' });
    const mark = await newestEvent(stripe);
    await control.setTimeOffset(36 * dayMs);
    expect(await newestInvoice(stripe, subscription)).toMatchObject({ attempt_count: 2, status: 'open' });
    expect(await story(stripe, mark)).toEqual(['invoice.updated']);
    await control.clearPaymentFates();
    const method = await stripe.paymentMethods.attach('pm_card_mastercard', { customer });
    await stripe.customers.update(customer, { invoice_settings: { default_payment_method: method.id } });
    await control.setTimeOffset(42 * dayMs);
    expect(await newestInvoice(stripe, subscription)).toMatchObject({ status: 'paid', attempt_count: 3 });
    expect((await stripe.subscriptions.retrieve(subscription)).status).toBe('active');
  });

  it('is not retried once nobody is to advance it, and again when somebody is', async () => {
    const sandbox = await startInDecember();
    const { control, stripe } = sandbox;
    const { invoice } = await failedRenewal(sandbox);
    expect(await stripe.invoices.update(invoice.id, { auto_advance: false })).toMatchObject({
      next_payment_attempt: null,
    });
    await control.setTimeOffset(37 * dayMs);
    expect((await stripe.invoices.retrieve(invoice.id)).attempt_count).toBe(1);
    await control.clearPaymentFates();
    await stripe.invoices.update(invoice.id, { auto_advance: true });
    await control.setTimeOffset(42 * dayMs);
    expect(await stripe.invoices.retrieve(invoice.id)).toMatchObject({ status: 'paid', attempt_count: 2 });
  });

  it('keeps its schedule when somebody tries to pay it in between', async () => {
    const sandbox = await startInDecember();
    const { invoice } = await failedRenewal(sandbox);
    await expect(sandbox.stripe.invoices.pay(invoice.id)).rejects.toMatchObject({ statusCode: 402 });
    expect(await sandbox.stripe.invoices.retrieve(invoice.id)).toMatchObject({
      attempt_count: 1,
      next_payment_attempt: invoice.next_payment_attempt,
    });
  });

  it('waits for its customer to authenticate, and is paid when they do', async () => {
    const { control, stripe } = await startInDecember();
    const { customer, subscription } = await createSubscription(stripe, 2);
    await control.setPaymentFate({
      customer: customer.id,
      payments: 'next',
      outcome: { kind: 'require_authentication' },
    });
    const mark = await newestEvent(stripe);
    await control.setTimeOffset(32 * dayMs);
    const types = (await eventsSince(stripe, mark)).map(({ type }) => type);
    expect(types).toEqual(
      expect.arrayContaining([
        'payment_intent.requires_action',
        'invoice.payment_action_required',
        'invoice.payment_failed',
      ]),
    );
    const { id } = await newestInvoice(stripe, subscription.id);
    const open = await stripe.invoices.retrieve(id, { expand: ['payments'] });
    expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('past_due');
    await control.authenticatePayment(String(open.payments?.data[0]?.payment.payment_intent), {
      succeeds: true,
    });
    expect((await stripe.invoices.retrieve(id)).status).toBe('paid');
    expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('active');
  });

  it('for want of a payment method fails without a charge, and is charged when there is one', async () => {
    const { control, stripe } = await startInDecember();
    const { customer, subscription } = await createSubscription(stripe, 2);
    const [method] = (await stripe.customers.listPaymentMethods(customer.id)).data;
    await stripe.paymentMethods.detach(method?.id ?? '');
    const mark = await newestEvent(stripe);
    await control.setTimeOffset(32 * dayMs);
    const types = await story(stripe, mark);
    expect(types).toContain('invoice.payment_failed');
    expect(types).not.toContain('charge.failed');
    expect(await newestInvoice(stripe, subscription.id)).toMatchObject({ attempt_count: 1, status: 'open' });
    const fresh = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
    await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: fresh.id } });
    await control.setTimeOffset(36 * dayMs);
    expect(await newestInvoice(stripe, subscription.id)).toMatchObject({ attempt_count: 2, status: 'paid' });
  });
});

describe('an invoice that is made at once', () => {
  it('is never tried again by itself', async () => {
    const { control, stripe } = await startInDecember();
    const { customer, itemId, subscription } = await createSubscription(stripe, 2);
    await control.setPaymentFate({ customer: customer.id, payments: 'next', outcome: { kind: 'decline' } });
    await stripe.subscriptions.update(subscription.id, {
      items: [{ id: itemId, quantity: 5 }],
      proration_behavior: 'always_invoice',
    });
    const invoice = await newestInvoice(stripe, subscription.id);
    expect(invoice).toMatchObject({
      attempt_count: 1,
      auto_advance: false,
      billing_reason: 'subscription_update',
      next_payment_attempt: null,
      status: 'open',
    });
    await control.setTimeOffset(20 * dayMs);
    expect(await stripe.invoices.retrieve(invoice.id)).toMatchObject({ attempt_count: 1, status: 'open' });
  });
});

describe('a customer who is deleted', () => {
  it('leaves drafts that stay drafts, and open invoices that nobody collects', async () => {
    const { control, stripe } = await startInDecember();
    const { id: customer } = await createCustomer(stripe, {}, 'pm_card_chargeCustomerFail');
    const waiting = await stripe.invoices.create({ customer, auto_advance: true, currency: 'usd' });
    const { id: open } = await stripe.invoices.create({ customer, currency: 'usd' });
    await stripe.invoiceItems.create({ invoice: open, amount: 100 });
    const tried = await stripe.invoices.finalizeInvoice(open, { auto_advance: true });
    expect(tried).toMatchObject({
      status: 'open',
      attempt_count: 1,
      next_payment_attempt: expect.any(Number),
    });
    await stripe.customers.del(customer);
    await control.setTimeOffset(20 * dayMs);
    expect(await stripe.invoices.retrieve(open)).toMatchObject({
      attempt_count: 1,
      next_payment_attempt: null,
    });
    expect(await stripe.invoices.retrieve(waiting.id)).toMatchObject({
      status: 'draft',
      auto_advance: false,
    });
    for (const call of [stripe.invoices.finalizeInvoice(waiting.id), stripe.invoices.pay(open)]) {
      expect(await refusalOf(call)).toMatchObject({ statusCode: 400, code: 'resource_missing' });
    }
  });
});

describe('a subscription that ends', () => {
  it('stops the collection of all open invoices of its customer', async () => {
    const { control, stripe } = await startInDecember();
    const { price, subscription } = await createSubscription(stripe, 1);
    const second = await stripe.subscriptions.create({
      customer: String(subscription.customer),
      items: [{ price: price.id }],
    });
    await control.setPaymentFate({
      customer: String(subscription.customer),
      payments: 'every',
      outcome: { kind: 'decline' },
    });
    await control.setTimeOffset(32 * dayMs);
    const open = await newestInvoice(stripe, second.id);
    expect(open.next_payment_attempt).not.toBeNull();
    await stripe.subscriptions.cancel(subscription.id);
    expect(await stripe.invoices.retrieve(open.id)).toMatchObject({
      auto_advance: false,
      next_payment_attempt: null,
    });
  });
});
