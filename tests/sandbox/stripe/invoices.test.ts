import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import {
  createCustomer,
  createSubscription,
  eventsSince,
  newestEvent,
  refusalOf,
  startSandbox,
} from './simulator-fixture.ts';

async function typesSince(stripe: Stripe, mark: string | undefined): Promise<string[]> {
  return (await eventsSince(stripe, mark)).map(({ type }) => type);
}

/** A draft of 12.00 USD for a customer with a card. */
async function draftOf(
  stripe: Stripe,
  options: { card?: string; parameters?: Stripe.InvoiceCreateParams } = {},
): Promise<{ customer: Stripe.Customer; invoice: Stripe.Invoice }> {
  const customer = await createCustomer(stripe, { email: 'buyer@example.com', name: 'Bo' }, options.card);
  const created = await stripe.invoices.create({ customer: customer.id, ...options.parameters });
  await stripe.invoiceItems.create({
    invoice: created.id,
    customer: customer.id,
    amount: 1_200,
    currency: 'usd',
  });
  return { customer, invoice: await stripe.invoices.retrieve(created.id) };
}

describe('an invoice made by hand', () => {
  it('is a draft without number, page or payment until it is finalized', async () => {
    const { stripe } = await startSandbox();
    const { customer, invoice } = await draftOf(stripe);
    expect(invoice).toMatchObject({
      amount_due: 1_200,
      amount_paid: 0,
      amount_remaining: 1_200,
      attempt_count: 0,
      attempted: false,
      auto_advance: false,
      automatically_finalizes_at: null,
      billing_reason: 'manual',
      collection_method: 'charge_automatically',
      customer_email: 'buyer@example.com',
      customer_name: 'Bo',
      due_date: null,
      hosted_invoice_url: null,
      number: null,
      parent: null,
      status: 'draft',
      total: 1_200,
    });
    const open = await stripe.invoices.finalizeInvoice(invoice.id, {
      expand: ['payments', 'confirmation_secret'],
    });
    expect(open).toMatchObject({
      number: `${customer.invoice_prefix}-0001`,
      status: 'open',
      hosted_invoice_url: expect.stringMatching(/^http/),
      status_transitions: { finalized_at: expect.any(Number), paid_at: null },
    });
    const payment = open.payments?.data[0];
    expect(payment).toMatchObject({
      amount_requested: 1_200,
      amount_paid: null,
      is_default: true,
      status: 'open',
    });
    expect(open.confirmation_secret?.client_secret).toContain(`${payment?.payment.payment_intent}_secret_`);
    expect((await stripe.customers.retrieve(customer.id)) as Stripe.Customer).toMatchObject({
      next_invoice_sequence: 2,
    });
  });

  it('takes in pending invoice items only when asked to, and only in its currency', async () => {
    const { stripe } = await startSandbox();
    const customer = await createCustomer(stripe);
    await stripe.invoiceItems.create({ customer: customer.id, amount: 300, currency: 'usd' });
    await stripe.invoiceItems.create({ customer: customer.id, amount: 400, currency: 'eur' });
    const empty = await stripe.invoices.create({ customer: customer.id, currency: 'usd' });
    expect(empty).toMatchObject({ total: 0, lines: { data: [] } });
    const full = await stripe.invoices.create({
      customer: customer.id,
      currency: 'usd',
      pending_invoice_items_behavior: 'include',
    });
    expect(full).toMatchObject({ total: 300, lines: { data: [{ amount: 300 }] } });
    const left = await stripe.invoiceItems.list({ customer: customer.id, pending: true });
    expect(left.data.map(({ amount }) => amount)).toEqual([400]);
  });

  it('is paid on request, with one charge, and not twice', async () => {
    const { stripe } = await startSandbox();
    const { invoice } = await draftOf(stripe);
    await stripe.invoices.finalizeInvoice(invoice.id);
    const mark = await newestEvent(stripe);
    const paid = await stripe.invoices.pay(invoice.id, { expand: ['payments.data.payment.payment_intent'] });
    expect(paid).toMatchObject({
      amount_paid: 1_200,
      amount_remaining: 0,
      attempt_count: 1,
      attempted: true,
      auto_advance: false,
      status: 'paid',
      payments: {
        data: [{ status: 'paid', amount_paid: 1_200, payment: { payment_intent: { status: 'succeeded' } } }],
      },
    });
    expect(await typesSince(stripe, mark)).toEqual([
      'charge.succeeded',
      'payment_intent.succeeded',
      'invoice.paid',
      'invoice.payment_succeeded',
      'invoice_payment.paid',
    ]);
    const refusal = await refusalOf(stripe.invoices.pay(invoice.id));
    expect(refusal).toMatchObject({ statusCode: 400, message: 'Invoice is already paid' });
  });

  it('whose payment is declined is answered 402 and remembers the attempt', async () => {
    const { stripe } = await startSandbox();
    const { invoice } = await draftOf(stripe, { card: 'pm_card_chargeCustomerFail' });
    await stripe.invoices.finalizeInvoice(invoice.id);
    const mark = await newestEvent(stripe);
    const refusal = await refusalOf(stripe.invoices.pay(invoice.id));
    expect(refusal).toMatchObject({ statusCode: 402, type: 'StripeCardError', code: 'card_declined' });
    expect(refusal.payment_intent).toMatchObject({ status: 'requires_payment_method' });
    expect(await typesSince(stripe, mark)).toEqual([
      'charge.failed',
      'payment_intent.payment_failed',
      'invoice.payment_failed',
    ]);
    const open = await stripe.invoices.retrieve(invoice.id);
    expect(open).toMatchObject({
      status: 'open',
      attempt_count: 1,
      attempted: true,
      next_payment_attempt: null,
    });
    await refusalOf(stripe.invoices.pay(invoice.id));
    expect((await stripe.invoices.retrieve(invoice.id)).attempt_count).toBe(1);
    const paid = await stripe.invoices.pay(invoice.id, { payment_method: 'pm_card_visa' });
    expect(paid).toMatchObject({ status: 'paid', attempt_count: 1 });
  });

  it('without anybody to pay it is refused with 400, and can still be paid out of band', async () => {
    const { stripe } = await startSandbox();
    const customer = await stripe.customers.create();
    const { id } = await stripe.invoices.create({ customer: customer.id, currency: 'usd' });
    await stripe.invoiceItems.create({ invoice: id, amount: 700 });
    await stripe.invoices.finalizeInvoice(id);
    expect(await refusalOf(stripe.invoices.pay(id))).toMatchObject({
      statusCode: 400,
      code: 'resource_missing',
    });
    const mark = await newestEvent(stripe);
    const paid = await stripe.invoices.pay(id, { paid_out_of_band: true, expand: ['payments'] });
    expect(paid).toMatchObject({ status: 'paid', amount_paid: 700, amount_remaining: 0, attempt_count: 0 });
    expect(paid.payments?.data).toMatchObject([{ status: 'canceled' }]);
    expect(await typesSince(stripe, mark)).toEqual(['payment_intent.canceled', 'invoice.paid']);
  });

  it('is charged on the method of its own before the default of its customer', async () => {
    const { stripe } = await startSandbox();
    const { customer, invoice } = await draftOf(stripe, { card: 'pm_card_chargeCustomerFail' });
    const { id: method } = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
    await stripe.invoices.update(invoice.id, { default_payment_method: method });
    expect((await stripe.invoices.pay(invoice.id)).status).toBe('paid');
  });

  it('of nothing is paid by its finalization', async () => {
    const { stripe } = await startSandbox();
    const customer = await createCustomer(stripe);
    const { id } = await stripe.invoices.create({ customer: customer.id });
    const mark = await newestEvent(stripe);
    const paid = await stripe.invoices.finalizeInvoice(id);
    expect(paid).toMatchObject({ status: 'paid', amount_paid: 0, attempt_count: 0, attempted: true });
    expect(await typesSince(stripe, mark)).toEqual([
      'invoice.finalized',
      'invoice.paid',
      'invoice.payment_succeeded',
    ]);
  });

  it('is charged by its finalization when it advances by itself', async () => {
    const { stripe } = await startSandbox();
    const { invoice } = await draftOf(stripe);
    const mark = await newestEvent(stripe);
    const paid = await stripe.invoices.finalizeInvoice(invoice.id, { auto_advance: true });
    expect(paid.status).toBe('paid');
    expect(await typesSince(stripe, mark)).toEqual([
      'invoice.finalized',
      'payment_intent.created',
      'charge.succeeded',
      'payment_intent.succeeded',
      'invoice.paid',
      'invoice.payment_succeeded',
      'invoice_payment.paid',
    ]);
  });

  it('that is void stays so, and its payment intent is canceled', async () => {
    const { stripe } = await startSandbox();
    const { invoice } = await draftOf(stripe);
    const { number } = await stripe.invoices.finalizeInvoice(invoice.id);
    const mark = await newestEvent(stripe);
    const gone = await stripe.invoices.voidInvoice(invoice.id, {
      expand: ['payments.data.payment.payment_intent'],
    });
    expect(gone).toMatchObject({
      status: 'void',
      number,
      status_transitions: { voided_at: expect.any(Number) },
      payments: {
        data: [{ status: 'canceled', payment: { payment_intent: { cancellation_reason: 'void_invoice' } } }],
      },
    });
    expect(await typesSince(stripe, mark)).toEqual(['payment_intent.canceled', 'invoice.voided']);
    for (const call of [
      stripe.invoices.pay(invoice.id),
      stripe.invoices.voidInvoice(invoice.id),
      stripe.invoices.markUncollectible(invoice.id),
      stripe.invoices.update(invoice.id, { auto_advance: true }),
    ]) {
      expect((await refusalOf(call)).statusCode).toBe(400);
    }
  });

  it('that is written off tells why, and forgets it when it is paid after all', async () => {
    const { stripe } = await startSandbox();
    const { invoice } = await draftOf(stripe);
    await stripe.invoices.finalizeInvoice(invoice.id);
    const bad = await stripe.invoices.markUncollectible(invoice.id);
    expect(bad).toMatchObject({
      status: 'uncollectible',
      status_details: { uncollectible: { reason: 'user_forgiven' } },
      status_transitions: { marked_uncollectible_at: expect.any(Number) },
    });
    const paid = await stripe.invoices.pay(invoice.id);
    expect(paid.status).toBe('paid');
    expect(paid).not.toHaveProperty('status_details');
  });

  it('is deleted as a draft: what was made for it goes, what it took in is pending again', async () => {
    const { stripe } = await startSandbox();
    const customer = await createCustomer(stripe);
    const pending = await stripe.invoiceItems.create({ customer: customer.id, amount: 300, currency: 'usd' });
    const { id } = await stripe.invoices.create({
      customer: customer.id,
      currency: 'usd',
      pending_invoice_items_behavior: 'include',
    });
    const own = await stripe.invoiceItems.create({ customer: customer.id, invoice: id, amount: 500 });
    const mark = await newestEvent(stripe);
    expect(await stripe.invoices.del(id)).toMatchObject({ id, object: 'invoice', deleted: true });
    expect(await typesSince(stripe, mark)).toEqual(['invoice.deleted']);
    expect((await refusalOf(stripe.invoices.retrieve(id))).statusCode).toBe(404);
    expect((await stripe.invoiceItems.retrieve(pending.id)).invoice).toBeNull();
    expect((await refusalOf(stripe.invoiceItems.retrieve(own.id))).statusCode).toBe(404);
  });

  it('can be changed in everything as a draft, and in little afterwards', async () => {
    const { stripe } = await startSandbox();
    const { invoice } = await draftOf(stripe);
    const mark = await newestEvent(stripe);
    const sent = await stripe.invoices.update(invoice.id, {
      collection_method: 'send_invoice',
      days_until_due: 7,
      description: 'thanks',
      metadata: { order: '7' },
    });
    expect(sent).toMatchObject({
      collection_method: 'send_invoice',
      description: 'thanks',
      metadata: { order: '7' },
    });
    const dueAfter = (sent.due_date ?? 0) - sent.created - 7 * 86_400;
    expect(dueAfter).toBeGreaterThanOrEqual(0);
    expect(dueAfter).toBeLessThan(60);
    expect(await eventsSince(stripe, mark)).toMatchObject([
      { type: 'invoice.updated', data: { previous_attributes: { description: null, due_date: null } } },
    ]);
    await stripe.invoices.finalizeInvoice(invoice.id);
    expect(await stripe.invoices.update(invoice.id, { metadata: { order: '8' } })).toMatchObject({
      metadata: { order: '8' },
    });
    const refusal = await refusalOf(stripe.invoices.update(invoice.id, { description: 'more' }));
    expect(refusal).toMatchObject({ statusCode: 400, code: 'invoice_not_editable' });
    const gone = await refusalOf(stripe.invoices.del(invoice.id));
    expect(gone).toMatchObject({ statusCode: 400 });
  });

  it('is listed by status, customer, subscription, collection method, creation and due date', async () => {
    const { stripe } = await startSandbox();
    const { customer, invoice } = await draftOf(stripe);
    const { subscription } = await createSubscription(stripe, 2);
    const sent = await stripe.invoices.create({
      customer: customer.id,
      collection_method: 'send_invoice',
      days_until_due: 10,
    });
    const idsOf = async (parameters: Stripe.InvoiceListParams): Promise<string[]> =>
      (await stripe.invoices.list(parameters)).data.map(({ id }) => id);
    expect(await idsOf({ status: 'draft' })).toEqual([sent.id, invoice.id]);
    expect(await idsOf({ customer: customer.id })).toEqual([sent.id, invoice.id]);
    expect(await idsOf({ subscription: subscription.id })).toEqual([subscription.latest_invoice]);
    expect(await idsOf({ collection_method: 'send_invoice' })).toEqual([sent.id]);
    expect(await idsOf({ due_date: { gte: sent.created } })).toEqual([sent.id]);
    expect(await idsOf({ created: { gt: sent.created + 60 } })).toEqual([]);
    expect((await refusalOf(stripe.invoices.list({ customer: 'cus_none' }))).statusCode).toBe(400);
  });

  it('for a subscription leaves the latest invoice of it as it is', async () => {
    const { stripe } = await startSandbox();
    const { customer, subscription } = await createSubscription(stripe, 1);
    const mark = await newestEvent(stripe);
    await stripe.invoices.create({ customer: customer.id, subscription: subscription.id });
    const { latest_invoice: latest } = await stripe.subscriptions.retrieve(subscription.id);
    expect(latest).toBe(subscription.latest_invoice);
    expect(await typesSince(stripe, mark)).toEqual(['invoice.created']);
  });
});

