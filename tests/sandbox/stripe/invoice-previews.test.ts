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

const dayMs = 86_400_000;

describe('the preview of an invoice', () => {
  it('shows the next renewal with what is pending, and stores nothing', async () => {
    const { stripe } = await startSandbox();
    const { customer, subscription } = await createSubscription(stripe, 3);
    await stripe.invoiceItems.create({ customer: customer.id, amount: 99, currency: 'usd' });
    const mark = await newestEvent(stripe);
    const preview = await stripe.invoices.createPreview({ subscription: subscription.id });
    const end = subscription.items.data[0]?.current_period_end ?? 0;
    expect(preview).toMatchObject({
      billing_reason: 'upcoming',
      created: end,
      lines: { data: [{ amount: 99 }, { amount: 1_500, period: { start: end } }] },
      number: null,
      parent: { subscription_details: { subscription: subscription.id } },
      status: 'draft',
      total: 1_599,
    });
    expect(preview.id).toMatch(/^upcoming_in_/);
    expect(await eventsSince(stripe, mark)).toEqual([]);
    expect((await refusalOf(stripe.invoices.retrieve(preview.id))).statusCode).toBe(404);
    expect((await stripe.invoices.list({ customer: customer.id })).data).toHaveLength(1);
  });

  it('leaves out what is pending in another currency, as the invoice will', async () => {
    const { stripe } = await startSandbox();
    const { customer, subscription } = await createSubscription(stripe, 3);
    await stripe.invoiceItems.create({ customer: customer.id, amount: 99, currency: 'jpy' });
    const preview = await stripe.invoices.createPreview({ subscription: subscription.id });
    expect(preview).toMatchObject({ currency: 'usd', lines: { data: [{ amount: 1_500 }] }, total: 1_500 });
  });

  it('of a change costs what the change costs, and changes nothing', async () => {
    const { control, stripe } = await startSandbox();
    const { itemId, subscription } = await createSubscription(stripe, 2);
    await control.setTimeOffset(10 * dayMs);
    const items = [{ id: itemId, quantity: 7 }];
    const date = Math.floor((Date.now() + 10 * dayMs) / 1_000);
    const mark = await newestEvent(stripe);
    const preview = await stripe.invoices.createPreview({
      subscription: subscription.id,
      subscription_details: { items, proration_behavior: 'always_invoice', proration_date: date },
    });
    expect(await eventsSince(stripe, mark)).toEqual([]);
    expect((await stripe.subscriptions.retrieve(subscription.id)).items.data[0]?.quantity).toBe(2);
    const changed = await stripe.subscriptions.update(subscription.id, {
      items,
      proration_behavior: 'always_invoice',
      proration_date: date,
      expand: ['latest_invoice'],
    });
    const invoice = changed.latest_invoice as Stripe.Invoice;
    const shown = ({ lines }: Stripe.Invoice): unknown[] =>
      lines.data.map(({ amount, description, period, quantity }) => ({
        amount,
        description,
        period,
        quantity,
      }));
    expect(shown(preview)).toEqual(shown(invoice));
    expect(preview.total).toBe(invoice.total);
    expect(preview.lines.data.every((line) => line.parent?.subscription_item_details?.proration)).toBe(true);
  });

  it('of a change that waits shows its prorations beside the next period', async () => {
    const { stripe } = await startSandbox();
    const { itemId, subscription } = await createSubscription(stripe, 2);
    const preview = await stripe.invoices.createPreview({
      subscription: subscription.id,
      subscription_details: { items: [{ id: itemId, quantity: 4 }], proration_date: subscription.start_date },
    });
    expect(preview.lines.data.map(({ amount }) => amount)).toEqual([-1_000, 2_000, 2_000]);
    const without = await stripe.invoices.createPreview({
      subscription: subscription.id,
      subscription_details: { items: [{ id: itemId, quantity: 4 }], proration_behavior: 'none' },
    });
    expect(without.lines.data.map(({ amount }) => amount)).toEqual([2_000]);
  });

  it('of a new subscription shows its first invoice', async () => {
    const { stripe } = await startSandbox();
    const { price } = await createSubscription(stripe, 1);
    const { id: customer } = await createCustomer(stripe);
    const preview = await stripe.invoices.createPreview({
      customer,
      subscription_details: { items: [{ price: price.id, quantity: 6 }] },
    });
    expect(preview).toMatchObject({ amount_due: 3_000, customer, parent: null });
    expect((await stripe.subscriptions.list({ customer })).data).toEqual([]);
  });

  it('of a customer shows the subscription that renews first, or what is pending, or that nothing comes', async () => {
    const { stripe } = await startSandbox();
    const { customer, subscription } = await createSubscription(stripe, 2);
    const upcoming = await stripe.invoices.createPreview({ customer: customer.id });
    expect(upcoming.parent?.subscription_details?.subscription).toBe(subscription.id);
    const { id: other } = await createCustomer(stripe);
    const none = await refusalOf(stripe.invoices.createPreview({ customer: other }));
    expect(none).toMatchObject({ statusCode: 404, code: 'invoice_upcoming_none' });
    const items = [{ amount: 250, currency: 'usd', description: 'extra' }];
    const pending = await stripe.invoices.createPreview({ customer: other, invoice_items: items });
    expect(pending).toMatchObject({ total: 250, lines: { data: [{ description: 'extra' }] } });
    expect((await stripe.invoiceItems.list({ customer: other })).data).toEqual([]);
  });

  it('of a subscription that ends before shows only what is pending', async () => {
    const { stripe } = await startSandbox();
    const { customer, subscription } = await createSubscription(stripe, 2);
    const ending = {
      subscription: subscription.id,
      subscription_details: { cancel_at_period_end: true },
    };
    expect((await refusalOf(stripe.invoices.createPreview(ending))).code).toBe('invoice_upcoming_none');
    await stripe.invoiceItems.create({ customer: customer.id, amount: 40, currency: 'usd' });
    expect(await stripe.invoices.createPreview(ending)).toMatchObject({ total: 40 });
    const now = await stripe.invoices.createPreview({
      subscription: subscription.id,
      subscription_details: { cancel_now: true, proration_date: subscription.start_date },
    });
    expect(now.lines.data).toMatchObject([{ amount: -1_000 }]);
  });

  it('is what invoice.upcoming is about, which has no id', async () => {
    const { control, stripe } = await startSandbox();
    const { subscription } = await createSubscription(stripe, 2);
    await control.setTimeOffset(25 * dayMs);
    const [event] = (await stripe.events.list({ type: 'invoice.upcoming' })).data;
    expect(event?.data.object).toMatchObject({
      billing_reason: 'upcoming',
      object: 'invoice',
      parent: { subscription_details: { subscription: subscription.id } },
      total: 1_000,
    });
    expect(event?.data.object).not.toHaveProperty('id');
  });
});
