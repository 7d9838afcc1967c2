import { describe, expect, it } from 'vitest';
import { onlyItem, type Stage, seconds, startStage } from './stage.ts';
import { expectOneRequest, expectOrder, expectSameTypes, line } from './story.ts';

/** Ten licences from 1 April, a month of 30 days; half of it is over. */
async function startHalfway(card?: string): Promise<Stage & { id: string; itemId: string }> {
  const stage = await startStage({ at: '2027-04-01T00:00:00Z', ...(card ? { card } : {}) });
  const subscription = await stage.subscribe();
  await stage.advance('2027-04-16T00:00:00Z');
  await stage.story();
  return { ...stage, id: subscription.id, itemId: onlyItem(subscription).id };
}

describe('A quantity is changed', () => {
  it('quantity up, create_prorations: credit and debit wait for the next cycle', async () => {
    const { advance, customer, id, invoice, itemId, story, stripe } = await startHalfway();
    const first = (await invoice(id)).id;
    await stripe.subscriptions.update(id, { items: [{ id: itemId, quantity: 16 }] });
    const told = await story();
    expect(told.types).toEqual(line('sub.updated, invoiceitem.created, invoiceitem.created'));
    expectOneRequest(told);
    expect(told.one('customer.subscription.updated').data).toMatchObject({
      object: { status: 'active', items: { data: [{ quantity: 16 }] }, latest_invoice: first },
      previous_attributes: { items: { data: [{ id: itemId, quantity: 10 }] } },
    });
    const items = told.of('invoiceitem.created').map(({ data }) => data.object);
    expect(items).toMatchObject([
      { amount: -2_500, proration: true, customer: customer.id, invoice: null },
      { amount: 4_000, proration: true, customer: customer.id, invoice: null },
    ]);

    await advance('2027-05-01T02:00:00Z');
    await story();
    const billed = await invoice(id);
    expect(billed).toMatchObject({ billing_reason: 'subscription_cycle', status: 'paid', total: 9_500 });
    expect(billed.lines.data.map(({ amount }) => amount).sort((a, b) => a - b)).toEqual([
      -2_500, 4_000, 8_000,
    ]);
    const prorations = billed.lines.data.filter(
      ({ parent }) => parent?.invoice_item_details?.proration || parent?.subscription_item_details?.proration,
    );
    expect(prorations.map(({ period }) => period)).toEqual(
      Array(2).fill({ start: seconds('2027-04-16T00:00:00Z'), end: seconds('2027-05-01T00:00:00Z') }),
    );
  });

  it('quantity up, always_invoice: billed and paid at once', async () => {
    const { id, invoice, itemId, story, stripe } = await startHalfway();
    const updated = await stripe.subscriptions.update(id, {
      items: [{ id: itemId, quantity: 16 }],
      proration_behavior: 'always_invoice',
    });
    expect(updated.status).toBe('active');
    const told = await story();
    expectSameTypes(
      told,
      line(`sub.updated, invoiceitem.created, invoiceitem.created, invoice.created, invoice.finalized,
        pi.created, pi.succeeded, charge.succeeded, invoice.paid, invoice.payment_succeeded,
        invoice_payment.paid`),
    );
    expectOrder(told, line('sub.updated, invoice.created, invoice.finalized, invoice.paid'));
    expectOneRequest(told);
    expect(told.one('customer.subscription.updated').data.previous_attributes).toMatchObject({
      items: { data: [{ quantity: 10 }] },
      latest_invoice: expect.stringMatching(/^in_/),
    });
    expect(await invoice(id)).toMatchObject({
      status: 'paid',
      billing_reason: 'subscription_update',
      total: 1_500,
      auto_advance: false,
      attempt_count: 1,
    });
  });

  it('quantity up, always_invoice, card fails: past_due, the quantity changes, and nothing is retried', async () => {
    const { advance, id, invoice, itemId, read, story, stripe } = await startHalfway(
      'pm_card_simulator_failsAfterFirst',
    );
    const updated = await stripe.subscriptions.update(id, {
      items: [{ id: itemId, quantity: 16 }],
      proration_behavior: 'always_invoice',
    });
    expect(updated).toMatchObject({ status: 'past_due', items: { data: [{ quantity: 16 }] } });
    const told = await story();
    expectSameTypes(
      told,
      line(`sub.updated, invoiceitem.created, invoiceitem.created, invoice.created, invoice.finalized,
        pi.created, charge.failed, pi.payment_failed, invoice.payment_failed, sub.updated`),
    );
    expect(told.path('subscription').at(-1)).toBe('past_due');
    expect(await invoice(id)).toMatchObject({
      status: 'open',
      billing_reason: 'subscription_update',
      auto_advance: false,
      attempt_count: 1,
      next_payment_attempt: null,
    });
    await advance('2027-04-30T00:00:00Z');
    expect((await story()).types.filter((type) => type !== 'invoice.upcoming')).toEqual([]);
    expect((await read(id)).status).toBe('past_due');
  });

  it('quantity up, none: only told', async () => {
    const { advance, id, invoice, itemId, story, stripe } = await startHalfway();
    await stripe.subscriptions.update(id, {
      items: [{ id: itemId, quantity: 16 }],
      proration_behavior: 'none',
    });
    expect((await story()).types).toEqual(line('sub.updated'));
    await advance('2027-05-01T02:00:00Z');
    await story();
    expect((await invoice(id)).total).toBe(8_000);
  });

  it('quantity down: a credit on the next invoice, no refund', async () => {
    const { advance, id, invoice, itemId, story, stripe } = await startHalfway();
    await stripe.subscriptions.update(id, { items: [{ id: itemId, quantity: 4 }] });
    const told = await story();
    expect(new Set(told.types)).toEqual(new Set(line('sub.updated, invoiceitem.created')));
    const amounts = told.of('invoiceitem.created').map(({ data }) => data.object.amount);
    expect(amounts.reduce((sum, amount) => sum + amount, 0)).toBe(-1_500);
    await advance('2027-05-01T02:00:00Z');
    await story();
    expect(await invoice(id)).toMatchObject({ total: 500, amount_paid: 500, status: 'paid' });
    expect((await stripe.refunds.list()).data).toEqual([]);
  });

  it('quantity down, always_invoice: the credit becomes the customer’s balance', async () => {
    const { advance, customer, id, invoice, itemId, story, stripe } = await startHalfway();
    await stripe.subscriptions.update(id, {
      items: [{ id: itemId, quantity: 4 }],
      proration_behavior: 'always_invoice',
    });
    const told = await story();
    expectSameTypes(
      told,
      line(`sub.updated, invoiceitem.created, invoiceitem.created, invoice.created, invoice.finalized,
        invoice.paid, invoice.payment_succeeded, customer.updated`),
    );
    expect(await invoice(id)).toMatchObject({
      billing_reason: 'subscription_update',
      status: 'paid',
      total: -1_500,
      amount_due: 0,
      amount_paid: 0,
      starting_balance: 0,
      ending_balance: -1_500,
    });
    expect(await stripe.customers.retrieve(customer.id)).toMatchObject({ balance: -1_500 });

    await advance('2027-05-01T02:00:00Z');
    await story();
    expect(await invoice(id)).toMatchObject({
      total: 2_000,
      starting_balance: -1_500,
      ending_balance: 0,
      amount_due: 500,
      amount_paid: 500,
    });
    expect(await stripe.customers.retrieve(customer.id)).toMatchObject({ balance: 0 });
  });
});
