import { describe, expect, it } from 'vitest';
import { refusalOf, startReceiver, startSandbox } from './simulator-fixture.ts';

const dayMs = 86_400_000;

describe('the list of events', () => {
  it('goes back thirty days, and so does an event by its id', async () => {
    const { stripe, control } = await startSandbox();
    await stripe.products.create({ name: 'old' });
    const [old] = (await stripe.events.list()).data;
    await control.setTimeOffset(29 * dayMs);
    expect((await stripe.events.list()).data).toHaveLength(1);
    await control.setTimeOffset(30 * dayMs);
    await stripe.products.create({ name: 'new' });
    expect((await stripe.events.list()).data.map(({ data }) => data.object)).toMatchObject([{ name: 'new' }]);
    expect((await refusalOf(stripe.events.retrieve(old?.id ?? ''))).statusCode).toBe(404);
  });

  it('keeps as many events as it is told, and forgets the oldest', async () => {
    const { stripe } = await startSandbox({ eventsKeptMax: 50 });
    const { id } = await stripe.products.create({ name: 'first' });
    for (let round = 0; round < 1_100; round++) await stripe.products.update(id, { name: `${round}` });
    const kept = await stripe.events.list({ limit: 100 });
    expect(kept.data.length).toBeGreaterThanOrEqual(50);
    expect(kept.data[0]?.data.object).toMatchObject({ name: '1099' });
    let all = 0;
    for await (const _ of stripe.events.list({ limit: 100 })) all++;
    expect(all).toBeLessThan(1_100);
  });

  it('shows with delivery_success=false what is pending as well as what has failed for good', async () => {
    const { stripe, control } = await startSandbox({ deliveries: { attemptsMax: 1 } });
    const receiver = await startReceiver();
    await stripe.webhookEndpoints.create({ url: receiver.url, enabled_events: ['product.created'] });
    const namesOf = async (delivery_success: boolean): Promise<unknown[]> => {
      const { data } = await stripe.events.list({ delivery_success, type: 'product.created' });
      return data.map((event) => ('name' in event.data.object ? event.data.object.name : null));
    };
    receiver.answerNext(500);
    await stripe.products.create({ name: 'failed' });
    await control.waitUntilIdle();
    await control.holdDeliveries();
    await stripe.products.create({ name: 'pending' });
    expect(await namesOf(false)).toEqual(['pending', 'failed']);
    await control.releaseDeliveries();
    await control.waitUntilIdle();
    expect(await namesOf(false)).toEqual(['failed']);
    expect(await namesOf(true)).toEqual(['pending']);
  });

  it('counts an event without any receiver as delivered', async () => {
    const { stripe } = await startSandbox();
    await stripe.products.create({ name: 'unheard' });
    expect((await stripe.events.list({ delivery_success: false })).data).toEqual([]);
    expect((await stripe.events.list({ delivery_success: true })).data).toHaveLength(1);
  });

  it('has the events of objects on a test clock', async () => {
    const { stripe } = await startSandbox();
    const clock = await stripe.testHelpers.testClocks.create({ frozen_time: 1_900_000_000 });
    const customer = await stripe.customers.create({ test_clock: clock.id });
    const { data } = await stripe.events.list({ type: 'customer.created' });
    expect(data.map((event) => event.data.object)).toMatchObject([{ id: customer.id }]);
    expect((await stripe.events.list({ type: 'test_helpers.test_clock.created' })).data).toHaveLength(1);
  });

  it('takes a wildcard, twenty types at most, and not both ways to name them', async () => {
    const { stripe } = await startSandbox();
    const { id } = await stripe.products.create({ name: 'a' });
    await stripe.products.update(id, { name: 'b' });
    await stripe.customers.create({});
    expect((await stripe.events.list({ type: 'product.*' })).data).toHaveLength(2);
    const both = stripe.events.list({ type: 'product.created', types: ['customer.created'] });
    expect((await refusalOf(both)).statusCode).toBe(400);
    const many = stripe.events.list({ types: Array.from({ length: 21 }, () => 'product.created') });
    expect((await refusalOf(many)).statusCode).toBe(400);
  });
});
