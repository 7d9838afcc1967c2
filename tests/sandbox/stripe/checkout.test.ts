import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import {
  createLicensePrice,
  eventsSince,
  newestEvent,
  refusalOf,
  type Sandbox,
  startSandbox,
} from './simulator-fixture.ts';

async function startCheckout(
  { stripe }: Sandbox,
  parameters: Partial<Stripe.Checkout.SessionCreateParams> = {},
): Promise<{ session: Stripe.Checkout.Session; mark: string | undefined }> {
  const price = await createLicensePrice(stripe);
  const session = await stripe.checkout.sessions.create({
    mode: 'subscription',
    line_items: [{ price: price.id, quantity: 10 }],
    success_url: 'https://shop.example.com/thanks?session={CHECKOUT_SESSION_ID}',
    client_reference_id: 'order-1',
    metadata: { order: '1' },
    ...(parameters.mode === 'payment' ? {} : { subscription_data: { metadata: { tenant: 't' } } }),
    ...parameters,
  });
  return { session, mark: await newestEvent(stripe) };
}

describe('a Checkout session', () => {
  it('has nothing behind it until it is paid', async () => {
    const sandbox = await startSandbox();
    const { session } = await startCheckout(sandbox);
    expect(session).toMatchObject({
      status: 'open',
      payment_status: 'unpaid',
      customer: null,
      subscription: null,
      amount_total: 5_000,
      ui_mode: 'hosted_page',
    });
    expect(session.id).toMatch(/^cs_test_a1[A-Za-z0-9]{56}$/);
    expect(session.line_items).toBeUndefined();
    const items = await sandbox.stripe.checkout.sessions.listLineItems(session.id);
    expect(items.data).toMatchObject([{ quantity: 10, amount_total: 5_000, description: 'Licence' }]);
    expect((await sandbox.stripe.customers.list()).data).toEqual([]);
  });

  it('paid by card makes customer, subscription and paid invoice, with the recorded events', async () => {
    const sandbox = await startSandbox();
    const { stripe, control } = sandbox;
    const { session, mark } = await startCheckout(sandbox);
    await control.completeCheckoutSession(session.id, { email: 'new@example.com', name: 'Ada' });
    const done = await stripe.checkout.sessions.retrieve(session.id, {
      expand: ['subscription', 'customer', 'invoice', 'line_items'],
    });
    expect(done).toMatchObject({
      status: 'complete',
      payment_status: 'paid',
      url: null,
      client_reference_id: 'order-1',
      metadata: { order: '1' },
      customer: { email: 'new@example.com', name: 'Ada' },
      customer_details: { email: 'new@example.com' },
      customer_email: null,
      invoice: { status: 'paid' },
      line_items: { data: [{ quantity: 10 }] },
      subscription: { status: 'active', metadata: { tenant: 't' }, items: { data: [{ quantity: 10 }] } },
    });
    const events = await eventsSince(stripe, mark);
    expect(events.map((event) => event.type)).toEqual([
      'charge.succeeded',
      'customer.created',
      'customer.updated',
      'checkout.session.completed',
      'customer.subscription.created',
      'payment_intent.succeeded',
      'payment_intent.created',
      'invoice.created',
      'invoice.finalized',
      'invoice.paid',
      'invoice.payment_succeeded',
      'invoice_payment.paid',
    ]);
    expect(events[3]?.data.object).toMatchObject({
      payment_status: 'paid',
      subscription: (done.subscription as Stripe.Subscription).id,
    });
    expect(events[3]?.request).toEqual({ id: null, idempotency_key: null });
    await expect(control.completeCheckoutSession(session.id)).rejects.toThrow('is complete');
  });

  it('for a known customer makes no other', async () => {
    const sandbox = await startSandbox();
    const customer = await sandbox.stripe.customers.create({ email: 'known@example.com' });
    const { session } = await startCheckout(sandbox, { customer: customer.id });
    const done = await sandbox.control.completeCheckoutSession(session.id);
    expect(done).toMatchObject({ customer: customer.id, customer_details: { email: 'known@example.com' } });
    expect((await sandbox.stripe.customers.list()).data).toHaveLength(1);
  });

  it('with a delayed method is unpaid, and paid when the bank says so', async () => {
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
    expect((await eventsSince(stripe, mark)).map((event) => event.type)).toEqual([
      'payment_intent.succeeded',
      'charge.succeeded',
      'invoice.paid',
      'invoice.payment_succeeded',
      'invoice_payment.paid',
      'checkout.session.async_payment_succeeded',
    ]);
    expect((await stripe.checkout.sessions.retrieve(session.id)).payment_status).toBe('paid');
  });

  it('whose delayed payment fails has a void invoice and a subscription that stays active', async () => {
    const sandbox = await startSandbox();
    const { stripe, control } = sandbox;
    const { session } = await startCheckout(sandbox);
    const { subscription, invoice } = await control.completeCheckoutSession(session.id, {
      payment: 'delayed',
    });
    const mark = await newestEvent(stripe);
    await control.settleDelayedPayment(session.id, { paid: false });
    expect((await eventsSince(stripe, mark)).map((event) => event.type)).toEqual([
      'invoice.voided',
      'checkout.session.async_payment_failed',
    ]);
    expect((await stripe.invoices.retrieve(String(invoice))).status).toBe('void');
    expect((await stripe.subscriptions.retrieve(String(subscription))).status).toBe('active');
  });

  it('in payment mode makes a payment intent and neither subscription nor invoice', async () => {
    const sandbox = await startSandbox();
    const { session } = await startCheckout(sandbox, {
      mode: 'payment',
      line_items: [
        { price_data: { currency: 'eur', unit_amount: 900, product_data: { name: 'Setup' } }, quantity: 2 },
      ],
    });
    const done = await sandbox.control.completeCheckoutSession(session.id);
    expect(done).toMatchObject({ payment_status: 'paid', subscription: null, invoice: null, customer: null });
    const intent = await sandbox.stripe.paymentIntents.retrieve(String(done.payment_intent));
    expect(intent).toMatchObject({ status: 'succeeded', amount_received: 1_800, currency: 'eur' });
  });

  it('expires by request or by time, once', async () => {
    const sandbox = await startSandbox();
    const { stripe, control } = sandbox;
    const { session } = await startCheckout(sandbox);
    expect(await stripe.checkout.sessions.expire(session.id)).toMatchObject({ status: 'expired', url: null });
    expect(await refusalOf(stripe.checkout.sessions.expire(session.id))).toMatchObject({ statusCode: 400 });
    const other = await startCheckout(sandbox);
    await control.setTimeOffset(25 * 3_600_000);
    expect((await stripe.checkout.sessions.retrieve(other.session.id)).status).toBe('expired');
    expect((await stripe.events.list({ type: 'checkout.session.expired' })).data).toHaveLength(2);
  });

  it('can be paid on its page, which leads back to the shop', async () => {
    const sandbox = await startSandbox();
    const { session } = await startCheckout(sandbox);
    const page = await (await fetch(session.url ?? '')).text();
    expect(page).toContain('Pay by card');
    const answer = await fetch(session.url ?? '', {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ email: 'page@example.com', name: '', payment: 'card' }),
    });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe(`https://shop.example.com/thanks?session=${session.id}`);
    const done = await sandbox.stripe.checkout.sessions.retrieve(session.id);
    expect(done).toMatchObject({ status: 'complete', customer_details: { email: 'page@example.com' } });
  });

  it('refuses what no longer exists in this API version', async () => {
    const sandbox = await startSandbox();
    const old = { payment_method_types: ['card'] } as Partial<Stripe.Checkout.SessionCreateParams>;
    expect(await refusalOf(startCheckout(sandbox, old))).toMatchObject({
      statusCode: 400,
      code: 'payment_method_types_no_longer_supported',
    });
  });
});
