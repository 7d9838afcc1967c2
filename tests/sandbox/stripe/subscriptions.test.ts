import { describe, expect, it } from 'vitest';
import {
  createCustomer,
  createLicensePrice,
  createSubscription,
  eventsSince,
  newestEvent,
  refusalOf,
  startSandbox,
} from './simulator-fixture.ts';

const daySeconds = 86_400;

describe('a subscription', () => {
  it('is created active with periods on its items, a paid first invoice and the recorded events', async () => {
    const { stripe } = await startSandbox();
    const price = await createLicensePrice(stripe);
    const customer = await createCustomer(stripe);
    const mark = await newestEvent(stripe);
    const subscription = await stripe.subscriptions.create(
      { customer: customer.id, items: [{ price: price.id, quantity: 10 }], metadata: { tenant: 't' } },
      { idempotencyKey: 'create' },
    );
    const [item] = subscription.items.data;
    expect(subscription).toMatchObject({
      status: 'active',
      livemode: false,
      cancel_at: null,
      schedule: null,
    });
    expect(item).toMatchObject({
      quantity: 10,
      current_period_start: subscription.created,
      price: { id: price.id },
    });
    expect(subscription).not.toHaveProperty('current_period_end');
    const events = await eventsSince(stripe, mark);
    expect(events.map((event) => event.type)).toEqual([
      'charge.succeeded',
      'customer.updated',
      'customer.subscription.created',
      'payment_intent.succeeded',
      'payment_intent.created',
      'invoice.created',
      'invoice.finalized',
      'invoice.paid',
      'invoice.payment_succeeded',
      'invoice_payment.paid',
    ]);
    expect(events[2]?.request).toEqual({
      id: subscription.lastResponse.requestId,
      idempotency_key: 'create',
    });
    expect(events[2]?.data.object).toMatchObject({
      id: subscription.id,
      status: 'active',
      customer: customer.id,
    });
    const invoice = await stripe.invoices.retrieve(String(subscription.latest_invoice));
    expect(invoice).toMatchObject({
      status: 'paid',
      amount_paid: 5_000,
      billing_reason: 'subscription_create',
    });
    expect(invoice.parent?.subscription_details?.subscription).toBe(subscription.id);
  });

  it('tells a quantity change with the whole old array of items, and no more', async () => {
    const { stripe } = await startSandbox();
    const { subscription, itemId } = await createSubscription(stripe, 10);
    const mark = await newestEvent(stripe);
    await stripe.subscriptions.update(subscription.id, {
      items: [{ id: itemId, quantity: 25 }],
      proration_behavior: 'none',
    });
    const [event, ...others] = await eventsSince(stripe, mark);
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      type: 'customer.subscription.updated',
      data: { object: { items: { data: [{ id: itemId, quantity: 25 }] } } },
    });
    expect(Object.keys(event?.data.previous_attributes ?? {})).toEqual(['items']);
    expect(event?.data.previous_attributes).toMatchObject({
      items: { data: [{ id: itemId, quantity: 10 }] },
    });
  });

  it('keeps the state of its time in an event, whatever happens later', async () => {
    const { stripe } = await startSandbox();
    const { subscription, itemId } = await createSubscription(stripe, 10);
    await stripe.subscriptions.update(subscription.id, { items: [{ id: itemId, quantity: 25 }] });
    await stripe.subscriptions.update(subscription.id, { items: [{ id: itemId, quantity: 8 }] });
    const { data } = await stripe.events.list({ type: 'customer.subscription.updated' });
    expect(data.map((event) => event.data.object)).toMatchObject([
      { items: { data: [{ quantity: 8 }] } },
      { items: { data: [{ quantity: 25 }] } },
    ]);
  });

  it('adds an item without an id, deletes one by id, and never the last', async () => {
    const { stripe } = await startSandbox();
    const { subscription, itemId, price } = await createSubscription(stripe, 1);
    const added = await stripe.subscriptions.update(subscription.id, {
      items: [{ price: price.id, quantity: 3 }],
    });
    expect(added.items.data.map((item) => item.quantity)).toEqual([1, 3]);
    const left = await stripe.subscriptions.update(subscription.id, {
      items: [{ id: itemId, deleted: true }],
    });
    expect(left.items.data.map((item) => item.quantity)).toEqual([3]);
    const last = left.items.data[0]?.id ?? '';
    const call = stripe.subscriptions.update(subscription.id, { items: [{ id: last, deleted: true }] });
    expect(await refusalOf(call)).toMatchObject({ statusCode: 400, param: 'items' });
    const other = stripe.subscriptions.update(subscription.id, { items: [{ id: itemId, quantity: 1 }] });
    expect(await refusalOf(other)).toMatchObject({ code: 'resource_missing', param: 'items[0][id]' });
  });

  it('changes through its item as well', async () => {
    const { stripe } = await startSandbox();
    const { subscription, itemId } = await createSubscription(stripe, 1);
    const mark = await newestEvent(stripe);
    await stripe.subscriptionItems.update(itemId, { quantity: 4, proration_behavior: 'none' });
    expect((await eventsSince(stripe, mark)).map((event) => event.type)).toEqual([
      'customer.subscription.updated',
    ]);
    expect((await stripe.subscriptions.retrieve(subscription.id)).items.data[0]?.quantity).toBe(4);
  });

  it('has no quantity on a metered item', async () => {
    const { stripe } = await startSandbox();
    const customer = await createCustomer(stripe);
    const metered = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 1,
      recurring: { interval: 'month', usage_type: 'metered', meter: 'mtr_1' },
      product_data: { name: 'Usage' },
    });
    const made = await stripe.subscriptions.create({ customer: customer.id, items: [{ price: metered.id }] });
    expect(made.items.data[0]).not.toHaveProperty('quantity');
  });

  it('writes no event for an update that changes nothing, and one for metadata', async () => {
    const { stripe } = await startSandbox();
    const { subscription, itemId } = await createSubscription(stripe, 10);
    const mark = await newestEvent(stripe);
    await stripe.subscriptions.update(subscription.id, { items: [{ id: itemId, quantity: 10 }] });
    await stripe.subscriptions.update(subscription.id, { metadata: { tenant_id: 't1' } });
    const events = await eventsSince(stripe, mark);
    expect(events.map((event) => event.data.previous_attributes)).toEqual([
      { metadata: { tenant_id: null } },
    ]);
  });

  it('takes pause_collection without a change of its status', async () => {
    const { stripe } = await startSandbox();
    const { subscription } = await createSubscription(stripe, 1);
    const paused = await stripe.subscriptions.update(subscription.id, {
      pause_collection: { behavior: 'void' },
    });
    expect(paused).toMatchObject({
      status: 'active',
      pause_collection: { behavior: 'void', resumes_at: null },
    });
    expect(
      (await stripe.subscriptions.update(subscription.id, { pause_collection: '' })).pause_collection,
    ).toBeNull();
  });

  it('starts in a trial with an invoice of nothing, and is active when the trial is over', async () => {
    const { stripe, control } = await startSandbox();
    const price = await createLicensePrice(stripe);
    const customer = await createCustomer(stripe);
    const trial = await stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: price.id }],
      trial_period_days: 14,
      expand: ['latest_invoice'],
    });
    expect(trial).toMatchObject({ status: 'trialing', latest_invoice: { status: 'paid', total: 0 } });
    expect(trial.trial_end).toBe(trial.created + 14 * daySeconds);
    await control.setTimeOffset(15 * daySeconds * 1_000);
    expect((await stripe.subscriptions.retrieve(trial.id)).status).toBe('active');
  });
});