describe('an invoice whose payment somebody else concludes', () => {
  it('is paid when its intent is confirmed by the client', async () => {
    const { stripe } = await startSandbox();
    const { customer, invoice } = await draftOf(stripe);
    const open = await stripe.invoices.finalizeInvoice(invoice.id, { expand: ['payments'] });
    const intent = String(open.payments?.data[0]?.payment.payment_intent);
    const mark = await newestEvent(stripe);
    await stripe.paymentIntents.confirm(intent, { return_url: 'https://shop.example/back' });
    expect(await typesSince(stripe, mark)).toEqual([
      'charge.succeeded',
      'payment_intent.succeeded',
      'invoice.paid',
      'invoice.payment_succeeded',
      'invoice_payment.paid',
    ]);
    expect(await stripe.invoices.retrieve(invoice.id)).toMatchObject({ status: 'paid', attempt_count: 1 });
    expect(customer.id).toBe(open.customer);
  });

  it('waits for authentication, is paid when it is passed, and fails when it is not', async () => {
    const { control, stripe } = await startSandbox();
    const { invoice } = await draftOf(stripe, { card: 'pm_card_authenticationRequired' });
    await stripe.invoices.finalizeInvoice(invoice.id);
    const mark = await newestEvent(stripe);
    const refusal = await refusalOf(stripe.invoices.pay(invoice.id));
    expect(refusal).toMatchObject({ statusCode: 402, code: 'invoice_payment_intent_requires_action' });
    expect(await typesSince(stripe, mark)).toEqual([
      'payment_intent.requires_action',
      'invoice.payment_action_required',
      'invoice.payment_failed',
    ]);
    const intent = String(refusal.payment_intent?.id);
    await control.authenticatePayment(intent, { succeeds: false });
    expect(await stripe.invoices.retrieve(invoice.id)).toMatchObject({ status: 'open', attempt_count: 1 });
    await refusalOf(stripe.invoices.pay(invoice.id));
    await control.authenticatePayment(intent, { succeeds: true });
    expect(await stripe.invoices.retrieve(invoice.id)).toMatchObject({ status: 'paid', amount_remaining: 0 });
  });

  it('is paid, or stays open, when a bank debit is settled', async () => {
    const { control, stripe } = await startSandbox();
    for (const paid of [true, false]) {
      const { invoice } = await draftOf(stripe, { card: 'pm_usBankAccount' });
      await stripe.invoices.finalizeInvoice(invoice.id);
      const unpaid = await newestEvent(stripe);
      const pending = await stripe.invoices.pay(invoice.id, { expand: ['payments'] });
      expect(pending).toMatchObject({ status: 'open', attempted: true, amount_remaining: 1_200 });
      const told = await eventsSince(stripe, unpaid);
      expect(told.find(({ type }) => type === 'invoice.updated')?.data).toMatchObject({
        object: { attempted: true, attempt_count: 1 },
        previous_attributes: { attempted: false, attempt_count: 0 },
      });
      expect((await refusalOf(stripe.invoices.pay(invoice.id))).statusCode).toBe(400);
      const mark = await newestEvent(stripe);
      await control.settlePayment(String(pending.payments?.data[0]?.payment.payment_intent), { paid });
      expect(await typesSince(stripe, mark)).toContain(paid ? 'invoice.paid' : 'invoice.payment_failed');
      expect((await stripe.invoices.retrieve(invoice.id)).status).toBe(paid ? 'paid' : 'open');
    }
  });
});
