import { describe, expect, it } from 'vitest';
import { onlyItem, seconds, startStage } from './stage.ts';
import { expectOneRequest, expectOrder, expectSameTypes, expectStripesOwnDoing, line } from './story.ts';

const trialEnd = '2027-01-24T00:00:00Z';
const begun = line(`customer.updated, sub.created, invoice.created, invoice.finalized, invoice.paid,
  invoice.payment_succeeded`);

describe('A trial', () => {
  it('trial: a free invoice, a notice 3 days before its end, then the first payment', async () => {
    const { advance, invoice, read, story, subscribe } = await startStage();
    const subscription = await subscribe({ trial_period_days: 14 });
    const { id } = subscription;
    const made = await story();
    expectSameTypes(made, begun);
    expectOrder(made, line('sub.created, invoice.paid'));
    expectOneRequest(made);
    expect(subscription).toMatchObject({
      status: 'trialing',
      trial_start: seconds('2027-01-10T00:00:00Z'),
      trial_end: seconds(trialEnd),
      billing_cycle_anchor: seconds(trialEnd),
    });
    expect(onlyItem(subscription).current_period_end).toBe(seconds(trialEnd));
    expect(await invoice(id)).toMatchObject({
      status: 'paid',
      total: 0,
      billing_reason: 'subscription_create',
      attempt_count: 0,
      payments: { data: [] },
    });

    await advance('2027-01-20T23:00:00Z');
    expect((await story()).types.filter((type) => type !== 'invoice.upcoming')).toEqual([]);
    await advance('2027-01-21T01:00:00Z');
    const notice = await story();
    expect(notice.types).toEqual(['customer.subscription.trial_will_end']);
    expectStripesOwnDoing(notice);

    await advance('2027-01-24T00:30:00Z');
    const ended = await story();
    expect(ended.types).toEqual(line('sub.updated, invoice.created'));
    expect(ended.one('customer.subscription.updated').data).toMatchObject({
      object: { status: 'active' },
      previous_attributes: { status: 'trialing', items: { data: [expect.anything()] } },
    });
    expect(await invoice(id)).toMatchObject({
      status: 'draft',
      billing_reason: 'subscription_cycle',
      total: 5_000,
      automatically_finalizes_at: seconds('2027-01-24T01:00:00Z'),
    });
    await advance('2027-01-24T02:00:00Z');
    const paid = await story();
    expectOrder(paid, line('invoice.updated, invoice.finalized, invoice.paid'));
    expect((await invoice(id)).status).toBe('paid');
    expect(onlyItem(await read(id)).current_period_end).toBe(seconds('2027-02-24T00:00:00Z'));
  });

  it('trial shorter than 3 days: the notice comes at once', async () => {
    const { story, subscribe } = await startStage();
    await subscribe({ trial_period_days: 2 });
    const told = await story();
    expectSameTypes(told, [...begun, 'customer.subscription.trial_will_end']);
    expectOrder(told, line('sub.created, sub.trial_will_end'));
  });

  it.each([
    ['cancel', 'canceled', line('sub.deleted')],
    ['pause', 'paused', line('sub.paused, sub.updated')],
  ] as const)('trial, missing card, set to %s: %s', async (missing_payment_method, status, types) => {
    const { advance, read, story, subscribe } = await startStage({ card: null });
    const { id } = await subscribe({
      trial_period_days: 14,
      trial_settings: { end_behavior: { missing_payment_method } },
    });
    await advance('2027-01-23T00:00:00Z');
    await story();
    await advance('2027-01-25T00:00:00Z');
    const told = await story();
    expect(told.types).toEqual(types);
    expectStripesOwnDoing(told);
    const ended = await read(id);
    expect(ended.status).toBe(status);
    if (status === 'paused') {
      expect(ended.status_details?.paused?.subscription?.type).toBe('trial_end_without_payment_method');
    }
  });

  it('trial, missing card, set to create_invoice: past_due', async () => {
    const { advance, invoice, read, story, subscribe } = await startStage({ card: null });
    const { id } = await subscribe({ trial_period_days: 14 });
    await advance('2027-01-23T00:00:00Z');
    await story();
    await advance('2027-01-25T00:00:00Z');
    const told = await story();
    expect(told.path('subscription')).toEqual(['active', 'past_due']);
    expectSameTypes(
      told,
      line(`sub.updated, invoice.created, invoice.updated, invoice.finalized, pi.created,
        invoice.payment_failed, invoice.updated, sub.updated`),
    );
    expect((await read(id)).status).toBe('past_due');
    expect(await invoice(id)).toMatchObject({ status: 'open', billing_reason: 'subscription_cycle' });
  });
});
