import { describe, expect, it } from 'vitest';
import { createCustomer, createSubscription, refusalOf, startSandbox } from './simulator-fixture.ts';

describe('the lines of an invoice', () => {
  it('of a draft are added, changed and removed in one request each', async () => {
    const { stripe } = await startSandbox();
    const customer = await createCustomer(stripe);
    const pending = await stripe.invoiceItems.create({ customer: customer.id, amount: 70, currency: 'usd' });
    const { id } = await stripe.invoices.create({ customer: customer.id, currency: 'usd' });
    const added = await stripe.invoices.addLines(id, {
      lines: [{ amount: 100, description: 'one' }, { amount: 200 }, { invoice_item: pending.id }],
    });
    expect(added).toMatchObject({
      total: 370,
      lines: { data: [{ description: 'one' }, { amount: 200 }, { amount: 70 }] },
    });
    const [one, two, three] = added.lines.data.map((line) => line.id);
    const changed = await stripe.invoices.updateLines(id, { lines: [{ id: one ?? '', amount: 150 }] });
    expect(changed.total).toBe(420);
    expect(changed.lines.data[0]).toMatchObject({ id: one, amount: 150, description: 'one' });
    expect(await stripe.invoices.updateLineItem(id, two ?? '', { description: 'two' })).toMatchObject({
      description: 'two',
    });
    const removed = await stripe.invoices.removeLines(id, {
      lines: [
        { id: two ?? '', behavior: 'delete' },
        { id: three ?? '', behavior: 'unassign' },
      ],
    });
    expect(removed).toMatchObject({ total: 150, lines: { data: [{ id: one }] } });
    const left = await stripe.invoiceItems.list({ customer: customer.id, pending: true });
    expect(left.data.map((item) => item.id)).toEqual([pending.id]);
    await stripe.invoices.finalizeInvoice(id);
    for (const call of [
      stripe.invoices.addLines(id, { lines: [{ amount: 1 }] }),
      stripe.invoices.updateLines(id, { lines: [{ id: one ?? '', amount: 1 }] }),
      stripe.invoices.removeLines(id, { lines: [{ id: one ?? '', behavior: 'delete' }] }),
    ]) {
      expect(await refusalOf(call)).toMatchObject({ statusCode: 400, code: 'invoice_not_editable' });
    }
  });

  it('are ten in the invoice, and all in their own list, with prices and subscriptions to expand', async () => {
    const { stripe } = await startSandbox();
    const customer = await createCustomer(stripe);
    const { id } = await stripe.invoices.create({ customer: customer.id, currency: 'usd' });
    const lines = Array.from({ length: 23 }, (_, index) => ({ amount: index + 1 }));
    const invoice = await stripe.invoices.addLines(id, { lines });
    expect(invoice.lines).toMatchObject({ has_more: true });
    expect(invoice.lines.data).toHaveLength(10);
    expect(invoice.total).toBe(276);
    const all = await stripe.invoices.listLineItems(id, { limit: 5 }).autoPagingToArray({ limit: 100 });
    expect(all.map(({ amount }) => amount)).toEqual(lines.map(({ amount }) => amount));
    const { price, subscription } = await createSubscription(stripe, 3);
    const listed = await stripe.invoices.listLineItems(String(subscription.latest_invoice), {
      expand: ['data.subscription', 'data.pricing.price_details.price'],
    });
    expect(listed.data).toMatchObject([
      {
        description: '3 × Licence (at $5.00 / month)',
        pricing: { price_details: { price: { id: price.id }, product: price.product } },
        quantity: 3,
        subscription: { id: subscription.id },
      },
    ]);
  });
});
