import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import {
  createCustomer,
  createSubscription,
  eventsSince,
  newestEvent,
  refusalOf,
  startSandbox,
} from './simulator-fixture.ts';

describe('an invoice item', () => {
  it('waits until an invoice takes it in', async () => {
    const { stripe } = await startSandbox();
    const customer = await createCustomer(stripe);
    const mark = await newestEvent(stripe);
    const item = await stripe.invoiceItems.create({
      customer: customer.id,
      amount: 900,
      currency: 'usd',
      description: 'setup',
      metadata: { order: '1' },
    });
    expect(item).toMatchObject({
      amount: 900,
      currency: 'usd',
      description: 'setup',
      invoice: null,
      parent: null,
      pricing: null,
      proration: false,
      quantity: 1,
    });
    expect((await eventsSince(stripe, mark)).map(({ type }) => type)).toEqual(['invoiceitem.created']);
    const invoice = await stripe.invoices.create({
      customer: customer.id,
      currency: 'usd',
      pending_invoice_items_behavior: 'include',
    });
    expect(invoice.lines.data).toMatchObject([
      {
        amount: 900,
        description: 'setup',
        metadata: { order: '1' },
        parent: {
          type: 'invoice_item_details',
          invoice_item_details: { invoice_item: item.id, proration: false },
        },
      },
    ]);
    expect((await stripe.invoiceItems.retrieve(item.id)).invoice).toBe(invoice.id);
    expect((await stripe.invoiceItems.list({ invoice: invoice.id })).data).toHaveLength(1);
  });

  it('costs its price times its quantity, and is named like its product', async () => {
    const { stripe } = await startSandbox();
    const customer = await createCustomer(stripe);
    const price = await stripe.prices.create({
      currency: 'usd',
      unit_amount_decimal: Stripe.Decimal.from('0.5'),
      product_data: { name: 'Stamp' },
    });
    const item = await stripe.invoiceItems.create({
      customer: customer.id,
      pricing: { price: price.id },
      quantity: 3,
    });
    expect(item).toMatchObject({ amount: 2, quantity: 3, description: 'Stamp', currency: 'usd' });
    const { price: monthly } = await createSubscription(stripe, 1);
    const recurring = { customer: customer.id, pricing: { price: monthly.id } };
    expect(await refusalOf(stripe.invoiceItems.create(recurring))).toMatchObject({
      statusCode: 400,
      param: 'pricing[price]',
    });
  });

  it('on a draft changes the sums of it, whether it is added, changed or deleted', async () => {
    const { stripe } = await startSandbox();
    const customer = await createCustomer(stripe);
    const { id: invoice } = await stripe.invoices.create({ customer: customer.id, currency: 'usd' });
    const item = await stripe.invoiceItems.create({ invoice, amount: 100 });
    const other = await stripe.invoiceItems.create({ invoice, amount: -30 });
    const { lines } = await stripe.invoices.retrieve(invoice);
    await stripe.invoiceItems.update(item.id, { amount: 250, description: 'more' });
    const changed = await stripe.invoices.retrieve(invoice);
    expect(changed).toMatchObject({ total: 220, amount_due: 220, subtotal: 220 });
    expect(changed.lines.data[0]).toMatchObject({ id: lines.data[0]?.id, amount: 250, description: 'more' });
    const mark = await newestEvent(stripe);
    expect(await stripe.invoiceItems.del(other.id)).toMatchObject({ id: other.id, deleted: true });
    expect((await eventsSince(stripe, mark)).map(({ type }) => type)).toEqual([
      'invoice.updated',
      'invoiceitem.deleted',
    ]);
    expect(await stripe.invoices.retrieve(invoice)).toMatchObject({
      total: 250,
      lines: { data: [{ amount: 250 }] },
    });
    await stripe.invoices.finalizeInvoice(invoice);
    for (const call of [
      stripe.invoiceItems.update(item.id, { amount: 1 }),
      stripe.invoiceItems.del(item.id),
      stripe.invoiceItems.create({ invoice, amount: 1 }),
    ]) {
      expect(await refusalOf(call)).toMatchObject({ statusCode: 400, code: 'invoice_not_editable' });
    }
  });

  it('of a customer comes with the next renewal, one of a subscription with its own', async () => {
    const { control, stripe } = await startSandbox();
    const { customer, subscription } = await createSubscription(stripe, 2);
    await stripe.invoiceItems.create({ customer: customer.id, amount: 70, currency: 'usd' });
    await stripe.invoiceItems.create({
      customer: customer.id,
      subscription: subscription.id,
      amount: 80,
      currency: 'usd',
    });
    await control.setTimeOffset(32 * 86_400_000);
    const [renewal] = (await stripe.invoices.list({ subscription: subscription.id })).data;
    expect(renewal).toMatchObject({ billing_reason: 'subscription_cycle', total: 1_150, status: 'paid' });
    expect(renewal?.lines.data.map(({ amount }) => amount).sort()).toEqual([1_000, 70, 80]);
  });

  it('needs a customer, one way to say what it costs, and the currency of its draft', async () => {
    const { stripe } = await startSandbox();
    const customer = await createCustomer(stripe);
    const { id: invoice } = await stripe.invoices.create({ customer: customer.id, currency: 'eur' });
    expect(await refusalOf(stripe.invoiceItems.create({ amount: 1, currency: 'usd' }))).toMatchObject({
      code: 'parameter_missing',
      param: 'customer',
    });
    expect(await refusalOf(stripe.invoiceItems.create({ customer: customer.id }))).toMatchObject({
      code: 'parameter_missing',
      param: 'amount',
    });
    expect(
      await refusalOf(stripe.invoiceItems.create({ invoice, amount: 1, currency: 'usd' })),
    ).toMatchObject({ statusCode: 400, param: 'currency' });
  });
});
