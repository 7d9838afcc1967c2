import { describe, expect, it } from 'vitest';
import type { BillingSettings } from '../../../../sandbox/stripe/billing/billing-settings.ts';
import { type Stage, seconds, startStage } from './stage.ts';
import { expectOneRequest, expectOrder, expectSameTypes, expectStripesOwnDoing, line } from './story.ts';

/** A subscription whose invoices are sent, due two weeks later. */
async function startSent(settings: Partial<BillingSettings> = {}): Promise<Stage & { id: string }> {
  const stage = await startStage({ card: null });
  await stage.control.configureBilling({ sentInvoiceGraceSeconds: 10 * 86_400, ...settings });
  const { id } = await stage.subscribe({ collection_method: 'send_invoice', days_until_due: 14 });
  return { ...stage, id };
}

describe('Invoices are sent', () => {
  it('send_invoice: active at once, whatever the first invoice does', async () => {
    const { id, invoice, read, story } = await startSent();
    const told = await story();
    expectSameTypes(
      told,
      line('customer.updated, sub.created, invoice.created, invoice.finalized, invoice.sent, pi.created'),
    );
    expectOrder(told, line('invoice.created, invoice.finalized, invoice.sent'));
    expectOneRequest(told);
    expect((await read(id)).status).toBe('active');
    expect(await invoice(id)).toMatchObject({
      status: 'open',
      collection_method: 'send_invoice',
      due_date: seconds('2027-01-24T00:00:00Z'),
      next_payment_attempt: null,
      attempt_count: 0,
      hosted_invoice_url: expect.stringContaining('http'),
    });
  });

  it('send_invoice, paid in time outside Stripe: no payment_succeeded', async () => {
    const { advance, id, invoice, read, story, stripe } = await startSent();
    await story();
    await stripe.invoices.pay((await invoice(id)).id, { paid_out_of_band: true });
    const told = await story();
    expect(told.types).toContain('invoice.paid');
    expect(told.types).not.toContain('invoice.payment_succeeded');
    expect(await invoice(id)).toMatchObject({ status: 'paid', amount_paid: 5_000, amount_remaining: 0 });
    await advance('2027-02-01T00:00:00Z');
    expect((await story()).types).toEqual([]);
    expect((await read(id)).status).toBe('active');
  });

  it.each([
    ['cancel', 'canceled', 'customer.subscription.deleted'],
    ['unpaid', 'unpaid', 'customer.subscription.updated'],
  ] as const)(
    'send_invoice, not paid: past_due when due, and after a further deadline, set to %s, %s',
    async (subscriptionAtEnd, status, event) => {
      const { advance, id, invoice, read, story } = await startSent({ subscriptionAtEnd });
      await story();
      await advance('2027-01-25T00:00:00Z');
      const due = await story();
      expectSameTypes(due, line('invoice.will_be_due, invoice.overdue, sub.updated'));
      expectOrder(due, line('invoice.will_be_due, invoice.overdue'));
      expectStripesOwnDoing(due);
      expect(due.path('subscription')).toEqual(['past_due']);
      expect((await read(id)).status).toBe('past_due');

      await advance('2027-02-04T00:00:00Z');
      const ended = await story();
      expect(ended.types.filter((type) => type !== 'invoice.upcoming')).toEqual([event]);
      expect((await read(id)).status).toBe(status);
      expect((await invoice(id)).status).toBe('open');
    },
  );
});
