import { describe, expect, it } from 'vitest';
import { refusalOf } from '../simulator-fixture.ts';
import { onlyItem, seconds, startStage } from './stage.ts';
import { expectOneRequest, expectOrder, expectSameTypes, expectStripesOwnDoing, line } from './story.ts';

const periodEnd = '2027-02-10T00:00:00Z';

describe('A subscription ends', () => {
  it('cancel at period end: told now, and deleted at the end', async () => {
    const { advance, invoice, read, story, stripe, subscribe } = await startStage();
    const { id } = await subscribe();
    await advance('2027-01-20T00:00:00Z');
    await story();
    await stripe.subscriptions.update(id, { cancel_at_period_end: true });
    const asked = await story();
    expect(asked.types).toEqual(['customer.subscription.updated']);
    expectOneRequest(asked);
    expect(asked.one('customer.subscription.updated').data).toMatchObject({
      object: {
        status: 'active',
        cancel_at_period_end: true,
        cancel_at: seconds(periodEnd),
        canceled_at: seconds('2027-01-20T00:00:00Z'),
        ended_at: null,
        cancellation_details: { reason: 'cancellation_requested' },
      },
      previous_attributes: {
        cancel_at_period_end: false,
        cancel_at: null,
        canceled_at: null,
        cancellation_details: { reason: null },
      },
    });

    await advance('2027-02-11T00:00:00Z');
    const ended = await story();
    expect(ended.types).toEqual(['customer.subscription.deleted']);
    expectStripesOwnDoing(ended);
    expect(await read(id)).toMatchObject({
      status: 'canceled',
      canceled_at: seconds('2027-01-20T00:00:00Z'),
      ended_at: seconds(periodEnd),
    });
    expect((await invoice(id)).billing_reason).toBe('subscription_create');
  });

  it('cancel at period end, undone by another update', async () => {
    const { advance, read, story, stripe, subscribe } = await startStage();
    const { id } = await subscribe();
    await stripe.subscriptions.update(id, { cancel_at_period_end: true });
    await story();
    await stripe.subscriptions.update(id, { cancel_at_period_end: false });
    const undone = await story();
    expect(undone.types).toEqual(['customer.subscription.updated']);
    expect(undone.one('customer.subscription.updated').data).toMatchObject({
      object: { cancel_at_period_end: false, cancel_at: null, canceled_at: null },
      previous_attributes: { cancel_at_period_end: true },
    });
    await advance('2027-02-11T00:00:00Z');
    expect((await read(id)).status).toBe('active');
  });

  it('cancel at period end in the portal: only cancel_at is set', async () => {
    const { advance, control, customer, read, story, stripe, subscribe } = await startStage();
    const { id } = await subscribe();
    await stripe.billingPortal.configurations.create({
      features: { subscription_cancel: { enabled: true, mode: 'at_period_end' } },
    });
    await story();
    const session = await stripe.billingPortal.sessions.create({ customer: customer.id });
    await control.cancelInPortal(session.id, { subscription: id });
    const told = await story();
    expect(told.types).toEqual(line('billing_portal.session.created, sub.updated'));
    expect(told.events.map(({ request }) => request?.id === null)).toEqual([false, true]);
    expect(await read(id)).toMatchObject({
      status: 'active',
      cancel_at_period_end: false,
      cancel_at: seconds(periodEnd),
    });
    await advance('2027-02-11T00:00:00Z');
    expect((await story()).types).toEqual(['customer.subscription.deleted']);
    expect((await read(id)).ended_at).toBe(seconds(periodEnd));
  });

  it('cancel now: sub.deleted only', async () => {
    const { read, story, stripe, subscribe } = await startStage();
    const { id } = await subscribe();
    await story();
    expect((await stripe.subscriptions.cancel(id)).status).toBe('canceled');
    const told = await story();
    expect(told.types).toEqual(['customer.subscription.deleted']);
    expectOneRequest(told);
    expect(await read(id)).toMatchObject({
      status: 'canceled',
      ended_at: seconds('2027-01-10T00:00:00Z'),
      cancellation_details: { reason: 'cancellation_requested' },
    });
    expect(await refusalOf(stripe.subscriptions.cancel(id))).toMatchObject({
      statusCode: 404,
      code: 'resource_missing',
      param: 'id',
    });
    expect(await refusalOf(stripe.subscriptions.update(id, { cancel_at_period_end: true }))).toMatchObject({
      statusCode: 400,
      message: expect.stringContaining(
        'A canceled subscription can only update its cancellation_details and metadata',
      ),
    });
  });

  it('cancel now with invoice_now and prorate: what was not used is credited on a last invoice', async () => {
    const { advance, customer, invoice, story, stripe, subscribe } = await startStage({
      at: '2027-04-01T00:00:00Z',
    });
    const { id } = await subscribe();
    await advance('2027-04-16T00:00:00Z');
    await story();
    await stripe.subscriptions.cancel(id, { invoice_now: true, prorate: true });
    const told = await story();
    expectSameTypes(
      told,
      line(`sub.deleted, invoiceitem.created, invoice.created, invoice.finalized, invoice.paid,
        invoice.payment_succeeded, customer.updated`),
    );
    expect(await invoice(id)).toMatchObject({
      status: 'paid',
      total: -2_500,
      amount_due: 0,
      billing_reason: 'subscription_update',
    });
    expect(await stripe.customers.retrieve(customer.id)).toMatchObject({ balance: -2_500 });
  });

  it('cancel now: pending prorations are dropped', async () => {
    const { advance, customer, story, stripe, subscribe } = await startStage();
    const subscription = await subscribe();
    await advance('2027-01-20T00:00:00Z');
    await stripe.subscriptions.update(subscription.id, {
      items: [{ id: onlyItem(subscription).id, quantity: 16 }],
    });
    expect((await stripe.invoiceItems.list({ customer: customer.id, pending: true })).data).toHaveLength(2);
    await story();
    await stripe.subscriptions.cancel(subscription.id);
    expectOrder(await story(), line('sub.deleted'));
    expect((await stripe.invoiceItems.list({ customer: customer.id, pending: true })).data).toEqual([]);
  });

  it('cancel now: collection stops for all finalized invoices of the customer', async () => {
    const { advance, control, customer, invoice, story, stripe, subscribe } = await startStage();
    const unpaid = await subscribe();
    const canceled = await subscribe();
    await control.setPaymentFate({
      customer: customer.id,
      payments: 'every',
      outcome: { kind: 'decline', decline_code: 'insufficient_funds' },
    });
    await advance('2027-02-10T02:00:00Z');
    expect(await invoice(unpaid.id)).toMatchObject({ status: 'open', auto_advance: true });
    await story();
    await stripe.subscriptions.cancel(canceled.id);
    const told = await story();
    expectSameTypes(told, line('sub.deleted, invoice.updated, invoice.updated'));
    for (const { id } of [unpaid, canceled]) {
      expect(await invoice(id)).toMatchObject({
        status: 'open',
        auto_advance: false,
        next_payment_attempt: null,
      });
    }
    await advance('2027-03-01T00:00:00Z');
    expect((await story()).types.filter((type) => type !== 'invoice.upcoming')).toEqual([]);
  });

  it('customer deleted: each live subscription is canceled', async () => {
    const { clock, customer, story, stripe, subscribe } = await startStage();
    const subscriptions = [await subscribe(), await subscribe(), await subscribe()];
    const [, , ended] = subscriptions;
    await stripe.subscriptions.cancel(String(ended?.id));
    await story();
    expect(await stripe.customers.del(customer.id)).toEqual({
      id: customer.id,
      object: 'customer',
      deleted: true,
    });
    const told = await story();
    expectOneRequest(told);
    expect(told.types.filter((type) => /^customer\.(deleted|subscription)/.test(type))).toEqual(
      line('customer.deleted, sub.deleted, sub.deleted'),
    );
    expect(told.one('customer.deleted').data.object).toMatchObject({ id: customer.id, object: 'customer' });
    expect(told.one('customer.deleted').data.object).not.toHaveProperty('deleted');
    for (const { id } of subscriptions) {
      expect((await stripe.subscriptions.retrieve(id)).status).toBe('canceled');
    }
    expect(await stripe.customers.retrieve(customer.id)).toEqual({
      id: customer.id,
      object: 'customer',
      deleted: true,
    });
    expect(await refusalOf(stripe.customers.update(customer.id, { name: 'x' }))).toMatchObject({
      code: 'resource_missing',
    });
    const canceled = await stripe.subscriptions.list({ status: 'canceled', test_clock: clock });
    expect(canceled.data.map(({ id }) => id).sort()).toEqual(subscriptions.map(({ id }) => id).sort());
  });
});
