import { describe, expect, it } from 'vitest';
import { refusalOf } from '../simulator-fixture.ts';
import { onlyItem, seconds, startStage } from './stage.ts';
import { expectOneRequest, expectOrder, expectSameTypes, expectStripesOwnDoing, line } from './story.ts';

const paid = line(`invoice.finalized, pi.created, pi.succeeded, charge.succeeded, invoice.paid,
  invoice.payment_succeeded, invoice_payment.paid`);

describe('A subscription is paused', () => {
  it.each([
    ['void', 'void', line('invoice.created, invoice.finalized, invoice.voided')],
    [
      'mark_uncollectible',
      'uncollectible',
      line('invoice.created, invoice.finalized, invoice.marked_uncollectible'),
    ],
    ['keep_as_draft', 'draft', line('invoice.created')],
  ] as const)('pause_collection, %s: later invoices are %s', async (behavior, status, types) => {
    const { advance, invoice, read, story, stripe, subscribe } = await startStage();
    const { id } = await subscribe();
    await story();
    await stripe.subscriptions.update(id, { pause_collection: { behavior } });
    const told = await story();
    expect(told.types).toEqual(['customer.subscription.updated']);
    expect(told.one('customer.subscription.updated').data).toMatchObject({
      object: { status: 'active', pause_collection: { behavior, resumes_at: null } },
      previous_attributes: { pause_collection: null },
    });
    await advance('2027-02-10T02:00:00Z');
    const cycle = await story();
    expectSameTypes(cycle, ['customer.subscription.updated', ...types]);
    expectOrder(cycle, types);
    expectStripesOwnDoing(cycle);
    expect((await read(id)).status).toBe('active');
    expect(await invoice(id)).toMatchObject({ status, auto_advance: false, attempt_count: 0 });
  });

  it('pause_collection: an earlier invoice is still retried', async () => {
    const { advance, invoice, read, story, stripe, subscribe } = await startStage({
      card: 'pm_card_simulator_failsAfterFirst',
    });
    const { id } = await subscribe();
    await advance('2027-02-10T02:00:00Z');
    await stripe.subscriptions.update(id, { pause_collection: { behavior: 'void' } });
    expect((await read(id)).status).toBe('past_due');
    await story();
    await advance('2027-02-13T02:00:00Z');
    expect((await story()).types).toEqual(
      line('charge.failed, pi.payment_failed, invoice.payment_failed, invoice.updated'),
    );
    expect((await invoice(id)).attempt_count).toBe(2);
  });

  it('pause endpoint: the period is cut, nothing is billed meanwhile, and it resumes with an invoice', async () => {
    const { advance, invoice, read, story, stripe, subscribe } = await startStage();
    const { id } = await subscribe();
    await advance('2027-01-20T00:00:00Z');
    await story();
    const paused = await stripe.subscriptions.pause(id, { type: 'subscription' });
    expect(paused).toMatchObject({
      status: 'paused',
      status_details: {
        paused: {
          type: 'subscription',
          transitioned_at: seconds('2027-01-20T00:00:00Z'),
          subscription: { type: 'pause_requested' },
        },
      },
    });
    expect(onlyItem(paused).current_period_end).toBe(seconds('2027-01-20T00:00:00Z'));
    const told = await story();
    // What is left of the period is given back with the next invoice: 21 of 31 days.
    expect(told.types).toEqual(line('sub.paused, sub.updated, invoiceitem.created'));
    expect(told.one('invoiceitem.created').data.object.amount).toBe(-3_387);
    expectOneRequest(told);
    expect(told.one('customer.subscription.updated').data.previous_attributes).toMatchObject({
      status: 'active',
      items: { data: [{ current_period_end: seconds('2027-02-10T00:00:00Z') }] },
    });
    await advance('2027-03-01T00:00:00Z');
    expect((await story()).types).toEqual([]);

    await stripe.subscriptions.resume(id, { payment_behavior: 'resume_on_payment_success' });
    const resumed = await story();
    expectSameTypes(resumed, [...line('sub.resumed, sub.updated, invoice.created'), ...paid]);
    expectOrder(resumed, line('sub.resumed, sub.updated, invoice.created, invoice.finalized, invoice.paid'));
    const running = await read(id);
    expect(running.status).toBe('active');
    expect(running).not.toHaveProperty('status_details');
    expect(onlyItem(running).current_period_start).toBe(seconds('2027-03-01T00:00:00Z'));
    expect(await invoice(id)).toMatchObject({ status: 'paid', amount_paid: 5_000 - 3_387 });
  });

  it('pause endpoint: resumed without payment in the request, it waits for its invoice', async () => {
    const { invoice, story, stripe, subscribe } = await startStage();
    const { id } = await subscribe();
    await stripe.subscriptions.pause(id, { bill_for: { unused_time_from: { type: 'none' } } });
    await story();
    expect((await stripe.subscriptions.resume(id)).status).toBe('paused');
    const waiting = await story();
    expect(waiting.types).toEqual(line('sub.updated, invoice.created, invoice.finalized, pi.created'));
    await stripe.invoices.pay((await invoice(id)).id);
    const told = await story();
    expect(told.path('subscription')).toEqual(['active']);
    expectOrder(told, line('sub.resumed, sub.updated'));
  });

  it.each([
    ['classic billing', { billing_mode: { type: 'classic' } } as const],
    ['send_invoice', { collection_method: 'send_invoice', days_until_due: 7 } as const],
    ['a trial', { trial_period_days: 14 } as const],
  ])('pause endpoint: refused with %s', async (_reason, parameters) => {
    const { story, stripe, subscribe } = await startStage();
    const { id } = await subscribe(parameters);
    await story();
    expect(await refusalOf(stripe.subscriptions.pause(id, { type: 'subscription' }))).toMatchObject({
      statusCode: 400,
    });
    expect((await story()).types).toEqual([]);
  });
});
