import { describe, expect, it } from 'vitest';
import {
  createCustomer,
  createLicensePrice,
  eventsSince,
  newestEvent,
  refusalOf,
  startSandbox,
} from './simulator-fixture.ts';

const dayMs = 86_400_000;
const daySeconds = 86_400;

describe('an invoice that is sent', () => {
  it('is mailed once, told a week before it is due and when it is overdue, and never charged', async () => {
    const { control, stripe } = await startSandbox();
    const customer = await createCustomer(stripe);
    const { id } = await stripe.invoices.create({
      customer: customer.id,
      collection_method: 'send_invoice',
      days_until_due: 14,
      currency: 'usd',
    });
    await stripe.invoiceItems.create({ invoice: id, amount: 5_000 });
    const mark = await newestEvent(stripe);
    const sent = await stripe.invoices.sendInvoice(id);
    expect(sent).toMatchObject({ status: 'open', next_payment_attempt: null, attempt_count: 0 });
    expect(sent.due_date).toBe((sent.status_transitions.finalized_at ?? 0) + 14 * daySeconds);
    const typesNow = async (): Promise<string[]> => (await eventsSince(stripe, mark)).map(({ type }) => type);
    expect(await typesNow()).toEqual(['invoice.finalized', 'payment_intent.created', 'invoice.sent']);
    await control.setTimeOffset(8 * dayMs);
    expect((await typesNow()).at(-1)).toBe('invoice.will_be_due');
    await control.setTimeOffset(20 * dayMs);
    expect((await typesNow()).slice(3)).toEqual(['invoice.will_be_due', 'invoice.overdue']);
    const paid = await stripe.invoices.pay(id, { paid_out_of_band: true });
    expect(paid).toMatchObject({ status: 'paid', amount_paid: 5_000 });
  });

  it('is finalized and mailed by itself when it advances by itself', async () => {
    const { control, stripe } = await startSandbox();
    const customer = await createCustomer(stripe);
    const { id } = await stripe.invoices.create({
      customer: customer.id,
      auto_advance: true,
      collection_method: 'send_invoice',
      due_date: Math.floor(Date.now() / 1_000) + 3 * daySeconds,
      currency: 'usd',
    });
    await stripe.invoiceItems.create({ invoice: id, amount: 5_000 });
    const mark = await newestEvent(stripe);
    await control.setTimeOffset(dayMs);
    expect((await stripe.invoices.retrieve(id)).status).toBe('open');
    expect((await eventsSince(stripe, mark)).map(({ type }) => type)).toEqual([
      'invoice.updated',
      'invoice.finalized',
      'payment_intent.created',
      'invoice.sent',
    ]);
  });

  it('of a subscription is mailed at once, and the subscription falls behind when it is overdue', async () => {
    const { control, stripe } = await startSandbox();
    const customer = await stripe.customers.create();
    const price = await createLicensePrice(stripe);
    const subscription = await stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: price.id, quantity: 2 }],
      collection_method: 'send_invoice',
      days_until_due: 5,
      expand: ['latest_invoice'],
    });
    expect(subscription).toMatchObject({
      status: 'active',
      latest_invoice: { status: 'open', amount_due: 1_000 },
    });
    expect((await stripe.events.list({ type: 'invoice.sent' })).data).toHaveLength(1);
    await control.setTimeOffset(6 * dayMs);
    expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('past_due');
  });

  it('has a due date in the future, given in one way; one that is charged has none', async () => {
    const { stripe } = await startSandbox();
    const { id: customer } = await createCustomer(stripe);
    const sent = { customer, collection_method: 'send_invoice' } as const;
    expect(await refusalOf(stripe.invoices.create({ ...sent, due_date: 1_000 }))).toMatchObject({
      param: 'due_date',
    });
    const both = { ...sent, days_until_due: 1, due_date: 9_999_999_999 };
    expect(await refusalOf(stripe.invoices.create(both))).toMatchObject({ param: 'due_date' });
    expect(await refusalOf(stripe.invoices.create({ customer, days_until_due: 1 }))).toMatchObject({
      param: 'days_until_due',
    });
    const charged = await stripe.invoices.create({ customer });
    expect(await refusalOf(stripe.invoices.sendInvoice(charged.id))).toMatchObject({ statusCode: 400 });
  });
});
