import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { refusalOf } from './simulator-fixture.ts';
import { latestInvoice, onlyItem, type Scenario, seconds, startScenario } from './subscription-scenario.ts';

const hour = 3_600;
const start = '2027-04-01T00:00:00Z';
const middle = '2027-04-16T00:00:00Z';

/** A subscription of 10 in the middle of its period, whose card will not pay again. */
async function startInTheMiddle(
  parameters: Partial<Stripe.SubscriptionCreateParams> = {},
  options: { advanceTo?: string; card?: string } = {},
): Promise<Scenario & { id: string; item: string }> {
  const card = options.card ?? 'pm_card_simulator_failsAfterFirst';
  const scenario = await startScenario({ at: start, card });
  const subscription = await scenario.subscribe(parameters);
  await scenario.advance(options.advanceTo ?? middle);
  await scenario.types();
  return { ...scenario, id: subscription.id, item: onlyItem(subscription).id };
}

const change = (item: string): Stripe.SubscriptionUpdateParams => ({
  items: [{ id: item, quantity: 20 }],
  proration_behavior: 'always_invoice',
  payment_behavior: 'pending_if_incomplete',
});

describe('an update with pending_if_incomplete', () => {
  it('whose payment succeeds is made at once', async () => {
    const { stripe, id, item, types } = await startInTheMiddle({}, { card: 'pm_card_visa' });
    const updated = await stripe.subscriptions.update(id, change(item));
    expect(updated).toMatchObject({ pending_update: null, items: { data: [{ quantity: 20 }] } });
    const written = await types();
    expect(written[0]).toBe('customer.subscription.updated');
    expect(written).toContain('invoice.paid');
    expect(written.filter((type) => type.startsWith('customer.subscription.'))).toHaveLength(1);
  });

  it('whose payment fails leaves everything as it was, and waits', async () => {
    const { stripe, id, item, types, read } = await startInTheMiddle();
    const updated = await stripe.subscriptions.update(id, change(item));
    expect(updated).toMatchObject({
      status: 'active',
      items: { data: [{ quantity: 10 }] },
      pending_update: {
        expires_at: seconds(middle) + 23 * hour,
        subscription_items: [{ id: item, quantity: 20 }],
        billing_cycle_anchor: null,
        metadata: null,
      },
    });
    expect(await types()).toEqual([
      'customer.subscription.updated',
      'invoiceitem.created',
      'invoiceitem.created',
      'charge.failed',
      'payment_intent.payment_failed',
      'payment_intent.created',
      'invoice.created',
      'invoice.finalized',
      'invoice.payment_failed',
    ]);
    expect(latestInvoice(await read(id))).toMatchObject({ status: 'open', total: 2_500 });
  });

  it('is applied when its invoice is paid', async () => {
    const { stripe, control, customer, id, item, types, read } = await startInTheMiddle();
    const { latest_invoice } = await stripe.subscriptions.update(id, change(item));
    await types();
    await control.setPaymentFate({ customer: customer.id, payments: 'next', outcome: { kind: 'succeed' } });
    await stripe.invoices.pay(String(latest_invoice));
    expect(await types()).toEqual([
      'charge.succeeded',
      'payment_intent.succeeded',
      'invoice.paid',
      'invoice.payment_succeeded',
      'customer.subscription.pending_update_applied',
      'customer.subscription.updated',
      'invoice_payment.paid',
    ]);
    expect(await read(id)).toMatchObject({ pending_update: null, items: { data: [{ quantity: 20 }] } });
  });

  it('expires after 23 hours, with its invoice voided', async () => {
    const { stripe, advance, id, item, types, read } = await startInTheMiddle();
    await stripe.subscriptions.update(id, change(item));
    await types();
    await advance(seconds(middle) + 24 * hour);
    expect(await types()).toEqual([
      'customer.subscription.pending_update_expired',
      'customer.subscription.updated',
      'payment_intent.canceled',
      'invoice.voided',
    ]);
    expect(await read(id)).toMatchObject({
      status: 'active',
      pending_update: null,
      items: { data: [{ quantity: 10 }] },
      latest_invoice: { status: 'void' },
    });
  });

  it('expires with the period, before the next one begins', async () => {
    const advanceTo = '2027-04-30T18:00:00Z';
    const { stripe, advance, id, item, types } = await startInTheMiddle({}, { advanceTo });
    const updated = await stripe.subscriptions.update(id, change(item));
    expect(updated.pending_update?.expires_at).toBe(seconds('2027-05-01T00:00:00Z'));
    await types();
    await advance('2027-05-01T00:30:00Z');
    expect(await types()).toEqual([
      'customer.subscription.pending_update_expired',
      'customer.subscription.updated',
      'payment_intent.canceled',
      'invoice.voided',
      'customer.subscription.updated',
      'invoice.created',
    ]);
  });

  it('is dropped when its invoice is voided, and when the subscription ends', async () => {
    const { stripe, id, item, read } = await startInTheMiddle();
    const { latest_invoice } = await stripe.subscriptions.update(id, change(item));
    await stripe.invoices.voidInvoice(String(latest_invoice));
    expect((await read(id)).pending_update).toBeNull();
    await stripe.subscriptions.update(id, change(item));
    await stripe.subscriptions.cancel(id);
    expect(await read(id)).toMatchObject({
      status: 'canceled',
      pending_update: null,
      latest_invoice: { status: 'void' },
    });
  });

  it('that costs nothing is made at once', async () => {
    const { stripe, id, item, types } = await startInTheMiddle();
    const updated = await stripe.subscriptions.update(id, {
      items: [{ id: item, quantity: 5 }],
      payment_behavior: 'pending_if_incomplete',
      proration_behavior: 'none',
    });
    expect(updated).toMatchObject({ pending_update: null, items: { data: [{ quantity: 5 }] } });
    expect(await types()).toEqual(['customer.subscription.updated']);
  });

  it('takes only what it can make wait', async () => {
    const { stripe, id } = await startInTheMiddle();
    const update = stripe.subscriptions.update(id, {
      description: 'x',
      payment_behavior: 'pending_if_incomplete',
    });
    expect(await refusalOf(update)).toMatchObject({
      statusCode: 400,
      param: 'description',
      message: expect.stringContaining('you can only pass supported params. `description` is not supported.'),
    });
  });
});
