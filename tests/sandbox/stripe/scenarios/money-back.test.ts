import { describe, expect, it } from 'vitest';
import { type Stage, startStage } from './stage.ts';
import { expectOneRequest, expectStripesOwnDoing, line } from './story.ts';

/** A subscription that is paid, and its charge. */
async function startPaid(card = 'pm_card_visa'): Promise<Stage & { id: string; charge: string }> {
  const stage = await startStage({ card });
  const { id } = await stage.subscribe();
  const paid = await stage.story();
  return { ...stage, id, charge: paid.one('charge.succeeded').data.object.id };
}

describe('Money goes back', () => {
  it('refund: the invoice stays paid, the subscription is untouched', async () => {
    const { charge, id, invoice, read, story, stripe } = await startPaid();
    const refund = await stripe.refunds.create({ charge });
    expect(refund.status).toBe('succeeded');
    const told = await story();
    expect(told.types).toEqual(
      line('refund.created, charge.refunded, refund.updated, charge.refund.updated'),
    );
    expectOneRequest(told);
    expect(told.one('charge.refunded').data.object).toMatchObject({
      refunded: true,
      amount_refunded: 5_000,
    });
    expect(await invoice(id)).toMatchObject({ status: 'paid', amount_paid: 5_000 });
    expect((await read(id)).status).toBe('active');
  });

  it('refund of a part: refunded stays false, amounts add up', async () => {
    const { charge, story, stripe } = await startPaid();
    await stripe.refunds.create({ charge, amount: 1_000 });
    await stripe.refunds.create({ charge, amount: 500 });
    const amounts = (await story()).of('charge.refunded').map(({ data }) => data.object);
    expect(amounts).toMatchObject([
      { refunded: false, amount_refunded: 1_000 },
      { refunded: false, amount_refunded: 1_500 },
    ]);
    await stripe.refunds.create({ charge });
    expect(await stripe.charges.retrieve(charge)).toMatchObject({ refunded: true, amount_refunded: 5_000 });
  });

  it.each([
    [true, 'won', line('charge.dispute.closed, charge.dispute.funds_reinstated')],
    [false, 'lost', line('charge.dispute.closed')],
  ] as const)('dispute (won: %s): %s, and the subscription is untouched', async (won, status, types) => {
    const { charge, control, id, invoice, read, story, stripe } = await startPaid();
    const dispute = await control.openDispute(charge, { reason: 'fraudulent' });
    const opened = await story();
    expect(opened.types).toEqual(line('charge.dispute.created, charge.dispute.funds_withdrawn'));
    expectStripesOwnDoing(opened);
    expect(await stripe.charges.retrieve(charge)).toMatchObject({ disputed: true, status: 'succeeded' });
    expect(await stripe.disputes.retrieve(dispute.id)).toMatchObject({ status: 'needs_response', charge });

    await stripe.disputes.update(dispute.id, { evidence: { customer_name: 'Ada' } });
    const answered = await story();
    expect(answered.types).toEqual(['charge.dispute.updated']);
    expect(answered.one('charge.dispute.updated').data.object.status).toBe('under_review');

    await control.closeDispute(dispute.id, { won });
    const closed = await story();
    expect(closed.types).toEqual(types);
    expect((await stripe.disputes.retrieve(dispute.id)).status).toBe(status);
    expect((await invoice(id)).status).toBe('paid');
    expect((await read(id)).status).toBe('active');
  });
});
