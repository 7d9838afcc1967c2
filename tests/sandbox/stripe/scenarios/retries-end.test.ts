import { describe, expect, it } from 'vitest';
import type { BillingSettings } from '../../../../sandbox/stripe/billing/billing-settings.ts';
import { type Stage, seconds, startStage } from './stage.ts';
import { expectOrder, expectSameTypes, expectStripesOwnDoing, line } from './story.ts';

const attemptFails = line('charge.failed, pi.payment_failed, invoice.payment_failed');
const paid = line(`pi.succeeded, charge.succeeded, invoice.paid, invoice.payment_succeeded,
  invoice_payment.paid`);
const lastAttempt = '2027-02-13T01:00:00Z';

/** A renewal that has failed on 10 February at 01:00; its only retry is three days later. */
async function startUnpaid(settings: Partial<BillingSettings>): Promise<Stage & { id: string }> {
  const stage = await startStage({ card: 'pm_card_simulator_failsAfterFirst' });
  await stage.control.configureBilling({ retryAfterSeconds: [3 * 86_400], ...settings });
  const { id } = await stage.subscribe();
  await stage.advance('2027-02-10T02:00:00Z');
  await stage.story();
  return { ...stage, id };
}

/** From now on the customer has a card that pays. */
async function giveCard({ customer, stripe }: Stage): Promise<void> {
  const card = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
  await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: card.id } });
}

