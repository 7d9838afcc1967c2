import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { oneTimeBasket, startCheckout } from './checkout-fixture.ts';
import { eventsSince, newestEvent, refusalOf, startSandbox } from './simulator-fixture.ts';

const typesSince = async (stripe: Stripe, mark: string | undefined): Promise<string[]> =>
  (await eventsSince(stripe, mark)).map(({ type }) => type);

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

  it('uses up the balance of a known customer, and its next invoice number', async () => {
    const sandbox = await startSandbox();
    const { stripe, control } = sandbox;
    const { id } = await stripe.customers.create({ email: 'known@example.com', balance: 270 });
    const { session } = await startCheckout(sandbox, { customer: id });
    await control.completeCheckoutSession(session.id);
    expect(await stripe.customers.retrieve(id)).toMatchObject({ balance: 0, next_invoice_sequence: 2 });
    const { data } = await stripe.events.list({ type: 'customer.updated', limit: 1 });
    expect(data[0]?.data.object).toMatchObject({ balance: 0 });
  });

  it('paid by card makes customer, subscription and paid invoice, with the recorded events', async () => {
    const sandbox = await startSandbox();
    const { stripe, control } = sandbox;
    const { session, mark } = await startCheckout(sandbox);
    await control.completeCheckoutSession(session.id, {
      email: 'new@example.com',
      name: 'Ada',
      phone: '+44 20',
      address: { line1: '1 Main Street', country: 'GB' },
    });
    const done = await stripe.checkout.sessions.retrieve(session.id, {
      expand: ['subscription.default_payment_method', 'customer', 'invoice', 'line_items'],
    });
    expect(done).toMatchObject({
      status: 'complete',
      payment_status: 'paid',
      url: null,
      client_reference_id: 'order-1',
      metadata: { order: '1' },
      customer: { email: 'new@example.com', name: 'Ada', phone: '+44 20', currency: 'usd' },
      customer_details: { email: 'new@example.com', address: { line1: '1 Main Street', city: null } },
      customer_email: null,
      invoice: { status: 'paid', billing_reason: 'subscription_create' },
      line_items: { data: [{ quantity: 10 }] },
      subscription: {
        status: 'active',
        metadata: { tenant: 't' },
        items: { data: [{ quantity: 10 }] },
        default_payment_method: {
          card: { last4: '4242' },
          billing_details: { email: 'new@example.com', name: 'Ada' },
        },
      },
    });
    const events = await eventsSince(stripe, mark);
    expect(events.map((event) => event.type)).toEqual([
      'charge.succeeded',
      'payment_method.attached',
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
    expect(events[4]?.data.object).toMatchObject({
      payment_status: 'paid',
      subscription: (done.subscription as Stripe.Subscription).id,
    });
    expect(events[4]?.request).toEqual({ id: null, idempotency_key: null });
    await expect(control.completeCheckoutSession(session.id)).rejects.toThrow('is complete');
  });

  it('for a known customer makes no other, and changes only what the shop allows', async () => {
    const sandbox = await startSandbox();
    const { stripe, control } = sandbox;
    const { id: customer } = await stripe.customers.create({ email: 'known@example.com', name: 'Old' });
    const plain = await startCheckout(sandbox, { customer });
    const done = await control.completeCheckoutSession(plain.session.id, { name: 'New' });
    expect(done).toMatchObject({ customer, customer_details: { email: 'known@example.com', name: 'New' } });
    expect(await stripe.customers.retrieve(customer)).toMatchObject({ name: 'Old' });
    const renaming = await startCheckout(sandbox, { customer, customer_update: { name: 'auto' } });
    await control.completeCheckoutSession(renaming.session.id, { name: 'New' });
    expect(await stripe.customers.retrieve(customer)).toMatchObject({ name: 'New' });
    expect((await stripe.customers.list()).data).toHaveLength(1);
  });

  it('may leave the quantity to the buyer, within its limits', async () => {
    const sandbox = await startSandbox();
    const { stripe, control } = sandbox;
    const product_data = { name: 'Licence' };
    const { session } = await startCheckout(sandbox, {
      line_items: [
        {
          price_data: { currency: 'usd', unit_amount: 500, recurring: { interval: 'month' }, product_data },
          quantity: 3,
          adjustable_quantity: { enabled: true, minimum: 2, maximum: 5 },
        },
      ],
    });
    const [line] = (await stripe.checkout.sessions.listLineItems(session.id)).data;
    expect(line?.adjustable_quantity).toEqual({ enabled: true, minimum: 2, maximum: 5 });
    const order = (quantity: number) =>
      control.completeCheckoutSession(session.id, { quantities: { [line?.id ?? '']: quantity } });
    await expect(order(6)).rejects.toThrow('can’t be changed to 6'.replace('’', "'"));
    const done = await order(5);
    expect(done.amount_total).toBe(2_500);
    const subscription = await stripe.subscriptions.retrieve(String(done.subscription));
    expect(subscription.items.data).toMatchObject([{ quantity: 5 }]);
  });

  it('bills what is paid once with the first invoice', async () => {
    const sandbox = await startSandbox();
    const { stripe, control } = sandbox;
    const recurring = { interval: 'month' as const };
    const { session } = await startCheckout(sandbox, {
      line_items: [
        {
          price_data: { currency: 'usd', unit_amount: 500, recurring, product_data: { name: 'L' } },
          quantity: 2,
        },
        { price_data: { currency: 'usd', unit_amount: 9_900, product_data: { name: 'Setup' } }, quantity: 1 },
      ],
    });
    expect(session.amount_total).toBe(10_900);
    const done = await control.completeCheckoutSession(session.id);
    expect(await stripe.invoices.retrieve(String(done.invoice))).toMatchObject({
      total: 10_900,
      status: 'paid',
    });
    const { items } = await stripe.subscriptions.retrieve(String(done.subscription));
    expect(items.data).toHaveLength(1);
  });

  it('in payment mode makes a payment intent and neither subscription nor invoice', async () => {
    const sandbox = await startSandbox();
    const { stripe, control } = sandbox;
    const { session } = await startCheckout(sandbox, {
      ...oneTimeBasket,
      payment_intent_data: { metadata: { order: '1' }, description: 'Set up' },
    });
    const done = await control.completeCheckoutSession(session.id);
    expect(done).toMatchObject({ payment_status: 'paid', subscription: null, invoice: null, customer: null });
    const intent = await stripe.paymentIntents.retrieve(String(done.payment_intent));
    expect(intent).toMatchObject({
      status: 'succeeded',
      amount_received: 1_800,
      currency: 'eur',
      description: 'Set up',
      metadata: { order: '1' },
    });
    expect((await stripe.prices.list()).data).toEqual([]);
  });

  it('in payment mode keeps the card only when it is to be used again', async () => {
    const sandbox = await startSandbox();
    const { stripe, control } = sandbox;
    const { session, mark } = await startCheckout(sandbox, {
      ...oneTimeBasket,
      payment_intent_data: { setup_future_usage: 'off_session' },
    });
    const { customer } = await control.completeCheckoutSession(session.id, { email: 'ada@example.com' });
    const { data } = await stripe.customers.listPaymentMethods(String(customer));
    expect(data).toMatchObject([{ card: { last4: '4242' } }]);
    expect(await typesSince(stripe, mark)).toEqual([
      'charge.succeeded',
      'payment_method.attached',
      'customer.created',
      'checkout.session.completed',
      'payment_intent.succeeded',
      'payment_intent.created',
    ]);
  });

  it('in payment mode over nothing asks for no card', async () => {
    const sandbox = await startSandbox();
    const { session } = await startCheckout(sandbox, {
      mode: 'payment',
      line_items: [
        { price_data: { currency: 'usd', unit_amount: 0, product_data: { name: 'Free' } }, quantity: 1 },
      ],
    });
    const done = await sandbox.control.completeCheckoutSession(session.id);
    expect(done).toMatchObject({ payment_status: 'no_payment_required', payment_intent: null });
  });

  it('in setup mode saves a card and takes no money', async () => {
    const sandbox = await startSandbox();
    const { stripe, control } = sandbox;
    const { id: customer } = await stripe.customers.create();
    const { session, mark } = await startCheckout(sandbox, {
      mode: 'setup',
      currency: 'usd',
      customer,
      setup_intent_data: { metadata: { reason: 'new card' } },
    });
    expect(session).toMatchObject({ amount_total: null, payment_status: 'no_payment_required' });
    const done = await control.completeCheckoutSession(session.id);
    const intent = await stripe.setupIntents.retrieve(String(done.setup_intent));
    expect(intent).toMatchObject({ status: 'succeeded', customer, metadata: { reason: 'new card' } });
    expect(await typesSince(stripe, mark)).toEqual([
      'setup_intent.created',
      'payment_method.attached',
      'setup_intent.succeeded',
      'checkout.session.completed',
    ]);
    expect((await stripe.charges.list()).data).toEqual([]);
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
    expect(await typesSince(stripe, await newestEvent(stripe))).toEqual([]);
  });

  it('is found by each filter of the list', async () => {
    const sandbox = await startSandbox();
    const { stripe, control } = sandbox;
    const { session: open } = await startCheckout(sandbox);
    const { session } = await startCheckout(sandbox);
    const paid = await control.completeCheckoutSession(session.id, { email: 'ada@example.com' });
    const idsOf = async (filter: Stripe.Checkout.SessionListParams): Promise<string[]> =>
      (await stripe.checkout.sessions.list(filter)).data.map(({ id }) => id);
    expect(await idsOf({})).toEqual([session.id, open.id]);
    expect(await idsOf({ status: 'open' })).toEqual([open.id]);
    expect(await idsOf({ customer: String(paid.customer) })).toEqual([session.id]);
    expect(await idsOf({ subscription: String(paid.subscription) })).toEqual([session.id]);
    expect(await idsOf({ customer_details: { email: 'ada@example.com' } })).toEqual([session.id]);
    expect(await idsOf({ customer_details: { email: 'grace@example.com' } })).toEqual([]);
  });
});
