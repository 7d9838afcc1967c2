import { describe, expect, it } from 'vitest';
import { type Stage, startStage } from './stage.ts';
import { expectOneRequest, expectSameTypes, line } from './story.ts';

/** Renewals of February and March that were not paid; their retries come later. */
async function startTwiceUnpaid(): Promise<Stage & { id: string; february: string; march: string }> {
  const stage = await startStage({ card: 'pm_card_simulator_failsAfterFirst' });
  await stage.control.configureBilling({ retryAfterSeconds: [40 * 86_400] });
  const { id } = await stage.subscribe();
  await stage.advance('2027-02-10T02:00:00Z');
  const february = (await stage.invoice(id)).id;
  await stage.advance('2027-03-10T02:00:00Z');
  const march = (await stage.invoice(id)).id;
  await stage.story();
  return { ...stage, id, february, march };
}

describe('An invoice is voided or written off', () => {
  it('invoice voided: the latest, then the one before it decides', async () => {
    const { february, id, march, read, story, stripe } = await startTwiceUnpaid();
    await stripe.invoices.voidInvoice(march);
    const first = await story();
    expectSameTypes(first, line('invoice.voided, pi.canceled'));
    expectOneRequest(first);
    expect(first.one('payment_intent.canceled').data.object.cancellation_reason).toBe('void_invoice');
    expect((await read(id)).status).toBe('past_due');

    await stripe.invoices.voidInvoice(february);
    const second = await story();
    expectSameTypes(second, line('invoice.voided, pi.canceled, sub.updated'));
    expect(second.one('customer.subscription.updated').data).toMatchObject({
      object: { status: 'active' },
      previous_attributes: { status: 'past_due' },
    });
    expect(await stripe.invoices.retrieve(february)).toMatchObject({
      status: 'void',
      status_transitions: { voided_at: expect.any(Number) },
      next_payment_attempt: null,
      auto_advance: false,
    });
  });

  it('invoice uncollectible: the latest written off makes it active, the older one stays open', async () => {
    const { february, id, march, read, story, stripe } = await startTwiceUnpaid();
    await stripe.invoices.markUncollectible(march);
    const told = await story();
    expectSameTypes(told, line('invoice.marked_uncollectible, sub.updated'));
    expect((await read(id)).status).toBe('active');
    expect((await stripe.invoices.retrieve(february)).status).toBe('open');
    expect(await stripe.invoices.retrieve(march)).toMatchObject({
      status: 'uncollectible',
      status_details: { uncollectible: { reason: 'user_forgiven' } },
      status_transitions: { marked_uncollectible_at: expect.any(Number) },
    });
  });

  it('an older invoice paid changes nothing: the most recent one decides', async () => {
    const { customer, february, id, march, read, story, stripe } = await startTwiceUnpaid();
    const card = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
    await story();
    await stripe.invoices.pay(february, { payment_method: card.id });
    const told = await story();
    expect(told.types).not.toContain('customer.subscription.updated');
    expect((await read(id)).status).toBe('past_due');
    await stripe.invoices.pay(march, { payment_method: card.id });
    expect((await story()).path('subscription')).toEqual(['active']);
  });

  it('active with an older invoice open: the latest paid makes it active', async () => {
    const { customer, february, id, march, read, stripe } = await startTwiceUnpaid();
    const card = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
    await stripe.invoices.pay(march, { payment_method: card.id });
    expect((await read(id)).status).toBe('active');
    expect((await stripe.invoices.retrieve(february)).status).toBe('open');
  });

  it('voiding the first invoice of an incomplete subscription expires it', async () => {
    const { invoice, read, story, stripe, subscribe } = await startStage({
      card: 'pm_card_chargeCustomerFail',
    });
    const { id } = await subscribe();
    await story();
    await stripe.invoices.voidInvoice((await invoice(id)).id);
    const told = await story();
    expectSameTypes(told, line('invoice.voided, pi.canceled, sub.updated'));
    expect(told.path('subscription')).toEqual(['incomplete_expired']);
    expect((await read(id)).status).toBe('incomplete_expired');
  });
});
