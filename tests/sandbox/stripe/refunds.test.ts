import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { eventsSince, newestEvent, refusalOf, startSandbox } from './simulator-fixture.ts';

const amount = 5_000;

async function paidIntent(
  stripe: Stripe,
  changes: Partial<Stripe.PaymentIntentCreateParams> = {},
): Promise<{ intent: Stripe.PaymentIntent; charge: string }> {
  const intent = await stripe.paymentIntents.create({
    amount,
    currency: 'usd',
    payment_method: 'pm_card_visa',
    confirm: true,
    ...changes,
  });
  return { intent, charge: String(intent.latest_charge) };
}

describe('a refund', () => {
  it('gives back all that is left, and writes its four events in their order', async () => {
    const { stripe } = await startSandbox();
    const { intent, charge } = await paidIntent(stripe);
    const mark = await newestEvent(stripe);
    const refund = await stripe.refunds.create({ payment_intent: intent.id, metadata: { case: '1' } });
    expect(refund).toMatchObject({
      amount,
      charge,
      currency: 'usd',
      metadata: { case: '1' },
      payment_intent: intent.id,
      status: 'succeeded',
    });
    expect(await stripe.charges.retrieve(charge)).toMatchObject({
      amount_refunded: amount,
      refunded: true,
      paid: true,
      status: 'succeeded',
    });
    expect(await stripe.paymentIntents.retrieve(intent.id)).toMatchObject({ status: 'succeeded' });
    const events = await eventsSince(stripe, mark);
    expect(events.map(({ type }) => type)).toEqual([
      'refund.created',
      'charge.refunded',
      'refund.updated',
      'charge.refund.updated',
    ]);
    expect(events[1]?.data.previous_attributes).toEqual({ amount_refunded: 0, refunded: false });
  });

  it('of a part adds up on the charge, which is refunded only when nothing is left', async () => {
    const { stripe } = await startSandbox();
    const { charge } = await paidIntent(stripe);
    const first = await stripe.refunds.create({ charge, amount: 1_500, reason: 'requested_by_customer' });
    expect(await stripe.charges.retrieve(charge)).toMatchObject({ amount_refunded: 1_500, refunded: false });
    const second = await stripe.refunds.create({ charge, amount: 3_500 });
    const charged = await stripe.charges.retrieve(charge, { expand: ['refunds'] });
    expect(charged).toMatchObject({ amount_refunded: amount, refunded: true });
    expect(charged.refunds?.data.map(({ id }) => id)).toEqual([second.id, first.id]);
    expect(first.reason).toBe('requested_by_customer');
  });

  it('is refused when it is more than is left, and when nothing is', async () => {
    const { stripe } = await startSandbox();
    const { charge } = await paidIntent(stripe);
    await stripe.refunds.create({ charge, amount: 4_000 });
    expect(await refusalOf(stripe.refunds.create({ charge, amount: 1_001 }))).toMatchObject({
      statusCode: 400,
      param: 'amount',
      message: 'Refund amount ($10.01) is greater than unrefunded amount on charge ($10.00)',
    });
    await stripe.refunds.create({ charge });
    expect(await refusalOf(stripe.refunds.create({ charge }))).toMatchObject({
      statusCode: 400,
      code: 'charge_already_refunded',
      message: `Charge ${charge} has already been refunded.`,
    });
  });

  it('is refused for what was never taken', async () => {
    const { stripe } = await startSandbox();
    const held = await paidIntent(stripe, { capture_method: 'manual' });
    const open = await stripe.paymentIntents.create({ amount, currency: 'usd' });
    for (const call of [
      stripe.refunds.create({ charge: held.charge }),
      stripe.refunds.create({ payment_intent: open.id }),
      stripe.refunds.create({ charge: 'ch_none' }),
      stripe.refunds.create({}),
    ]) {
      expect(await refusalOf(call)).toMatchObject({ statusCode: 400 });
    }
  });

  it('of a partial capture is bounded by what was captured', async () => {
    const { stripe } = await startSandbox();
    const { intent, charge } = await paidIntent(stripe, { capture_method: 'manual' });
    await stripe.paymentIntents.capture(intent.id, { amount_to_capture: 3_000 });
    expect(await refusalOf(stripe.refunds.create({ charge, amount: 3_001 }))).toMatchObject({
      param: 'amount',
    });
    expect(await stripe.refunds.create({ charge })).toMatchObject({ amount: 3_000 });
    expect(await stripe.charges.retrieve(charge)).toMatchObject({ refunded: true, amount_captured: 3_000 });
  });

  it('is listed by charge and by payment intent, and keeps metadata', async () => {
    const { stripe } = await startSandbox();
    const one = await paidIntent(stripe);
    const other = await paidIntent(stripe);
    const refund = await stripe.refunds.create({ charge: one.charge, amount: 100 });
    const elsewhere = await stripe.refunds.create({ charge: other.charge, amount: 100 });
    const byCharge = await stripe.refunds.list({ charge: one.charge });
    const byIntent = await stripe.refunds.list({ payment_intent: other.intent.id });
    expect(byCharge.data.map(({ id }) => id)).toEqual([refund.id]);
    expect(byIntent.data.map(({ id }) => id)).toEqual([elsewhere.id]);
    expect(await stripe.refunds.update(refund.id, { metadata: { a: '1' } })).toMatchObject({
      metadata: { a: '1' },
    });
    expect(await stripe.refunds.retrieve(refund.id, { expand: ['charge'] })).toMatchObject({
      metadata: { a: '1' },
      charge: { id: one.charge },
    });
    expect(await refusalOf(stripe.refunds.retrieve('re_none'))).toMatchObject({ statusCode: 404 });
  });
});
