import { describe, expect, it } from 'vitest';
import { createCustomer, createLicensePrice, startSandbox } from './simulator-fixture.ts';
import { seconds, startScenario } from './subscription-scenario.ts';

describe('the list of subscriptions', () => {
  it('shows those on a test clock only where the clock or the customer is named', async () => {
    const { clock, customer, price, stripe, subscribe } = await startScenario();
    const { id } = await subscribe();
    const other = await createCustomer(stripe);
    const real = await stripe.subscriptions.create({ customer: other.id, items: [{ price: price.id }] });
    const ids = async (parameters: object): Promise<string[]> =>
      (await stripe.subscriptions.list(parameters)).data.map((one) => one.id);
    expect(await ids({})).toEqual([real.id]);
    expect(await ids({ status: 'all' })).toEqual([real.id]);
    expect(await ids({ test_clock: clock })).toEqual([id]);
    expect(await ids({ customer: customer.id })).toEqual([id]);
    expect(await ids({ customer: other.id, test_clock: clock })).toEqual([]);
  });

  it('is filtered by status, also of those that have ended', async () => {
    const { customer, stripe, subscribe } = await startScenario();
    const active = await subscribe();
    const trial = await subscribe({ trial_period_days: 5 });
    const canceled = await subscribe();
    await stripe.subscriptions.cancel(canceled.id);
    const ids = async (status?: 'active' | 'all' | 'canceled' | 'ended' | 'trialing'): Promise<string[]> => {
      const page = await stripe.subscriptions.list({ customer: customer.id, ...(status ? { status } : {}) });
      return page.data.map((one) => one.id);
    };
    expect(await ids()).toEqual([trial.id, active.id]);
    expect(await ids('active')).toEqual([active.id]);
    expect(await ids('trialing')).toEqual([trial.id]);
    expect(await ids('canceled')).toEqual([canceled.id]);
    expect(await ids('ended')).toEqual([canceled.id]);
    expect(await ids('all')).toEqual([canceled.id, trial.id, active.id]);
  });

  it('shows canceled ones of deleted customers too', async () => {
    const { stripe } = await startSandbox();
    const price = await createLicensePrice(stripe);
    const customer = await createCustomer(stripe);
    const { id } = await stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }] });
    await stripe.customers.del(customer.id);
    const canceled = await stripe.subscriptions.list({ status: 'canceled' });
    expect(canceled.data.map((one) => one.id)).toEqual([id]);
  });

  it('is filtered by price, collection method, creation and periods', async () => {
    const { advance, customer, stripe, subscribe } = await startScenario({ at: '2027-01-10T00:00:00Z' });
    const first = await subscribe();
    await advance('2027-01-20T00:00:00Z');
    const yearly = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 100,
      recurring: { interval: 'year' },
      product_data: { name: 'Support' },
    });
    const second = await subscribe({
      items: [{ price: yearly.id }],
      collection_method: 'send_invoice',
      days_until_due: 3,
    });
    const ids = async (parameters: object): Promise<string[]> => {
      const page = await stripe.subscriptions.list({ customer: customer.id, ...parameters });
      return page.data.map((one) => one.id);
    };
    expect(await ids({ price: yearly.id })).toEqual([second.id]);
    expect(await ids({ collection_method: 'charge_automatically' })).toEqual([first.id]);
    expect(await ids({ created: { lt: seconds('2027-01-20T00:00:00Z') } })).toEqual([first.id]);
    expect(await ids({ current_period_start: { gte: seconds('2027-01-15T00:00:00Z') } })).toEqual([
      second.id,
    ]);
    expect(await ids({ current_period_end: { lte: seconds('2027-02-10T00:00:00Z') } })).toEqual([first.id]);
  });
});
