import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import {
  createSubscription,
  eventsSince,
  newestEvent,
  runningFrom,
  startReceiver,
  startSandbox,
} from './simulator-fixture.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** Has 31 days. */
const DECEMBER = '2026-12-01T00:00:00Z';

async function renewalOf(stripe: Stripe, subscription: string): Promise<Stripe.Invoice | undefined> {
  const { data } = await stripe.invoices.list({ subscription });
  return data.find(({ billing_reason: reason }) => reason === 'subscription_cycle');
}

describe("a renewal's invoice", () => {
  it('is a draft for an hour, then it is finalized and paid', async () => {
    const { control, stripe } = await startSandbox();
    const { subscription } = await createSubscription(stripe, 2);
    const end = subscription.items.data[0]?.current_period_end ?? 0;
    const mark = await newestEvent(stripe);
    const until = (seconds: number): number => (end + seconds) * 1_000 - Date.now();
    await control.setTimeOffset(until(60));
    const draft = await renewalOf(stripe, subscription.id);
    expect(draft).toMatchObject({
      status: 'draft',
      created: end,
      automatically_finalizes_at: end + 3_600,
      auto_advance: true,
      lines: { data: [{ amount: 1_000, period: { start: end } }] },
      period_start: subscription.start_date,
      period_end: end,
    });
    await control.setTimeOffset(until(3_660));
    expect(await renewalOf(stripe, subscription.id)).toMatchObject({
      status: 'paid',
      automatically_finalizes_at: null,
      status_transitions: { finalized_at: end + 3_600, paid_at: end + 3_600 },
    });
    const types = (await eventsSince(stripe, mark)).map(({ type }) => type);
    expect(types.filter((type) => type !== 'invoice.upcoming')).toEqual([
      'customer.subscription.updated',
      'invoice.created',
      'invoice.updated',
      'invoice.finalized',
      'payment_intent.created',
      'charge.succeeded',
      'payment_intent.succeeded',
      'invoice.paid',
      'invoice.payment_succeeded',
      'invoice_payment.paid',
    ]);
  });

  it('waits while an endpoint has not acknowledged its creation, and is told when it has', async () => {
    const { control, stripe } = await startSandbox({
      now: runningFrom(DECEMBER),
      deliveries: { attemptsMax: 1 },
    });
    const receiver = await startReceiver();
    await stripe.webhookEndpoints.create({ url: receiver.url, enabled_events: ['invoice.created'] });
    const { subscription } = await createSubscription(stripe, 1);
    await control.waitUntilIdle();
    receiver.answerNext(500);
    await control.setTimeOffset(31 * dayMs + 8 * hourMs);
    await control.waitUntilIdle();
    const held = await renewalOf(stripe, subscription.id);
    expect(held).toMatchObject({ status: 'draft', webhooks_delivered_at: null });
    expect(held?.automatically_finalizes_at).toBeGreaterThan((held?.created ?? 0) + 3_600);
    const [created] = (await stripe.events.list({ type: 'invoice.created' })).data;
    expect(created?.pending_webhooks).toBe(1);
    await control.deliver({ eventIds: [created?.id ?? ''] });
    const mark = await newestEvent(stripe);
    await control.setTimeOffset(31 * dayMs + 10 * hourMs);
    const paid = await renewalOf(stripe, subscription.id);
    expect(paid?.status).toBe('paid');
    expect(paid?.webhooks_delivered_at).toBe(paid?.status_transitions.finalized_at);
    const [updated, finalized] = await eventsSince(stripe, mark);
    expect(updated).toMatchObject({
      type: 'invoice.updated',
      data: { previous_attributes: { webhooks_delivered_at: null } },
    });
    expect(finalized?.type).toBe('invoice.finalized');
  });

  it('waits no longer than the settings allow', async () => {
    const { control, stripe } = await startSandbox({
      now: runningFrom(DECEMBER),
      deliveries: { attemptsMax: 1 },
    });
    const receiver = await startReceiver();
    await stripe.webhookEndpoints.create({ url: receiver.url, enabled_events: ['invoice.created'] });
    const { subscription } = await createSubscription(stripe, 1);
    await control.waitUntilIdle();
    receiver.answerNext(500);
    await control.setTimeOffset(36 * dayMs);
    const paid = await renewalOf(stripe, subscription.id);
    expect(paid).toMatchObject({ status: 'paid', webhooks_delivered_at: null });
    const waited = (paid?.status_transitions.finalized_at ?? 0) - (paid?.created ?? 0);
    expect(waited).toBe(72 * 3_600);
  });

  it.each([
    ['keep_as_draft', 'draft', ['invoice.created']],
    ['void', 'void', ['invoice.created', 'invoice.finalized', 'invoice.voided']],
    [
      'mark_uncollectible',
      'uncollectible',
      ['invoice.created', 'invoice.finalized', 'invoice.marked_uncollectible'],
    ],
  ] as const)(
    'while collection is paused with %s ends as %s, and nobody is charged',
    async (behavior, status, types) => {
      const { control, stripe } = await startSandbox({ now: runningFrom(DECEMBER) });
      const { subscription } = await createSubscription(stripe, 1);
      await stripe.subscriptions.update(subscription.id, { pause_collection: { behavior } });
      const mark = await newestEvent(stripe);
      await control.setTimeOffset(33 * dayMs);
      const renewal = await renewalOf(stripe, subscription.id);
      expect(renewal).toMatchObject({ status, auto_advance: false, attempt_count: 0 });
      if (behavior === 'mark_uncollectible') {
        expect(renewal?.status_details?.uncollectible?.reason).toBe('subscription_paused');
      }
      const events = await eventsSince(stripe, mark);
      expect(events.map(({ type }) => type).filter((type) => type.startsWith('invoice.'))).toEqual(types);
      expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('active');
    },
  );

  it('copies the metadata of its subscription when it is finalized', async () => {
    const { control, stripe } = await startSandbox();
    const { subscription } = await createSubscription(stripe, 1);
    await stripe.subscriptions.update(subscription.id, { metadata: { tenant: 'one' } });
    const end = subscription.items.data[0]?.current_period_end ?? 0;
    await control.setTimeOffset((end + 60) * 1_000 - Date.now());
    await stripe.subscriptions.update(subscription.id, { metadata: { tenant: 'two' } });
    await control.setTimeOffset((end + 7_200) * 1_000 - Date.now());
    await stripe.subscriptions.update(subscription.id, { metadata: { tenant: 'three' } });
    expect((await renewalOf(stripe, subscription.id))?.parent?.subscription_details?.metadata).toEqual({
      tenant: 'two',
    });
  });
});
