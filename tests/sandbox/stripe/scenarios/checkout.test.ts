import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { createLicensePrice, type Sandbox, startReceiver, startSandbox } from '../simulator-fixture.ts';
import {
  createStoryteller,
  expectOrder,
  expectSameTypes,
  expectStripesOwnDoing,
  line,
  type Storyteller,
} from './story.ts';

interface Checkout extends Sandbox, Storyteller {
  readonly session: Stripe.Checkout.Session;
}

/** Somebody without an account looks at Stripe's page and is about to buy ten licences. */
async function startCheckout(): Promise<Checkout> {
  const sandbox = await startSandbox();
  const price = await createLicensePrice(sandbox.stripe);
  const session = await sandbox.stripe.checkout.sessions.create({
    mode: 'subscription',
    line_items: [{ price: price.id, quantity: 10 }],
    success_url: 'https://shop.example.com/thanks',
    metadata: { order: '1' },
    subscription_data: { metadata: { tenant: 't' } },
  });
  return { ...sandbox, ...(await createStoryteller(sandbox.stripe)), session };
}

const read = async ({ stripe, session }: Checkout): Promise<Stripe.Checkout.Session> =>
  stripe.checkout.sessions.retrieve(session.id, { expand: ['subscription', 'invoice'] });

describe('Checkout', () => {
  it('Checkout, subscription mode: nothing exists before payment, then all of it at once', async () => {
    const checkout = await startCheckout();
    const { control, session, story, stripe } = checkout;
    expect(session).toMatchObject({
      status: 'open',
      payment_status: 'unpaid',
      subscription: null,
      customer: null,
    });
    expect((await stripe.subscriptions.list({ status: 'all' })).data).toEqual([]);

    await control.completeCheckoutSession(session.id, { card: 'pm_card_visa', email: 'buyer@example.com' });
    const told = await story();
    expectSameTypes(
      told,
      line(`charge.succeeded, payment_method.attached, customer.created, customer.updated,
        checkout.session.completed, sub.created, pi.created, pi.succeeded, invoice.created, invoice.finalized,
        invoice.paid, invoice.payment_succeeded, invoice_payment.paid`),
    );
    expectOrder(
      told,
      line(`charge.succeeded, payment_method.attached, customer.created, customer.updated,
        checkout.session.completed, sub.created, invoice.created, invoice.finalized, invoice.paid,
        invoice.payment_succeeded, invoice_payment.paid`),
    );
    expect(told.path('subscription')).toEqual(['active']);
    expect(told.one('checkout.session.completed').data.object).toMatchObject({
      status: 'complete',
      payment_status: 'paid',
      url: null,
      customer_details: { email: 'buyer@example.com' },
      payment_intent: null,
    });
    expect(await read(checkout)).toMatchObject({
      subscription: { status: 'active', metadata: { tenant: 't' } },
      invoice: {
        status: 'paid',
        billing_reason: 'subscription_create',
        attempt_count: 1,
        auto_advance: false,
      },
    });
  });

  it('Checkout, subscription mode: the buyer goes back to the shop when it has answered', async () => {
    const { session, stripe } = await startCheckout();
    const receiver = await startReceiver({ delayMs: 300 });
    await stripe.webhookEndpoints.create({
      url: receiver.url,
      enabled_events: ['checkout.session.completed'],
    });
    const startedAt = performance.now();
    const back = await fetch(String(session.url), {
      method: 'POST',
      body: new URLSearchParams({ card: 'pm_card_visa', email: 'buyer@example.com' }),
      redirect: 'manual',
    });
    expect([back.status, back.headers.get('location')]).toEqual([303, 'https://shop.example.com/thanks']);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(300);
    expect(receiver.types()).toEqual(['checkout.session.completed']);
  });

  it('Checkout, delayed method: unpaid and active, paid days later', async () => {
    const checkout = await startCheckout();
    const { control, session, story } = checkout;
    await control.completeCheckoutSession(session.id, { payment: 'delayed' });
    const completed = await story();
    expect(completed.one('checkout.session.completed').data.object).toMatchObject({
      status: 'complete',
      payment_status: 'unpaid',
    });
    expect(completed.path('subscription')).toEqual(['active']);
    expectSameTypes(
      completed,
      line(`charge.pending, payment_method.attached, customer.created, customer.updated, pi.created,
        pi.processing, checkout.session.completed, sub.created, invoice.created, invoice.finalized,
        invoice.updated`),
    );
    expect(await read(checkout)).toMatchObject({ invoice: { status: 'open' } });

    await control.settleDelayedPayment(session.id, { paid: true });
    const settled = await story();
    expectSameTypes(
      settled,
      line(`charge.succeeded, pi.succeeded, invoice.paid, invoice.payment_succeeded, invoice_payment.paid,
        checkout.session.async_payment_succeeded`),
    );
    expectStripesOwnDoing(settled);
    expect(settled.one('checkout.session.async_payment_succeeded').data.object.payment_status).toBe('paid');
    expect(await read(checkout)).toMatchObject({
      payment_status: 'paid',
      invoice: { status: 'paid' },
      subscription: { status: 'active' },
    });
  });

  it('Checkout, delayed method that fails: the invoice is voided, the subscription stays active', async () => {
    const checkout = await startCheckout();
    const { control, session, story } = checkout;
    await control.completeCheckoutSession(session.id, { payment: 'delayed' });
    await story();
    await control.settleDelayedPayment(session.id, { paid: false });
    const told = await story();
    expectSameTypes(
      told,
      line(`charge.failed, pi.payment_failed, checkout.session.async_payment_failed, invoice.voided,
        pi.canceled`),
    );
    expectStripesOwnDoing(told);
    expect(told.path('subscription').filter((status) => status !== 'active')).toEqual([]);
    expect(await read(checkout)).toMatchObject({
      payment_status: 'unpaid',
      invoice: { status: 'void' },
      subscription: { status: 'active' },
    });
  });

  it('Checkout left alone: expires after 24 hours', async () => {
    const checkout = await startCheckout();
    const { control, session, story, stripe } = checkout;
    expect(session.expires_at - session.created).toBe(24 * 3_600);
    await control.setTimeOffset(23 * 3_600_000);
    expect((await story()).types).toEqual([]);
    await control.setTimeOffset(25 * 3_600_000);
    const told = await story();
    expect(told.types).toEqual(['checkout.session.expired']);
    expect(told.events[0]?.request?.id).toBeNull();
    expect(await read(checkout)).toMatchObject({
      status: 'expired',
      payment_status: 'unpaid',
      url: null,
      subscription: null,
    });
    expect((await stripe.subscriptions.list({ status: 'all' })).data).toEqual([]);
  });
});