describe('the end of a subscription', () => {
  it('at once is one deleted event, no last update, and a second cancel is a 404', async () => {
    const { stripe } = await startSandbox();
    const { subscription } = await createSubscription(stripe, 1);
    const mark = await newestEvent(stripe);
    const canceled = await stripe.subscriptions.cancel(subscription.id, {
      cancellation_details: { comment: 'bye' },
    });
    expect(canceled).toMatchObject({
      status: 'canceled',
      cancellation_details: { comment: 'bye', reason: 'cancellation_requested' },
    });
    expect(canceled.ended_at).toBe(canceled.canceled_at);
    expect((await eventsSince(stripe, mark)).map((event) => event.type)).toEqual([
      'customer.subscription.deleted',
    ]);
    expect(await refusalOf(stripe.subscriptions.cancel(subscription.id))).toMatchObject({
      statusCode: 404,
      code: 'resource_missing',
    });
    const edit = stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true });
    expect(await refusalOf(edit)).toMatchObject({ statusCode: 400 });
    expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('canceled');
  });

  it('at the end of the period is an update now, can be taken back, and a deleted event then', async () => {
    const { stripe, control } = await startSandbox();
    const { subscription } = await createSubscription(stripe, 1);
    const periodEnd = subscription.items.data[0]?.current_period_end ?? 0;
    const mark = await newestEvent(stripe);
    const ending = await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true });
    expect(ending).toMatchObject({
      status: 'active',
      cancel_at: periodEnd,
      cancel_at_period_end: true,
      ended_at: null,
    });
    const back = await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: false });
    expect(back).toMatchObject({ cancel_at: null, canceled_at: null, cancel_at_period_end: false });
    await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true });
    const asked = await eventsSince(stripe, mark);
    await control.setTimeOffset((periodEnd + 60) * 1_000 - Date.now());
    const events = [...asked, ...(await eventsSince(stripe, asked.at(-1)?.id))];
    expect(events.map((event) => event.type)).toEqual([
      'customer.subscription.updated',
      'customer.subscription.updated',
      'customer.subscription.updated',
      'customer.subscription.deleted',
    ]);
    expect(events[0]?.data.previous_attributes).toEqual({
      cancel_at: null,
      cancel_at_period_end: false,
      canceled_at: null,
      cancellation_details: { reason: null },
    });
    expect(events[3]?.request).toEqual({ id: null, idempotency_key: null });
    expect(await stripe.subscriptions.retrieve(subscription.id)).toMatchObject({
      status: 'canceled',
      ended_at: periodEnd,
    });
  });

  it('comes with the deletion of its customer, of whom a stub remains', async () => {
    const { stripe } = await startSandbox();
    const { subscription, customer } = await createSubscription(stripe, 1);
    const mark = await newestEvent(stripe);
    expect(await stripe.customers.del(customer.id)).toEqual({
      id: customer.id,
      object: 'customer',
      deleted: true,
    });
    const events = await eventsSince(stripe, mark);
    expect(events.map((event) => event.type)).toEqual(['customer.deleted', 'customer.subscription.deleted']);
    expect(events[0]?.data.object).toMatchObject({ id: customer.id, email: 'buyer@example.com' });
    expect(await stripe.customers.retrieve(customer.id)).toEqual({
      id: customer.id,
      object: 'customer',
      deleted: true,
    });
    expect(await refusalOf(stripe.customers.update(customer.id, { name: 'x' }))).toMatchObject({
      statusCode: 404,
    });
    const shown = await stripe.subscriptions.retrieve(subscription.id, { expand: ['customer'] });
    expect(shown).toMatchObject({ status: 'canceled', customer: { deleted: true } });
  });
});

