import { describe, expect, it } from 'vitest';
import { latestInvoice, onlyItem, seconds, startScenario } from './subscription-scenario.ts';

const hour = 3_600;
const day = 24 * hour;

const begun = ['customer.subscription.updated', 'invoice.created'];
const paid = [
  'invoice.updated',
  'invoice.finalized',
  'payment_intent.created',
  'charge.succeeded',
  'payment_intent.succeeded',
  'invoice.paid',
  'invoice.payment_succeeded',
  'invoice_payment.paid',
];

describe('a renewal', () => {
  it('begins the new period before it is paid, and bills it with a draft that waits for an hour', async () => {
    const { advance, events, read, subscribe, types } = await startScenario({ at: '2027-01-10T08:00:00Z' });
    const { id } = await subscribe();
    await types();
    await advance('2027-02-10T08:30:00Z');
    const written = await events();
    expect(written.map(({ type }) => type)).toEqual(['invoice.upcoming', ...begun]);
    expect(Object.keys(written[1]?.data.previous_attributes ?? {}).sort()).toEqual([
      'items',
      'latest_invoice',
    ]);
    const draft = await read(id);
    expect(draft.status).toBe('active');
    expect(onlyItem(draft)).toMatchObject({
      current_period_start: seconds('2027-02-10T08:00:00Z'),
      current_period_end: seconds('2027-03-10T08:00:00Z'),
    });
    expect(latestInvoice(draft)).toMatchObject({
      status: 'draft',
      billing_reason: 'subscription_cycle',
      created: seconds('2027-02-10T08:00:00Z'),
      automatically_finalizes_at: seconds('2027-02-10T09:00:00Z'),
    });
    await advance('2027-02-10T09:30:00Z');
    expect(await types()).toEqual(paid);
    expect(latestInvoice(await read(id))).toMatchObject({ status: 'paid', amount_paid: 5_000 });
  });

  it('is announced as long before as the settings say, or never', async () => {
    const { advance, control, events, subscribe, types } = await startScenario({
      at: '2027-01-10T08:00:00Z',
    });
    await control.configureBilling({ upcomingNoticeSeconds: 3 * day });
    await subscribe();
    await types();
    await advance('2027-02-07T07:59:59Z');
    expect(await types()).toEqual([]);
    await advance('2027-02-07T08:00:00Z');
    const [upcoming, ...others] = await events();
    expect(others).toEqual([]);
    expect(upcoming).toMatchObject({ type: 'invoice.upcoming', data: { object: { total: 5_000 } } });
    expect(upcoming?.data.object).not.toHaveProperty('id');
    await control.configureBilling({ upcomingNoticeSeconds: 0 });
    await advance('2027-02-10T12:00:00Z');
    await types();
    await advance('2027-03-10T08:00:00Z');
    expect(await types()).toEqual(begun);
  });

  it('stays anchored on the 31st through shorter months', async () => {
    const { advance, read, stripe, subscribe } = await startScenario({ at: '2027-01-31T10:00:00Z' });
    const { id } = await subscribe();
    const ends: string[] = [];
    const note = async (): Promise<void> => {
      const end = onlyItem(await stripe.subscriptions.retrieve(id)).current_period_end;
      ends.push(new Date(end * 1_000).toISOString());
    };
    await note();
    for (const at of ['2027-02-28T12:00:00Z', '2027-03-31T12:00:00Z', '2027-04-30T12:00:00Z']) {
      await advance(at);
      await note();
    }
    expect(ends).toEqual([
      '2027-02-28T10:00:00.000Z',
      '2027-03-31T10:00:00.000Z',
      '2027-04-30T10:00:00.000Z',
      '2027-05-31T10:00:00.000Z',
    ]);
    expect((await read(id)).billing_cycle_anchor).toBe(seconds('2027-01-31T10:00:00Z'));
  });

  it('bills each item of mixed intervals when its own period is over', async () => {
    const { advance, price, read, stripe, subscribe } = await startScenario({ at: '2027-01-10T00:00:00Z' });
    const weekly = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 100,
      recurring: { interval: 'week', interval_count: 3 },
      product_data: { name: 'Support' },
    });
    const { id } = await subscribe({ items: [{ price: price.id }, { price: weekly.id }] });
    await advance('2027-01-31T02:00:00Z');
    expect(latestInvoice(await read(id)).total).toBe(100);
    await advance('2027-02-10T02:00:00Z');
    expect(latestInvoice(await read(id)).total).toBe(500);
    const { items } = await read(id);
    expect(items.data.map((item) => item.current_period_end)).toEqual([
      seconds('2027-03-10T00:00:00Z'),
      seconds('2027-02-21T00:00:00Z'),
    ]);
  });

  it('happens by the account’s time to a customer without a test clock', async () => {
    const { control, customer, price, stripe } = await startScenario();
    const other = await stripe.customers.create({
      payment_method: 'pm_card_visa',
      invoice_settings: { default_payment_method: 'pm_card_visa' },
    });
    const { id } = await stripe.subscriptions.create({ customer: other.id, items: [{ price: price.id }] });
    // Two months from any day of the year: their first invoices are no drafts any more.
    await control.setTimeOffset(65 * day * 1_000);
    const invoices = await stripe.invoices.list({ subscription: id });
    expect(invoices.data.map(({ status }) => status)).toEqual(['paid', 'paid', 'paid']);
    expect((await stripe.invoices.list({ customer: customer.id })).data).toEqual([]);
  });
});

describe('while collection is paused, a renewal', () => {
  it.each([
    ['void', 'void', 'invoice.voided'],
    ['mark_uncollectible', 'uncollectible', 'invoice.marked_uncollectible'],
  ] as const)(
    'with %s has an invoice that is %s, and the status does not change',
    async (behavior, status, event) => {
      const { advance, events, read, stripe, subscribe, types } = await startScenario({
        at: '2027-01-10T00:00:00Z',
      });
      const { id } = await subscribe();
      await stripe.subscriptions.update(id, { pause_collection: { behavior } });
      await types();
      await advance('2027-02-10T02:00:00Z');
      const written = (await events()).map(({ type }) => type);
      expect(written.slice(0, 2)).toEqual(begun);
      expect(written).toContain(event);
      expect(written).not.toContain('customer.subscription.paused');
      expect(written.some((type) => type.startsWith('charge.'))).toBe(false);
      expect(await read(id)).toMatchObject({ status: 'active', latest_invoice: { status } });
    },
  );

  it('with keep_as_draft has a draft that stays one, until collection resumes by itself', async () => {
    const { advance, read, stripe, subscribe, types } = await startScenario({ at: '2027-01-10T00:00:00Z' });
    const { id } = await subscribe();
    const resumesAt = seconds('2027-03-01T00:00:00Z');
    await stripe.subscriptions.update(id, {
      pause_collection: { behavior: 'keep_as_draft', resumes_at: resumesAt },
    });
    await types();
    await advance('2027-02-28T00:00:00Z');
    expect(await types()).toEqual(begun);
    expect(latestInvoice(await read(id))).toMatchObject({ status: 'draft', auto_advance: false });
    await advance('2027-03-02T00:00:00Z');
    expect(await types()).toEqual(['customer.subscription.updated']);
    expect((await read(id)).pause_collection).toBeNull();
    await advance('2027-03-10T02:00:00Z');
    expect(latestInvoice(await read(id)).status).toBe('paid');
  });
});