describe('Retries used up', () => {
  it('retries used up, "cancel": canceled, and the invoice stays open', async () => {
    const { advance, id, invoice, read, story } = await startUnpaid({ subscriptionAtEnd: 'cancel' });
    await advance('2027-02-13T02:00:00Z');
    const told = await story();
    // The invoice: its collection has stopped; and the attempt, without a next one.
    expectSameTypes(told, [...attemptFails, ...line('invoice.updated, invoice.updated, sub.deleted')]);
    expectOrder(told, [...attemptFails, 'customer.subscription.deleted']);
    expectStripesOwnDoing(told);
    expect(told.one('invoice.payment_failed').data.object.next_payment_attempt).toBeNull();
    expect(told.one('customer.subscription.deleted').data.object).toMatchObject({
      status: 'canceled',
      cancellation_details: { reason: 'payment_failed' },
      ended_at: seconds(lastAttempt),
    });
    expect((await read(id)).status).toBe('canceled');
    expect(await invoice(id)).toMatchObject({
      status: 'open',
      attempt_count: 2,
      next_payment_attempt: null,
      auto_advance: false,
    });
    await advance('2027-04-01T00:00:00Z');
    expect((await story()).types).toEqual([]);
  });

  it('retries used up, "cancel", with the invoice set to uncollectible', async () => {
    const { advance, id, invoice, read, story } = await startUnpaid({
      subscriptionAtEnd: 'cancel',
      invoiceAtEnd: 'uncollectible',
    });
    await advance('2027-02-13T02:00:00Z');
    const told = await story();
    expectOrder(told, line('invoice.payment_failed, sub.deleted, invoice.marked_uncollectible'));
    expect((await read(id)).status).toBe('canceled');
    expect(await invoice(id)).toMatchObject({
      status: 'uncollectible',
      status_details: { uncollectible: { reason: 'max_payment_attempts' } },
    });
  });

  it('retries used up, "mark unpaid": later invoices stay drafts, nothing is collected', async () => {
    const { advance, id, invoice, read, story } = await startUnpaid({ subscriptionAtEnd: 'unpaid' });
    await advance('2027-02-13T02:00:00Z');
    const told = await story();
    expectSameTypes(told, [...attemptFails, ...line('invoice.updated, sub.updated')]);
    expect(told.one('customer.subscription.updated').data).toMatchObject({
      object: { status: 'unpaid' },
      previous_attributes: { status: 'past_due' },
    });
    await advance('2027-03-20T00:00:00Z');
    const cycle = await story();
    expect(cycle.types).toEqual(line('sub.updated, invoice.created'));
    expect(cycle.path('subscription')).toEqual(['unpaid']);
    expect(await invoice(id)).toMatchObject({
      status: 'draft',
      auto_advance: false,
      attempt_count: 0,
      automatically_finalizes_at: null,
    });
    expect((await read(id)).status).toBe('unpaid');
  });

  it('unpaid → paid: the latest invoice makes it active; older drafts are finalized and paid by hand', async () => {
    const stage = await startUnpaid({ subscriptionAtEnd: 'unpaid' });
    const { advance, id, invoice, read, story, stripe } = stage;
    const unpaid = await invoice(id);
    await advance('2027-03-20T00:00:00Z');
    await giveCard(stage);
    await story();
    await stripe.invoices.pay(unpaid.id);
    expectSameTypes(await story(), paid);
    expect((await read(id)).status).toBe('unpaid');

    const draft = await invoice(id);
    await stripe.invoices.update(draft.id, { auto_advance: true });
    await stripe.invoices.finalizeInvoice(draft.id);
    await story();
    if ((await invoice(id)).status === 'open') await stripe.invoices.pay(draft.id);
    expect(await invoice(id)).toMatchObject({ status: 'paid', billing_reason: 'subscription_cycle' });
    expect((await read(id)).status).toBe('active');
  });

  it('unpaid → paid before the next cycle: active, told as after a new card', async () => {
    const stage = await startUnpaid({ subscriptionAtEnd: 'unpaid' });
    const { advance, id, invoice, story, stripe } = stage;
    await advance('2027-02-13T02:00:00Z');
    await giveCard(stage);
    await story();
    await stripe.invoices.pay((await invoice(id)).id);
    const told = await story();
    expectSameTypes(told, [...paid, 'customer.subscription.updated']);
    expect(told.one('customer.subscription.updated').data).toMatchObject({
      object: { status: 'active' },
      previous_attributes: { status: 'unpaid' },
    });
  });

  it('retries used up, "leave past due": no further sub event, later invoices are collected', async () => {
    const { advance, id, invoice, read, story } = await startUnpaid({ subscriptionAtEnd: 'past_due' });
    await advance('2027-02-13T02:00:00Z');
    const told = await story();
    expectSameTypes(told, [...attemptFails, 'invoice.updated']);
    expect(await invoice(id)).toMatchObject({ status: 'open', next_payment_attempt: null });

    await advance('2027-03-10T02:00:00Z');
    const cycle = await story();
    expect(cycle.path('subscription')).toEqual(['past_due']);
    expectSameTypes(cycle, [
      ...line(
        'invoice.upcoming, sub.updated, invoice.created, invoice.updated, invoice.finalized, pi.created',
      ),
      ...attemptFails,
      'invoice.updated',
    ]);
    expect(await invoice(id)).toMatchObject({
      status: 'open',
      attempt_count: 1,
      next_payment_attempt: seconds('2027-03-13T01:00:00Z'),
    });
    expect((await read(id)).status).toBe('past_due');
  });

  it('retries used up, "pause": paused, and resumed when it is paid', async () => {
    const stage = await startUnpaid({ subscriptionAtEnd: 'pause' });
    const { advance, id, invoice, read, story, stripe } = stage;
    await advance('2027-02-13T02:00:00Z');
    const told = await story();
    expectSameTypes(told, [...attemptFails, ...line('invoice.updated, sub.paused, sub.updated')]);
    expectStripesOwnDoing(told);
    expect(told.one('customer.subscription.updated').data.previous_attributes).toMatchObject({
      status: 'past_due',
    });
    expect(await read(id)).toMatchObject({
      status: 'paused',
      status_details: {
        paused: {
          type: 'subscription',
          transitioned_at: seconds(lastAttempt),
          subscription: { type: 'final_payment_failure' },
        },
      },
    });
    await giveCard(stage);
    await story();
    await stripe.invoices.pay((await invoice(id)).id);
    const recovered = await story();
    expectSameTypes(recovered, [...paid, ...line('sub.resumed, sub.updated')]);
    expect(recovered.path('subscription').at(-1)).toBe('active');
    expect((await read(id)).status).toBe('active');
  });

  it('pause after the first failure: paused instead of past due', async () => {
    const stage = await startStage({ card: 'pm_card_simulator_failsAfterFirst' });
    await stage.control.configureBilling({ pausesAtFirstFailure: true });
    const { id } = await stage.subscribe();
    await stage.advance('2027-02-10T00:30:00Z');
    await stage.story();
    await stage.advance('2027-02-10T02:00:00Z');
    const told = await stage.story();
    expectSameTypes(told, [
      ...line('invoice.updated, invoice.finalized, pi.created'),
      ...attemptFails,
      ...line('invoice.updated, sub.paused, sub.updated'),
    ]);
    expect(told.path('subscription')).toEqual(['paused']);
    expect(await stage.read(id)).toMatchObject({
      status: 'paused',
      status_details: { paused: { subscription: { type: 'first_payment_failure' } } },
    });
  });
});