describe('the list of subscriptions', () => {
  it('leaves out canceled ones unless they are asked for', async () => {
    const { stripe, control } = await startSandbox();
    const { subscription, customer, price } = await createSubscription(stripe, 1);
    const live = await stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }] });
    await stripe.subscriptions.cancel(subscription.id);
    await createSubscription(stripe, 1);
    const ids = async (status?: 'all' | 'ended' | 'canceled' | 'past_due'): Promise<string[]> => {
      const page = await stripe.subscriptions.list({ customer: customer.id, ...(status ? { status } : {}) });
      return page.data.map((one) => one.id);
    };
    expect(await ids()).toEqual([live.id]);
    expect(await ids('all')).toEqual([live.id, subscription.id]);
    expect(await ids('ended')).toEqual([subscription.id]);
    expect(await ids('past_due')).toEqual([]);
    await control.setSubscriptionStatus(live.id, 'past_due');
    expect(await ids('past_due')).toEqual([live.id]);
    const byPrice = await stripe.subscriptions.list({ price: price.id });
    expect(byPrice.data.map((one) => one.id)).toEqual([live.id]);
  });
});

describe('products and prices', () => {
  it('write created and updated events with the old values', async () => {
    const { stripe } = await startSandbox();
    const price = await createLicensePrice(stripe);
    await stripe.products.update(String(price.product), { name: 'Seat', metadata: { k: 'v' } });
    await stripe.prices.update(price.id, { active: false, nickname: 'old' });
    const events = await eventsSince(stripe, undefined);
    expect(events.map((event) => event.type)).toEqual([
      'product.created',
      'price.created',
      'product.updated',
      'price.updated',
    ]);
    expect(events[2]?.data.previous_attributes).toMatchObject({ name: 'Licence', metadata: { k: null } });
    expect(events[3]?.data.previous_attributes).toEqual({ active: true, nickname: null });
    expect((await stripe.prices.list({ product: String(price.product) })).data.map((one) => one.id)).toEqual([
      price.id,
    ]);
    expect(await refusalOf(stripe.products.del(String(price.product)))).toMatchObject({ statusCode: 400 });
  });
});
