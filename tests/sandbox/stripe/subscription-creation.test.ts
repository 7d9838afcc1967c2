import { describe, expect, it } from 'vitest';
import { createCustomer, createLicensePrice, refusalOf } from './simulator-fixture.ts';
import { latestInvoice, onlyItem, seconds, startScenario } from './subscription-scenario.ts';

const expand = ['latest_invoice'];
const hour = 3_600;

const made = [
  'charge.succeeded',
  'customer.updated',
  'customer.subscription.created',
  'payment_intent.succeeded',
  'payment_intent.created',
  'invoice.created',
  'invoice.finalized',
  'invoice.paid',
  'invoice.payment_succeeded',
  'invoice_payment.paid',
];

describe('a new subscription', () => {
  it('with a card that pays is active, and lives by the time of its test clock', async () => {
    const { subscribe, types, clock } = await startScenario({ at: '2027-01-15T12:00:00Z' });
    const subscription = await subscribe({ expand });
    expect(subscription).toMatchObject({
      status: 'active',
      created: seconds('2027-01-15T12:00:00Z'),
      start_date: seconds('2027-01-15T12:00:00Z'),
      test_clock: clock,
      billing_mode: { type: 'flexible', flexible: { proration_discounts: 'included' } },
    });
    expect(onlyItem(subscription)).toMatchObject({
      current_period_start: seconds('2027-01-15T12:00:00Z'),
      current_period_end: seconds('2027-02-15T12:00:00Z'),
    });
    expect(latestInvoice(subscription)).toMatchObject({ status: 'paid', amount_paid: 5_000 });
    expect(await types()).toEqual(made);
  });

  it('whose card is declined is incomplete, answered with 200', async () => {
    const { subscribe, types } = await startScenario({ card: 'pm_card_chargeCustomerFail' });
    const subscription = await subscribe({ expand });
    expect(subscription.status).toBe('incomplete');
    expect(latestInvoice(subscription)).toMatchObject({
      status: 'open',
      auto_advance: false,
      attempt_count: 1,
      next_payment_attempt: null,
    });
    expect(await types()).toEqual([
      'charge.failed',
      'customer.updated',
      'payment_intent.payment_failed',
      'invoice.payment_failed',
      'customer.subscription.created',
      'payment_intent.created',
      'invoice.created',
      'invoice.finalized',
    ]);
  });

  it('becomes active when its first invoice is paid after all', async () => {
    const { stripe, control, customer, subscribe, types } = await startScenario({
      card: 'pm_card_chargeCustomerFail',
    });
    const { id, latest_invoice } = await subscribe();
    await types();
    await control.setPaymentFate({ customer: customer.id, payments: 'next', outcome: { kind: 'succeed' } });
    await stripe.invoices.pay(String(latest_invoice));
    expect(await types()).toEqual([
      'charge.succeeded',
      'payment_intent.succeeded',
      'invoice.paid',
      'invoice.payment_succeeded',
      'customer.subscription.updated',
      'invoice_payment.paid',
    ]);
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('active');
  });

  it('that nobody can pay is refused and leaves nothing behind', async () => {
    const { stripe, customer, subscribe, types } = await startScenario({ card: null });
    expect(await refusalOf(subscribe())).toMatchObject({
      statusCode: 400,
      code: 'resource_missing',
      message: expect.stringMatching(
        /^This customer has no attached payment source or default payment method\./,
      ),
    });
    expect(await types()).toEqual([]);
    expect((await stripe.subscriptions.list({ customer: customer.id, status: 'all' })).data).toEqual([]);
    expect((await stripe.invoices.list({ customer: customer.id })).data).toEqual([]);
  });

  it('with default_incomplete is not charged until the client confirms', async () => {
    const { stripe, subscribe, types } = await startScenario();
    const subscription = await subscribe({ payment_behavior: 'default_incomplete' });
    expect(subscription.status).toBe('incomplete');
    expect(await types()).toEqual([
      'customer.updated',
      'customer.subscription.created',
      'invoice.created',
      'invoice.finalized',
      'payment_intent.created',
    ]);
    const [payment] = (await stripe.invoicePayments.list({ invoice: String(subscription.latest_invoice) }))
      .data;
    await stripe.paymentIntents.confirm(String(payment?.payment.payment_intent), {
      payment_method: 'pm_card_visa',
    });
    expect(await types()).toEqual([
      'charge.succeeded',
      'payment_method.attached',
      'payment_intent.succeeded',
      'invoice.paid',
      'invoice.payment_succeeded',
      'customer.subscription.updated',
      'invoice_payment.paid',
    ]);
    expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('active');
  });

  it('with error_if_incomplete is a 402 that makes nothing but the failed charge', async () => {
    const { stripe, customer, subscribe, types } = await startScenario({
      card: 'pm_card_chargeCustomerFail',
    });
    const refusal = await refusalOf(subscribe({ payment_behavior: 'error_if_incomplete' }));
    expect(refusal).toMatchObject({ statusCode: 402, type: 'StripeCardError', code: 'card_declined' });
    expect(await types()).toEqual(['charge.failed', 'payment_intent.payment_failed']);
    expect((await stripe.subscriptions.list({ customer: customer.id, status: 'all' })).data).toEqual([]);
    expect((await stripe.invoices.list({ customer: customer.id })).data).toEqual([]);
    expect((await stripe.charges.list({ customer: customer.id })).data).toMatchObject([{ status: 'failed' }]);
  });

  it('uses up a fate of its payment once, also when it is refused', async () => {
    const { control, customer, subscribe } = await startScenario();
    const outcome = { kind: 'decline', decline_code: 'insufficient_funds' } as const;
    await control.setPaymentFate({ customer: customer.id, payments: 'next', outcome });
    const refusal = await refusalOf(subscribe({ payment_behavior: 'error_if_incomplete' }));
    expect(refusal).toMatchObject({ decline_code: 'insufficient_funds' });
    expect((await subscribe({ payment_behavior: 'error_if_incomplete' })).status).toBe('active');
  });

  it('whose card wants authentication is incomplete, and active after it', async () => {
    const { stripe, control, subscribe, types } = await startScenario({
      card: 'pm_card_authenticationRequired',
    });
    const subscription = await subscribe();
    expect(subscription.status).toBe('incomplete');
    expect(await types()).toEqual([
      'customer.updated',
      'payment_intent.requires_action',
      'invoice.payment_action_required',
      'invoice.payment_failed',
      'customer.subscription.created',
      'payment_intent.created',
      'invoice.created',
      'invoice.finalized',
    ]);
    const [payment] = (await stripe.invoicePayments.list({ invoice: String(subscription.latest_invoice) }))
      .data;
    await control.authenticatePayment(String(payment?.payment.payment_intent), { succeeds: true });
    expect(await types()).toEqual([
      'charge.succeeded',
      'payment_intent.succeeded',
      'invoice.paid',
      'invoice.payment_succeeded',
      'customer.subscription.updated',
      'invoice_payment.paid',
    ]);
    expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('active');
  });

  it('that is never paid expires after 23 hours, with its invoice voided', async () => {
    const { advance, read, subscribe, types } = await startScenario({ card: 'pm_card_chargeCustomerFail' });
    const subscription = await subscribe();
    await types();
    await advance(subscription.created + 23 * hour - 1);
    expect(await types()).toEqual([]);
    await advance(subscription.created + 24 * hour);
    expect(await types()).toEqual([
      'customer.subscription.updated',
      'payment_intent.canceled',
      'invoice.voided',
    ]);
    const expired = await read(subscription.id);
    expect(expired).toMatchObject({
      status: 'incomplete_expired',
      ended_at: subscription.created + 23 * hour,
      latest_invoice: { status: 'void' },
    });
  });

  it('takes nothing but metadata while it is incomplete', async () => {
    const { stripe, subscribe } = await startScenario({ card: 'pm_card_chargeCustomerFail' });
    const { id, items } = await subscribe();
    const item = items.data[0]?.id ?? '';
    const change = stripe.subscriptions.update(id, { items: [{ id: item, quantity: 3 }] });
    expect(await refusalOf(change)).toMatchObject({ statusCode: 400 });
    expect((await stripe.subscriptions.update(id, { metadata: { a: '1' } })).metadata).toEqual({ a: '1' });
  });

  it('that is sent its invoices is active at once', async () => {
    const { subscribe, types } = await startScenario({ card: null });
    const subscription = await subscribe({ collection_method: 'send_invoice', days_until_due: 14, expand });
    expect(subscription).toMatchObject({ status: 'active', days_until_due: 14 });
    expect(latestInvoice(subscription)).toMatchObject({
      status: 'open',
      due_date: subscription.created + 14 * 24 * hour,
    });
    expect(await types()).toEqual([
      'customer.updated',
      'customer.subscription.created',
      'invoice.created',
      'invoice.finalized',
      'payment_intent.created',
      'invoice.sent',
    ]);
  });

  it('pays with its own card before its customer’s, which must be attached to them', async () => {
    const { stripe, customer, subscribe } = await startScenario({ card: 'pm_card_chargeCustomerFail' });
    const card = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
    const subscription = await subscribe({ default_payment_method: card.id });
    expect(subscription).toMatchObject({ status: 'active', default_payment_method: card.id });
    const loose = await stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_visa' } });
    expect(await refusalOf(subscribe({ default_payment_method: loose.id }))).toMatchObject({
      statusCode: 400,
      code: 'resource_missing',
      param: 'default_payment_method',
    });
  });

  it('keeps the card that has paid when it is told to', async () => {
    const { customer, subscribe } = await startScenario();
    const subscription = await subscribe({
      payment_settings: { save_default_payment_method: 'on_subscription' },
    });
    expect(subscription.default_payment_method).toBe(customer.invoice_settings.default_payment_method);
  });

  it('of nothing but usage has no first invoice', async () => {
    const { stripe, subscribe, types } = await startScenario();
    const metered = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 1,
      recurring: { interval: 'month', usage_type: 'metered', meter: 'mtr_1' },
      product_data: { name: 'Usage' },
    });
    await types();
    const subscription = await subscribe({ items: [{ price: metered.id }] });
    expect(subscription).toMatchObject({ status: 'active', latest_invoice: null });
    expect(await types()).toEqual(['customer.updated', 'customer.subscription.created']);
  });

  it('with an anchor ahead is billed for the short first period, or not at all', async () => {
    const { subscribe } = await startScenario({ at: '2027-01-15T00:00:00Z' });
    const anchor = seconds('2027-02-01T00:00:00Z');
    const short = await subscribe({ billing_cycle_anchor: anchor, expand });
    expect(onlyItem(short)).toMatchObject({
      current_period_start: seconds('2027-01-15T00:00:00Z'),
      current_period_end: anchor,
    });
    expect(latestInvoice(short).total).toBe(Math.round((5_000 * 17) / 31));
    const free = await subscribe({ billing_cycle_anchor: anchor, proration_behavior: 'none' });
    expect(free).toMatchObject({ status: 'active', latest_invoice: null });
    const late = subscribe({ billing_cycle_anchor: seconds('2027-02-16T00:00:00Z') });
    expect(await refusalOf(late)).toMatchObject({ param: 'billing_cycle_anchor' });
  });

  it('mixes intervals in flexible billing and refuses to in classic', async () => {
    const { stripe, price, subscribe } = await startScenario({ at: '2027-01-15T00:00:00Z' });
    const yearly = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 10_000,
      recurring: { interval: 'year' },
      product_data: { name: 'Support' },
    });
    const items = [{ price: price.id }, { price: yearly.id }];
    const mixed = await subscribe({ items });
    expect(mixed.items.data.map((item) => item.current_period_end)).toEqual([
      seconds('2027-02-15T00:00:00Z'),
      seconds('2028-01-15T00:00:00Z'),
    ]);
    const classic = subscribe({ items, billing_mode: { type: 'classic' } });
    expect(await refusalOf(classic)).toMatchObject({
      message: expect.stringContaining('Found mismatch in interval field.'),
    });
  });

  it('makes a price of its own for price_data, and refuses other currencies and archived prices', async () => {
    const { stripe, price, subscribe } = await startScenario();
    const product = String(price.product);
    const recurring = { interval: 'month' as const };
    const own = await subscribe({
      items: [{ price_data: { currency: 'usd', product, recurring, unit_amount: 700 } }],
      expand,
    });
    expect(latestInvoice(own).total).toBe(700);
    const euro = await stripe.prices.create({ currency: 'eur', product, unit_amount: 1, recurring });
    const mixed = subscribe({ items: [{ price: price.id }, { price: euro.id }] });
    expect(await refusalOf(mixed)).toMatchObject({ statusCode: 400, param: 'items[1][price]' });
    await stripe.prices.update(price.id, { active: false });
    expect(await refusalOf(subscribe())).toMatchObject({ statusCode: 400, param: 'items[0][price]' });
  });

  it('by a bank debit runs while the debit is on its way', async () => {
    const { stripe, control, subscribe, types } = await startScenario({ card: 'pm_usBankAccount' });
    const subscription = await subscribe();
    expect(subscription.status).toBe('active');
    const [payment] = (await stripe.invoicePayments.list({ invoice: String(subscription.latest_invoice) }))
      .data;
    await types();
    await control.settlePayment(String(payment?.payment.payment_intent), { paid: true });
    expect(await types()).toContain('invoice.paid');
  });
});

describe('a customer without a test clock', () => {
  it('expires an unpaid subscription by the account’s time', async () => {
    const { control, stripe } = await startScenario();
    const customer = await createCustomer(stripe, {}, 'pm_card_chargeCustomerFail');
    const price = await createLicensePrice(stripe);
    const { id } = await stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }] });
    await control.configureBilling({ incompleteExpirySeconds: 100 });
    const { id: other } = await stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: price.id }],
    });
    await control.setTimeOffset(200_000);
    expect((await stripe.subscriptions.retrieve(other)).status).toBe('incomplete_expired');
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('incomplete');
    await control.setTimeOffset(24 * hour * 1_000);
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('incomplete_expired');
  });
});
