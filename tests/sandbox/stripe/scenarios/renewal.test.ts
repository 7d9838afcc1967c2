import { describe, expect, it } from 'vitest';
import { onlyItem, type Stage, seconds, startStage } from './stage.ts';
import { expectOrder, expectSameTypes, expectStripesOwnDoing, line } from './story.ts';

const failsLater = 'pm_card_simulator_failsAfterFirst';
const attemptFails = line(`charge.failed, pi.payment_failed, invoice.payment_failed, invoice.updated`);
const day = 86_400;

/** A subscription of 10 January whose renewal of 10 February, 00:00, has just failed at 01:00. */
async function startUnpaid(): Promise<Stage & { id: string }> {
  const stage = await startStage({ card: failsLater });
  const { id } = await stage.subscribe();
  await stage.advance('2027-02-10T02:00:00Z');
  await stage.story();
  return { ...stage, id };
}

describe('A renewal', () => {
  it('renewal, success: the new period starts before it is paid', async () => {
    const { advance, invoice, read, story, subscribe } = await startStage();
    const { id } = await subscribe();
    await story();

    await advance('2027-02-04T00:00:00Z');
    const upcoming = await story();
    expect(upcoming.types).toEqual(['invoice.upcoming']);
    expect(upcoming.one('invoice.upcoming').data.object).toMatchObject({
      billing_reason: 'upcoming',
      amount_due: 5_000,
    });
    expect(upcoming.one('invoice.upcoming').data.object).not.toHaveProperty('id');

    await advance('2027-02-10T00:30:00Z');
    const begun = await story();
    expect(begun.types).toEqual(line('sub.updated, invoice.created'));
    expectStripesOwnDoing(begun);
    const updated = begun.one('customer.subscription.updated').data;
    expect(updated.previous_attributes).toMatchObject({
      items: { data: [{ current_period_end: seconds('2027-02-10T00:00:00Z') }] },
      latest_invoice: expect.stringMatching(/^in_/),
    });
    expect(updated.previous_attributes).not.toHaveProperty('status');
    expect(onlyItem(await read(id))).toMatchObject({
      current_period_start: seconds('2027-02-10T00:00:00Z'),
      current_period_end: seconds('2027-03-10T00:00:00Z'),
    });
    expect(await invoice(id)).toMatchObject({
      status: 'draft',
      billing_reason: 'subscription_cycle',
      auto_advance: true,
      attempt_count: 0,
      number: null,
      automatically_finalizes_at: seconds('2027-02-10T01:00:00Z'),
      period_start: seconds('2027-01-10T00:00:00Z'),
      period_end: seconds('2027-02-10T00:00:00Z'),
      lines: {
        data: [{ period: { start: seconds('2027-02-10T00:00:00Z'), end: seconds('2027-03-10T00:00:00Z') } }],
      },
    });

    await advance('2027-02-10T01:30:00Z');
    const paid = await story();
    expectSameTypes(
      paid,
      line(`invoice.updated, invoice.finalized, pi.created, pi.succeeded, charge.succeeded, invoice.paid,
        invoice.payment_succeeded, invoice_payment.paid`),
    );
    expectOrder(
      paid,
      line(
        'invoice.updated, invoice.finalized, invoice.paid, invoice.payment_succeeded, invoice_payment.paid',
      ),
    );
    expectStripesOwnDoing(paid);
    expect(paid.path('invoice').slice(-2)).toEqual(['open', 'paid']);
    expect(await invoice(id)).toMatchObject({
      status: 'paid',
      attempt_count: 1,
      next_payment_attempt: null,
      amount_paid: 5_000,
      status_transitions: { paid_at: expect.any(Number) },
    });
  });

  it('renewal, failure: past_due, with the time of the next attempt', async () => {
    const { advance, invoice, story, subscribe } = await startStage({ card: failsLater });
    const { id } = await subscribe();
    await advance('2027-02-10T00:30:00Z');
    await story();
    await advance('2027-02-10T02:00:00Z');
    const told = await story();
    expectSameTypes(told, [
      ...line('invoice.updated, invoice.finalized, pi.created'),
      ...attemptFails,
      'customer.subscription.updated',
    ]);
    expectOrder(
      told,
      line('invoice.finalized, charge.failed, pi.payment_failed, invoice.payment_failed, sub.updated'),
    );
    expect(told.types.slice(-2)).toEqual(line('invoice.updated, sub.updated'));
    expectStripesOwnDoing(told);
    expect(told.one('invoice.payment_failed').data.object).toMatchObject({
      attempt_count: 1,
      attempted: true,
    });
    expect(told.one('customer.subscription.updated').data).toMatchObject({
      object: { status: 'past_due' },
      previous_attributes: { status: 'active' },
    });
    const next = told.of('invoice.updated').at(-1)?.data;
    expect(next?.object.next_payment_attempt).toBe(seconds('2027-02-10T01:00:00Z') + 3 * day);
    expect(next?.previous_attributes).toHaveProperty('next_payment_attempt');
    expect(await invoice(id)).toMatchObject({
      status: 'open',
      attempt_count: 1,
      auto_advance: true,
      billing_reason: 'subscription_cycle',
    });
  });

  it('renewal, failure, with Billing automations: the next attempt is told a moment later', async () => {
    const { advance, control, story, subscribe } = await startStage({ card: failsLater });
    await control.configureBilling({ tellsNextAttemptLater: true });
    await subscribe();
    await advance('2027-02-10T00:30:00Z');
    await story();
    await advance('2027-02-10T02:00:00Z');
    const told = await story();
    expect(told.one('invoice.payment_failed').data.object.next_payment_attempt).toBeNull();
    expect(told.of('invoice.updated').at(-1)?.data).toMatchObject({
      object: { next_payment_attempt: seconds('2027-02-13T01:00:00Z') },
      previous_attributes: { next_payment_attempt: null },
    });
  });

  it('each retry: counts, and tells when the next one is', async () => {
    const { advance, id, invoice, read, story } = await startUnpaid();
    const attempts: [string, number, string][] = [
      ['2027-02-13T02:00:00Z', 2, '2027-02-18T01:00:00Z'],
      ['2027-02-18T02:00:00Z', 3, '2027-02-24T01:00:00Z'],
    ];
    for (const [to, attempt_count, next] of attempts) {
      await advance(to);
      const told = await story();
      expect(told.types).toEqual(attemptFails);
      expectStripesOwnDoing(told);
      expect(told.one('invoice.payment_failed').data.object).toMatchObject({ attempt_count });
      expect(await invoice(id)).toMatchObject({ attempt_count, next_payment_attempt: seconds(next) });
      expect((await read(id)).status).toBe('past_due');
    }
  });

  it('each retry after a hard decline is skipped: the counter moves, and there is no charge', async () => {
    const { advance, control, customer, invoice, story, stripe, subscribe } = await startStage();
    const { id } = await subscribe();
    await control.setPaymentFate({
      customer: customer.id,
      payments: 'next',
      outcome: { kind: 'decline', decline_code: 'stolen_card' },
    });
    await advance('2027-02-10T02:00:00Z');
    await story();
    await advance('2027-02-13T02:00:00Z');
    const told = await story();
    expect(told.types).toEqual(['invoice.updated']);
    expect(await invoice(id)).toMatchObject({
      status: 'open',
      attempt_count: 2,
      next_payment_attempt: seconds('2027-02-18T01:00:00Z'),
    });

    const card = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
    await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: card.id } });
    await story();
    await advance('2027-02-18T02:00:00Z');
    expectSameTypes(
      await story(),
      line(`pi.succeeded, charge.succeeded, invoice.paid, invoice.payment_succeeded, sub.updated,
        invoice_payment.paid`),
    );
    expect(await invoice(id)).toMatchObject({ status: 'paid', attempt_count: 3 });
  });

  it('card updated, then paid: attaching retries nothing, paying makes it active', async () => {
    const { customer, id, invoice, story, stripe } = await startUnpaid();
    const card = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
    await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: card.id } });
    const attached = await story();
    expect(attached.types).toEqual(line('payment_method.attached, customer.updated'));
    expect(attached.one('customer.updated').data.previous_attributes).toEqual({
      invoice_settings: { default_payment_method: customer.invoice_settings.default_payment_method },
    });
    expect((await invoice(id)).status).toBe('open');

    await stripe.invoices.pay((await invoice(id)).id);
    const paid = await story();
    expectSameTypes(
      paid,
      line(`pi.succeeded, charge.succeeded, invoice.paid, invoice.payment_succeeded, sub.updated,
        invoice_payment.paid`),
    );
    expectOrder(paid, line('invoice.paid, invoice.payment_succeeded, sub.updated'));
    expect(paid.one('customer.subscription.updated').data).toMatchObject({
      object: { status: 'active' },
      previous_attributes: { status: 'past_due' },
    });
    expect(await invoice(id)).toMatchObject({
      status: 'paid',
      attempt_count: 1,
      next_payment_attempt: null,
      amount_remaining: 0,
    });
  });
});
