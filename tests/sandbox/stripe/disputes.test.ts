import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { eventsSince, newestEvent, refusalOf, startSandbox } from './simulator-fixture.ts';

async function paid(stripe: Stripe, card: string): Promise<Stripe.PaymentIntent> {
  return stripe.paymentIntents.create({
    amount: 3_000,
    currency: 'usd',
    payment_method: card,
    confirm: true,
  });
}

async function typesSince(stripe: Stripe, mark: string | undefined): Promise<string[]> {
  return (await eventsSince(stripe, mark)).map(({ type }) => type);
}

describe('a dispute', () => {
  it('follows at once when the card is one that disputes', async () => {
    const { stripe } = await startSandbox();
    const mark = await newestEvent(stripe);
    const intent = await paid(stripe, 'pm_card_createDispute');
    const [dispute] = (await stripe.disputes.list({ payment_intent: intent.id })).data;
    expect(dispute).toMatchObject({
      amount: 3_000,
      charge: intent.latest_charge,
      is_charge_refundable: false,
      reason: 'fraudulent',
      status: 'needs_response',
    });
    const charge = String(intent.latest_charge);
    expect(await stripe.charges.retrieve(charge)).toMatchObject({ disputed: true, paid: true });
    expect(await refusalOf(stripe.refunds.create({ charge }))).toMatchObject({ code: 'charge_disputed' });
    expect(await typesSince(stripe, mark)).toEqual([
      'payment_intent.created',
      'charge.succeeded',
      'charge.dispute.created',
      'charge.dispute.funds_withdrawn',
      'payment_intent.succeeded',
    ]);
  });

  it.each([
    [true, 'won', ['charge.dispute.closed', 'charge.dispute.funds_reinstated']],
    [false, 'lost', ['charge.dispute.closed']],
  ])('is opened and decided by the control API; won: %s', async (won, status, types) => {
    const { stripe, control } = await startSandbox();
    const intent = await paid(stripe, 'pm_card_visa');
    const charge = String(intent.latest_charge);
    const { id } = await control.openDispute(charge, { reason: 'product_not_received' });
    const mark = await newestEvent(stripe);
    const answered = await stripe.disputes.update(id, {
      evidence: { customer_name: 'A. Payer', uncategorized_text: 'It was delivered.' },
      metadata: { case: '1' },
    });
    expect(answered).toMatchObject({
      evidence: { customer_name: 'A. Payer' },
      evidence_details: { has_evidence: true, submission_count: 1 },
      metadata: { case: '1' },
      status: 'under_review',
    });
    await control.closeDispute(id, { won });
    expect(await stripe.disputes.retrieve(id)).toMatchObject({ status, is_charge_refundable: won });
    expect(await typesSince(stripe, mark)).toEqual(['charge.dispute.updated', ...types]);
    expect(await refusalOf(stripe.disputes.update(id, { metadata: {} }))).toMatchObject({ statusCode: 400 });
  });

  it.each([
    ['winning_evidence', 'won'],
    ['losing_evidence', 'lost'],
  ])('is decided by the test evidence %s', async (evidence, status) => {
    const { stripe } = await startSandbox();
    const intent = await paid(stripe, 'pm_card_createDispute');
    const [dispute] = (await stripe.disputes.list({ charge: String(intent.latest_charge) })).data;
    const id = dispute?.id ?? '';
    const staged = await stripe.disputes.update(id, { evidence: { customer_name: 'A' }, submit: false });
    expect(staged.status).toBe('needs_response');
    expect(await stripe.disputes.update(id, { evidence: { uncategorized_text: evidence } })).toMatchObject({
      status,
    });
  });

  it('is lost when the merchant closes it', async () => {
    const { stripe } = await startSandbox();
    const intent = await paid(stripe, 'pm_card_createDisputeProductNotReceived');
    const [dispute] = (await stripe.disputes.list()).data;
    expect(dispute?.payment_intent).toBe(intent.id);
    expect(await stripe.disputes.close(dispute?.id ?? '')).toMatchObject({ status: 'lost' });
    expect(await refusalOf(stripe.disputes.retrieve('du_none'))).toMatchObject({ statusCode: 404 });
  });
});
