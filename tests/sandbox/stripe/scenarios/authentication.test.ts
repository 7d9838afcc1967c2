import { describe, expect, it } from 'vitest';
import { type Stage, startStage } from './stage.ts';
import { expectOrder, expectSameTypes, expectStripesOwnDoing, line } from './story.ts';

const paid = line(`charge.succeeded, pi.succeeded, invoice.paid, invoice.payment_succeeded,
  invoice_payment.paid, sub.updated`);
const asked = line('pi.requires_action, invoice.payment_action_required, invoice.payment_failed');

async function paymentOf({ invoice }: Stage, id: string): Promise<string> {
  return String((await invoice(id)).payments?.data[0]?.payment.payment_intent);
}

describe('The bank wants the customer to authenticate', () => {
  it('3DS at the first payment: incomplete, and active after authentication', async () => {
    const stage = await startStage({ card: 'pm_card_authenticationRequired' });
    const { control, invoice, story, stripe, subscribe } = stage;
    const subscription = await subscribe();
    expect(subscription.status).toBe('incomplete');
    const told = await story();
    expectSameTypes(told, [
      ...line('customer.updated, sub.created, pi.created, invoice.created, invoice.finalized'),
      ...asked,
    ]);
    expectOrder(told, asked);
    expect(await invoice(subscription.id)).toMatchObject({
      status: 'open',
      attempted: true,
      next_payment_attempt: null,
    });
    const payment = await paymentOf(stage, subscription.id);
    expect(await stripe.paymentIntents.retrieve(payment)).toMatchObject({
      status: 'requires_action',
      next_action: expect.anything(),
    });

    await control.authenticatePayment(payment, { succeeds: true });
    const authenticated = await story();
    expectSameTypes(authenticated, paid);
    expectStripesOwnDoing(authenticated);
    expect(authenticated.path('subscription')).toEqual(['active']);
  });

  it('3DS at the first payment, not passed: incomplete, waiting for another card', async () => {
    const stage = await startStage({ card: 'pm_card_authenticationRequired' });
    const { control, read, story, stripe, subscribe } = stage;
    const { id } = await subscribe();
    await story();
    const payment = await paymentOf(stage, id);
    await control.authenticatePayment(payment, { succeeds: false });
    const told = await story();
    expectOrder(told, line('pi.payment_failed, invoice.payment_failed'));
    expect(await stripe.paymentIntents.retrieve(payment)).toMatchObject({
      status: 'requires_payment_method',
      last_payment_error: { code: 'payment_intent_authentication_failure' },
    });
    expect((await read(id)).status).toBe('incomplete');
  });

  it('3DS at a renewal: past_due, and active after authentication', async () => {
    const stage = await startStage();
    const { advance, control, customer, read, story, subscribe } = stage;
    const { id } = await subscribe();
    await control.setPaymentFate({
      customer: customer.id,
      payments: 'next',
      outcome: { kind: 'require_authentication' },
    });
    await advance('2027-02-10T00:30:00Z');
    await story();
    await advance('2027-02-10T02:00:00Z');
    const told = await story();
    expectSameTypes(told, [
      ...line('invoice.updated, invoice.finalized, pi.created'),
      ...asked,
      ...line('invoice.updated, sub.updated'),
    ]);
    expectOrder(told, [...asked, 'customer.subscription.updated']);
    expect((await read(id)).status).toBe('past_due');

    await control.authenticatePayment(await paymentOf(stage, id), { succeeds: true });
    const authenticated = await story();
    expectSameTypes(authenticated, paid);
    expect((await read(id)).status).toBe('active');
  });
});
