import { describe, expect, it } from 'vitest';
import { onlyItem, type Stage, seconds, startStage } from './stage.ts';
import { expectOneRequest, expectSameTypes, expectStripesOwnDoing, line } from './story.ts';

/** Ten licences that are to become 16, for which the card does not pay. */
async function startPending(at = '2027-01-20T00:00:00Z'): Promise<Stage & { id: string }> {
  const stage = await startStage({ card: 'pm_card_simulator_failsAfterFirst' });
  const subscription = await stage.subscribe();
  await stage.advance(at);
  await stage.story();
  await stage.stripe.subscriptions.update(subscription.id, {
    items: [{ id: onlyItem(subscription).id, quantity: 16 }],
    payment_behavior: 'pending_if_incomplete',
    proration_behavior: 'always_invoice',
  });
  return { ...stage, id: subscription.id };
}

describe('An update that waits for its payment', () => {
  it('update with pending_if_incomplete: the quantity stays old, the status unchanged', async () => {
    const { id, invoice, read, story } = await startPending();
    const told = await story();
    expectOneRequest(told);
    expectSameTypes(
      told,
      line(`sub.updated, invoiceitem.created, invoiceitem.created, invoice.created, invoice.finalized,
        pi.created, charge.failed, pi.payment_failed, invoice.payment_failed`),
    );
    expect(told.path('subscription')).toEqual(['active']);
    expect(told.of('customer.subscription.updated').at(-1)?.data).toMatchObject({
      object: { pending_update: { subscription_items: [{ quantity: 16 }] } },
      previous_attributes: { pending_update: null },
    });
    const pending = await read(id);
    expect(onlyItem(pending).quantity).toBe(10);
    expect(pending.pending_update?.expires_at).toBe(seconds('2027-01-20T23:00:00Z'));
    expect(await invoice(id)).toMatchObject({
      status: 'open',
      billing_reason: 'subscription_update',
      auto_advance: false,
      next_payment_attempt: null,
    });
  });

  it('update with pending_if_incomplete, then paid: applied', async () => {
    const { id, invoice, read, story, stripe } = await startPending();
    await story();
    const card = await stripe.paymentMethods.attach('pm_card_visa', {
      customer: String((await read(id)).customer),
    });
    await stripe.invoices.pay((await invoice(id)).id, { payment_method: card.id });
    const told = await story();
    expectSameTypes(
      told,
      line(`payment_method.attached, pi.succeeded, charge.succeeded, invoice.paid, invoice.payment_succeeded,
        sub.updated, sub.pending_update_applied, invoice_payment.paid`),
    );
    const applied = await read(id);
    expect(applied).toMatchObject({ status: 'active', pending_update: null });
    expect(onlyItem(applied).quantity).toBe(16);
    expect(told.of('customer.subscription.updated').at(-1)?.data.previous_attributes).toMatchObject({
      items: { data: [{ quantity: 10 }] },
    });
  });

  it.each([
    ['23 hours later', '2027-01-20T00:00:00Z', '2027-01-21T00:00:00Z'],
    ['with the period', '2027-02-09T20:00:00Z', '2027-02-10T00:30:00Z'],
  ])(
    'update with pending_if_incomplete, never paid: expires %s, its invoice is voided',
    async (_when, at, to) => {
      const { advance, id, read, story, stripe } = await startPending(at);
      const { latest_invoice: unpaid } = await read(id);
      await story();
      await advance(to);
      const told = await story();
      expectStripesOwnDoing(told);
      expect(told.types).toEqual(
        expect.arrayContaining(line('sub.pending_update_expired, invoice.voided, pi.canceled')),
      );
      const expired = await read(id);
      expect(expired).toMatchObject({ status: 'active', pending_update: null });
      expect(onlyItem(expired).quantity).toBe(10);
      if (unpaid === null || typeof unpaid === 'string') throw new Error('no invoice');
      expect((await stripe.invoices.retrieve(unpaid.id)).status).toBe('void');
    },
  );
});
